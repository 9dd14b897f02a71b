import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Page, type Pages, pickEncoding, readPages } from '../../server/http/pages.ts'

const body = Buffer.from('body')
const page = (bodies: Partial<Page['bodies']>): Page => ({
  type: 'text/plain',
  cache: 'no-cache',
  etag: 'W/"x"',
  bodies: { identity: body, ...bodies },
})
const all = page({ br: body, gzip: body })

async function withPages(files: readonly string[], check: (pages: Pages, dir: string) => void): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-pages-'))
  try {
    await mkdir(join(dir, 'sub.d'))
    for (const name of files) await writeFile(join(dir, name), `content of ${name}`)
    await symlink('/etc/passwd', join(dir, 'passwd.txt'))
    check(await readPages(dir), dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}

const table: [string | undefined, 'br' | 'gzip' | 'identity'][] = [
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip, deflate, br', 'br'],
  ['br', 'br'],
  ['BR', 'br'],
  ['gzip', 'gzip'],
  ['gzip;q=1.0, identity; q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br; q=0.000 ,gzip;q=0.001', 'gzip'],
  ['br;q=0.5, gzip', 'br'],
  ['br ; Q=0, gzip ; q=0', 'identity'],
  ['brr, xgzip', 'identity'],
  ['*', 'identity'],
  ['deflate', 'identity'],
  [`${','.repeat(8000)}br`, 'br'],
]

test('the smallest body that the request takes goes out', () => {
  for (const [accepted, encoding] of table) assert.is(pickEncoding(all, accepted), encoding, accepted?.slice(0, 50))
})

test('an encoding that the build did not make is never picked', () => {
  assert.is(pickEncoding(page({ gzip: body }), 'br, gzip'), 'gzip')
  assert.is(pickEncoding(page({}), 'br, gzip'), 'identity')
})

test('the map holds the known kinds of files under their paths, the index as /', () =>
  withPages(
    ['index.html', 'page.js', 'page.js.br', 'page.js.gz', 'page.js.map', '.env', 'x.db', 'sub.d/icon.svg'],
    (pages) => {
      assert.equal([...pages.keys()].sort(), ['/', '/page.js', '/sub.d/icon.svg'])
      const script = pages.get('/page.js')
      assert.is(script?.type, 'text/javascript; charset=utf-8')
      assert.equal(Object.keys(script?.bodies ?? {}).sort(), ['br', 'gzip', 'identity'])
      assert.equal(Object.keys(pages.get('/')?.bodies ?? {}), ['identity'])
    },
  ))

test('only a name with a hash is kept for ever', () =>
  withPages(['page-0a1b2c3d.js', 'page.js', 'index.html', 'app-launcher.js', 'page-0a1b2c3.js'], (pages) => {
    const kept = [...pages].flatMap(([path, { cache }]) => (cache.includes('immutable') ? path : []))
    assert.equal(kept, ['/page-0a1b2c3d.js'])
    assert.is(pages.get('/')?.cache, 'no-cache')
  }))

test('the loader for other sites is shared, and kept for some minutes', () =>
  withPages(['embed.js', 'page.js'], (pages) => {
    assert.is(pages.get('/embed.js')?.cache, 'public, max-age=600')
    assert.equal([...pages.values()].map(({ shared }) => shared).sort(), [true, undefined])
  }))

test('a tag follows the content', () =>
  withPages(['a.js', 'b.js'], (pages) => {
    assert.is.not(pages.get('/a.js')?.etag, pages.get('/b.js')?.etag)
    assert.match(pages.get('/a.js')?.etag ?? '', /^W\/"[\w-]{22}"$/)
  }))

test.run()
