// Builds dist/server/ (main.js, budget.js, logs.js, report.js and their chunks) and dist/client/ (hashed names, .br and .gz twins). No source maps leave this machine.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build, transform } from 'esbuild'
import { minify } from 'terser'

const root = dirname(fileURLToPath(import.meta.url))
const brotli = promisify(brotliCompress)
const zip = promisify(gzip)
const langs = ['fr', 'en', 'br']
const localeOf = (name) => join(root, `client/locales/${name.slice(-2)}.ts`)
const partOf = (name) => join(root, `client/${name}.ts`)

/**
 * Bundles the server with its packages: one file starts sooner than four hundred, and Node's reader of CommonJS names,
 * 7 MB of WebAssembly, stays out. libsql's binary and Google's SDK are still read from node_modules.
 */
export async function buildServer(outdir = join(root, 'dist/server')) {
  await rm(outdir, { recursive: true, force: true })
  await build({
    entryPoints: ['main', 'budget', 'logs', 'maintenance', 'report'].map((name) => join(root, `server/${name}.ts`)),
    outdir,
    bundle: true,
    // What one store or mode alone needs is loaded with it.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    // V8 keeps the text: 3 MB less. The names stay, and the lines are short, so that a stack still tells the place.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    banner: { js: CJS_IN_ESM },
    logLevel: 'warning',
  })
}

/** What the CommonJS packages in the bundle ask for by `require`: Node's own modules and libsql's binary. */
const CJS_IN_ESM = `import { createRequire as requireFrom } from 'node:module'
const require = requireFrom(import.meta.url)`

/** Bundles the page into `outdir`; returns the sizes as { name: [bytes, gzipped bytes] }. */
export async function buildClient(outdir = join(root, 'dist/client')) {
  await rm(outdir, { recursive: true, force: true })
  await mkdir(outdir, { recursive: true })
  const sizes = {}
  const put = async (name, body) => {
    const file = join(outdir, name)
    const small = await zip(body, { level: 9 })
    await Promise.all([
      writeFile(file, body),
      writeFile(`${file}.gz`, small),
      writeFile(`${file}.br`, await brotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })),
    ])
    sizes[name] = [body.length, small.length]
  }
  const hashed = async (name, body) => {
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 8)
    const full = name.replace(/\.(\w+)$/, `-${hash}.$1`)
    await put(full, body)
    return full
  }
  const options = {
    outdir,
    bundle: true,
    minify: true,
    write: false,
    target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
    legalComments: 'none',
    logLevel: 'warning',
  }
  const worker = await build({ ...options, entryPoints: [join(root, 'client/proof-worker.ts')], format: 'iife' })
  const workerName = await hashed('proof-worker.js', Buffer.from(worker.outputFiles[0].contents))
  // Modules that the page fetches by itself: { name: path }.
  const apart = async (names, fileOf) => {
    const { outputFiles } = await build({ ...options, entryPoints: names.map(fileOf), format: 'esm' })
    const files = outputFiles.map(({ contents }) => Buffer.from(contents))
    return Promise.all(names.map(async (name, i) => [name, `/${await hashed(`${name}.js`, files[i])}`]))
  }
  const locales = await apart(
    langs.map((lang) => `locale-${lang}`),
    localeOf,
  )
  const parts = await apart(['frame', 'save'], partOf)
  const bundle = await build({
    ...options,
    plugins: [slimCloses],
    entryPoints: [join(root, 'client/page.ts'), join(root, 'client/page.css'), join(root, 'client/print.css')],
    format: 'esm',
    define: {
      PROOF_WORKER: JSON.stringify(`/${workerName}`),
      LOCALES: JSON.stringify(Object.fromEntries(locales.map(([name, path]) => [name.slice(-2), path]))),
      PARTS: JSON.stringify(Object.fromEntries(parts)),
    },
  })
  bundle.outputFiles = await Promise.all(bundle.outputFiles.map(smallest))
  const icon = await hashed('favicon.svg', await readFile(join(root, 'client/favicon.svg')))
  const putPage = async (name, source, { outputFiles }) => {
    let html = await readFile(join(root, source), 'utf8')
    for (const { path, contents } of outputFiles) {
      const file = path.slice(path.lastIndexOf('/') + 1)
      html = html.replaceAll(`/${file}"`, `/${await hashed(file, Buffer.from(contents))}"`)
    }
    await put(name, Buffer.from(html.replaceAll('/favicon.svg"', `/${icon}"`)))
  }
  await putPage('index.html', 'client/index.html', bundle)
  const admin = ['main.ts', 'page.css'].map((name) => ({ in: join(root, `client/admin/${name}`), out: 'admin' }))
  // The admin's page alone carries the plotting library, with its licence.
  const kept = { plugins: [slimCloses], entryPoints: admin, format: 'esm', legalComments: 'eof' }
  await putPage('admin.html', 'client/admin/index.html', await build({ ...options, ...kept }))
  await put('embed.js', await buildEmbed(options))
  return sizes
}

/** The visitor's script 3 % smaller than esbuild leaves it; any other file as it is. */
async function smallest(file) {
  if (!file.path.endsWith('.js')) return file
  const { code } = await minify(file.text, { module: true, compress: { ecma: 2020 } })
  return { path: file.path, contents: Buffer.from(code) }
}

/** The page obeys the closes table and needs no more of it than what to do after which code. */
const slimCloses = {
  name: 'slim-closes',
  setup({ onLoad }) {
    onLoad({ filter: /protocol[\\/]closes\.ts$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts' })
      const { closes } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
      // Whatever isn't in the table is a lost network: soon.
      const others = Object.values(closes).filter(({ reconnect }) => reconnect !== 'soon')
      const rows = Object.fromEntries(others.map(({ code, reconnect }) => [code, reconnect]))
      return {
        contents: `const rows=${JSON.stringify(rows)};export const closeOf=code=>({reconnect:rows[code]??'soon'})`,
      }
    })
  },
}

/** The loader for other sites' pages, in one file under a name that stays. */
async function buildEmbed(options) {
  const css = await build({ ...options, entryPoints: [join(root, 'client/embed.css')] })
  const script = await build({
    ...options,
    entryPoints: [join(root, 'client/embed.ts')],
    format: 'iife',
    define: { EMBED_CSS: JSON.stringify(css.outputFiles[0].text.trim()) },
  })
  return Buffer.from(script.outputFiles[0].contents)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  const [sizes] = await Promise.all([buildClient(), buildServer()])
  for (const [name, [bytes, zipped]] of Object.entries(sizes))
    console.log(`dist/client/${name}  ${bytes} B, ${zipped} B gzipped`)
}
