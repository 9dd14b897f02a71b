import { chmod, mkdtemp, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../server/log.ts'
import { openStore } from '../../server/stores/open.ts'
import { migrations } from '../../server/stores/schema.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const RULE = { name: 'r', burst: 3, perMinute: 6 }
const clock = manualClock()
const opened = (url: string) => openStore(url, { clock, log: silentLog })
const refusal = (url: string) =>
  opened(url).then(
    () => 'opened',
    (error) => `${error.code}: ${error.message}`,
  )

const inFolder = (name: string, run: (folder: string) => Promise<void>) =>
  test(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'store-'))
    try {
      await run(folder)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

test('URLs that name no store are refused in a sentence', async () => {
  assert.match(await refusal('redis://localhost'), /^not_yet: .*Redis is not supported yet/)
  for (const url of ['', 'sqlite:', 'memory', 'mysql://x', 'memory:x']) assert.match(await refusal(url), /^bad_url: /)
})

inFolder('the folder is made for us alone, and so is the file', async (folder) => {
  const store = await opened(`sqlite:${join(folder, 'data', 'deep', 'a.db')}`)
  await store.buckets.take([{ rule: RULE, key: 'k' }])
  const mode = async (...parts: string[]) => ((await stat(join(folder, ...parts))).mode & 0o777).toString(8)
  assert.is(await mode('data'), '700')
  assert.is(await mode('data', 'deep'), '700')
  assert.is(await mode('data', 'deep', 'a.db'), '600')
  assert.is(await mode('data', 'deep', 'a.db-wal'), '600')
  assert.ok(await store.ready())
  await store.close()
})

inFolder('a file that others may read is warned about', async (folder) => {
  const file = join(folder, 'a.db')
  await writeFile(file, '')
  await chmod(file, 0o644)
  const events: string[] = []
  const log = { ...silentLog, warn: (event: string) => void events.push(event) }
  await (await openStore(`sqlite:${file}`, { clock, log })).close()
  assert.equal(events, ['store_readable_by_others'])
})

inFolder('every older version migrates, a newer one is refused in a sentence', async (folder) => {
  for (const version of migrations.keys()) {
    const file = join(folder, `v${version}.db`)
    const old = new Database(file)
    for (const sql of migrations.slice(0, version)) old.exec(sql)
    old.exec(`PRAGMA user_version=${version}`)
    old.close()
    const store = await opened(`sqlite:${file}`)
    assert.ok(await store.ready())
    await store.close()
  }
  const file = join(folder, 'new.db')
  const newer = new Database(file)
  newer.exec('PRAGMA user_version=99')
  newer.close()
  assert.match(await refusal(`sqlite:${file}`), /^newer: .*new\.db was written by a newer version/)
})

inFolder('foreign files, non-databases and impossible places are refused in a sentence', async (folder) => {
  const foreign = new Database(join(folder, 'foreign.db'))
  foreign.exec('CREATE TABLE shop (id)')
  foreign.close()
  assert.match(await refusal(`sqlite:${join(folder, 'foreign.db')}`), /^corrupt: .*another program/)
  await writeFile(join(folder, 'text.db'), 'no database at all, only text that goes on for a while'.repeat(40))
  assert.match(await refusal(`sqlite:${join(folder, 'text.db')}`), /^cannot_open: .*not a database/)
  assert.match(await refusal(`sqlite:${folder}`), /^cannot_open: .*EISDIR/)
  assert.match(await refusal(`sqlite:${join(folder, 'text.db', 'a.db')}`), /^cannot_open: .*ENOTDIR|EEXIST/)
})

inFolder('two processes may create the same file at once', async (folder) => {
  const url = `sqlite:${join(folder, 'a.db')}`
  const stores = await Promise.all([opened(url), opened(url), opened(url)])
  for (const store of stores) assert.ok(await store.ready())
  for (const store of stores) await store.close()
})

inFolder('a store whose file was deleted or replaced is not ready', async (folder) => {
  const file = join(folder, 'a.db')
  const store = await opened(`sqlite:${file}`)
  assert.ok(await store.ready())
  await unlink(file)
  assert.not(await store.ready())
  await writeFile(file, '')
  assert.not(await store.ready())
  await store.close()
})

inFolder('a store that cannot write rejects, and recovers without a restart', async (folder) => {
  const file = join(folder, 'a.db')
  const store = await opened(`sqlite:${file}`)
  const intruder = new Database(file)
  intruder.exec("CREATE TRIGGER broken BEFORE INSERT ON buckets BEGIN SELECT RAISE(ABORT, 'no'); END")
  const take = () =>
    store.buckets.take([{ rule: RULE, key: 'k' }]).then(
      ({ ok }) => ok,
      () => 'rejected',
    )
  assert.is(await take(), 'rejected')
  assert.is(await take(), 'rejected')
  intruder.exec('DROP TRIGGER broken')
  assert.is(await take(), true)
  intruder.close()
  await store.close()
})

inFolder('full buckets leave the file', async (folder) => {
  const file = join(folder, 'a.db')
  const store = await opened(`sqlite:${file}`)
  for (let index = 0; index < 100; index++) await store.buckets.take([{ rule: RULE, key: `k${index}` }])
  clock.advance(10_000)
  for (let index = 0; index < 20; index++) await store.buckets.take([{ rule: RULE, key: 'k' }])
  await store.close()
  const reader = new Database(file)
  assert.is(reader.prepare('SELECT count(*) AS n FROM buckets').pluck().all()[0], 1)
  reader.close()
})

inFolder('what is under way when a store closes is finished', async (folder) => {
  const url = `sqlite:${join(folder, 'a.db')}`
  const store = await opened(url)
  const taken = Promise.all([1, 2, 3].map(() => store.buckets.take([{ rule: RULE, key: 'k' }])))
  await store.close()
  assert.ok((await taken).every(({ ok }) => ok))
  const again = await opened(url)
  assert.not((await again.buckets.take([{ rule: RULE, key: 'k' }])).ok)
  await again.close()
})

test.run()
