// Builds dist/server/main.js and dist/client/ (hashed names, .br and .gz twins). No source maps leave this machine.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))
const brotli = promisify(brotliCompress)
const zip = promisify(gzip)

/** Bundles the server; packages stay in node_modules. */
export async function buildServer(outdir = join(root, 'dist/server')) {
  await rm(outdir, { recursive: true, force: true })
  await build({
    entryPoints: [join(root, 'server/main.ts')],
    outfile: join(outdir, 'main.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  })
}

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
  const bundle = await build({
    entryPoints: [join(root, 'client/page.ts'), join(root, 'client/page.css')],
    outdir,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
    legalComments: 'none',
    logLevel: 'warning',
  })
  let html = await readFile(join(root, 'client/index.html'), 'utf8')
  for (const { path, contents } of bundle.outputFiles) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    html = html.replaceAll(`/${name}"`, `/${await hashed(name, Buffer.from(contents))}"`)
  }
  const icon = await hashed('favicon.svg', await readFile(join(root, 'client/favicon.svg')))
  await put('index.html', Buffer.from(html.replaceAll('/favicon.svg"', `/${icon}"`)))
  return sizes
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  const [sizes] = await Promise.all([buildClient(), buildServer()])
  for (const [name, [bytes, zipped]] of Object.entries(sizes))
    console.log(`dist/client/${name}  ${bytes} B, ${zipped} B gzipped`)
}
