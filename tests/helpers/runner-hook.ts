import * as nodeModule from 'node:module'

const WRAPPER = new URL('./runner-uvu.ts', import.meta.url).href

// Runs in Node's loader, so it is a text of its own. `uvu` is the wrapper for everybody but the wrapper.
const source = `export function resolve(specifier, context, next) {
  if (specifier === 'uvu' && context.parentURL !== ${JSON.stringify(WRAPPER)}) return next(${JSON.stringify(WRAPPER)}, context)
  if (specifier === 'uvu' || specifier.startsWith('uvu/')) return next(specifier, { ...context, parentURL: ${JSON.stringify(WRAPPER)} })
  return next(specifier, context)
}`

/** From here on `import 'uvu'` gives the watched uvu. Node 20 has only `register`, later ones want `registerHooks`. */
export async function watchUvu(): Promise<void> {
  const url = `data:text/javascript,${encodeURIComponent(source)}`
  const registerHooks: unknown = Reflect.get(nodeModule, 'registerHooks')
  if (typeof registerHooks === 'function') registerHooks(await import(url))
  else nodeModule.register(url)
}
