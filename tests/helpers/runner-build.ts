import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** Test files made into programs that Node runs as they are. */
export type Programs = {
  /** Loads one of them in a process of its own. */
  child: string
  /** The program of a test file, or why there is none. */
  of(file: string): { path: string } | { error: string }
  remove(): Promise<void>
}

const HELPERS = dirname(fileURLToPath(import.meta.url))
const WATCHED_UVU = join(HELPERS, 'runner-uvu.ts')
// Under node_modules, so that packages are found from there.
const CACHE = join(HELPERS, '../../node_modules/.cache')

/** Bundles all files in one go: half a second, where a loader in each process takes a third of one for each file. */
export async function buildPrograms(files: readonly string[]): Promise<Programs> {
  await mkdir(CACHE, { recursive: true })
  const outdir = await mkdtemp(join(CACHE, 'tests-'))
  const errors = await bundleInto(outdir, files)
  return {
    child: join(outdir, 'child.js'),
    of: (file) => {
      const error = errors.get(file)
      return error === undefined ? { path: join(outdir, `${nameOf(files.indexOf(file))}.js`) } : { error }
    },
    remove: () => rm(outdir, { recursive: true }),
  }
}

const nameOf = (index: number): string => `test-${index}`

/** The errors of those that can't be bundled, each found alone, because one breaks the whole build. */
async function bundleInto(outdir: string, files: readonly string[]): Promise<Map<string, string>> {
  const errors = new Map<string, string>()
  const entries = files.map((file, i) => ({ in: file, out: nameOf(i) }))
  const child = { in: join(HELPERS, 'runner-child.ts'), out: 'child' }
  if ((await bundle([...entries, child], outdir)) === undefined) return errors
  for (const entry of entries) {
    const error = await bundle([entry])
    if (error !== undefined) errors.set(entry.in, error)
  }
  const error = await bundle([...entries.filter((entry) => !errors.has(entry.in)), child], outdir)
  if (error !== undefined) throw new Error(error)
  return errors
}

/** Resolves with what is wrong, if anything. Without `outdir` nothing is written. */
async function bundle(entryPoints: { in: string; out: string }[], outdir?: string): Promise<string | undefined> {
  try {
    await build({
      entryPoints,
      outdir: outdir ?? CACHE,
      write: outdir !== undefined,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20.19',
      packages: 'external',
      sourcemap: 'inline',
      sourcesContent: false,
      logLevel: 'silent',
      plugins: [inPlace],
    })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** `uvu` is the watched one for everybody but itself, and a module's own address stays that of its source. */
const inPlace: Plugin = {
  name: 'in-place',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^uvu$/ }, ({ importer }) => (importer === WATCHED_UVU ? null : { path: WATCHED_UVU }))
    onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
      const own = new Map([
        ['url', pathToFileURL(path).href],
        ['dirname', dirname(path)],
        ['filename', path],
      ])
      const text = await readFile(path, 'utf8')
      const contents = text.replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, name) =>
        JSON.stringify(own.get(name)),
      )
      return { contents, loader: extname(path) === '.ts' ? 'ts' : 'js' }
    })
  },
}
