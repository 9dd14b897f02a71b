import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, posix } from 'node:path'
import { securityHeaders } from './headers.ts'

/** One file as it goes out, in the encodings that the build made. */
export type Page = {
  type: string
  cache: string
  etag: string
  /** Other sites' pages may load it. */
  shared?: true
  /** In place of those of every answer. */
  headers?: Readonly<Record<string, string>>
  bodies: Partial<Record<Encoding, Buffer>> & { identity: Buffer }
}
export type Encoding = 'br' | 'gzip' | 'identity'
export type Pages = ReadonlyMap<string, Page>

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}
// As build.mjs names them.
const HASHED = /-[0-9a-f]{8}\.[a-z]+$/
// Its name stays, and each visitor of the shop's site asks for it: a new one may take some minutes to arrive.
const LOADER = '/embed.js'
const ADMIN = '/admin'

/** Reads the built client once; afterwards a request is a look-up and never touches the file system. */
export async function readPages(dir: string): Promise<Pages> {
  const pages = new Map<string, Page>()
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = join(entry.parentPath, entry.name)
    const path = `/${posix.relative(dir, file)}`
    const page = await readPage(file, type)
    if (path === LOADER) pages.set(path, { ...page, cache: 'public, max-age=600', shared: true })
    // Whoever may embed the assistant may not embed this one.
    else if (path === `${ADMIN}.html`) pages.set(ADMIN, { ...page, headers: securityHeaders([]) })
    else pages.set(path === '/index.html' ? '/' : path, page)
  }
  return pages
}

async function readPage(file: string, type: string): Promise<Page> {
  const [identity, br, gzip] = await Promise.all([readFile(file), twin(`${file}.br`), twin(`${file}.gz`)])
  return {
    type,
    cache: HASHED.test(file) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: etagOf(identity),
    bodies: { identity, ...(br && { br }), ...(gzip && { gzip }) },
  }
}

/** The pages where there is no status page: neither it nor its script and style. */
export const withoutAdmin = (pages: Pages): Pages =>
  new Map([...pages].filter(([path]) => path !== ADMIN && !path.startsWith(`${ADMIN}-`)))

/** Weak: the encodings of one page share it. */
export const etagOf = (body: Buffer): string =>
  `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`

const twin = (file: string) => readFile(file).catch(() => undefined)

/** The smallest body that the request takes: `br`, then `gzip`, unless refused with q=0. */
export function pickEncoding(page: Page, acceptEncoding: string | undefined): Encoding {
  const accepted = new Set(
    (acceptEncoding ?? '').split(',').flatMap((part) => {
      const [name = '', ...params] = part.trim().toLowerCase().split(';')
      return params.some((param) => /^\s*q=0(\.0*)?\s*$/.test(param)) ? [] : name.trim()
    }),
  )
  if (page.bodies.br && accepted.has('br')) return 'br'
  return page.bodies.gzip && accepted.has('gzip') ? 'gzip' : 'identity'
}
