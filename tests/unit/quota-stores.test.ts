import { chmod, copyFile, mkdtemp, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../server/log.ts'
import { openStore } from '../../server/stores/open.ts'
import type { Store } from '../../server/stores/port.ts'
import { migrations } from '../../server/stores/schema.ts'
import { witnessOf } from '../../server/stores/sqlite-witness.ts'
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

inFolder('a file of version 1 opens with its sums and open holds, and without its addresses', async (folder) => {
  const file = join(folder, 'v1.db')
  const old = new Database(file)
  old.exec(migrations[0] ?? '')
  old.exec(`
    PRAGMA user_version=1;
    INSERT INTO buckets VALUES ('ip-ask:192.0.2.7', 1768471200000000);
    INSERT INTO scopes VALUES ('month:2026-01', 300, 50, 3, 40), ('day:2026-01-15', 200, 50, 2, 30);
    INSERT INTO scopes VALUES ('share:2026-01-15:192.0.2.7', 200, 50, 2, 30);
    INSERT INTO holds VALUES ('h', '2026-01-15', 'boot', '["month:2026-01","day:2026-01-15","share:2026-01-15:192.0.2.7"]', 50, 1);
    INSERT INTO facts VALUES ('window', '2026-01-15 2026-01 17');
    INSERT INTO sessions VALUES ('s', 99999999999999);
    INSERT INTO turns VALUES ('s', 0, x'01');
  `)
  old.close()
  const store = await opened(`sqlite:${file}`)
  const [window, caps] = [
    { day: '2026-01-15', month: '2026-01', daysLeft: 17 },
    { dayNano: 1000, monthNano: 9000 },
  ]
  await store.ledger.settle('h', { nano: 20, outputTokens: 5, overrun: false })
  const { spent, month } = await store.ledger.snapshot(window, caps)
  assert.equal({ ...spent }, { spent: 220, held: 0, requests: 2, outputTokens: 35 })
  assert.equal({ ...month }, { spent: 320, held: 0, requests: 3, outputTokens: 45 })
  const kept = await store.conversations.load('s')
  assert.is(kept?.at === 'here' && kept.blobs.length, 1)
  await store.close()
  assert.not((await readFile(file)).includes('192.0.2.7'), 'not even in the free pages')
})

inFolder('no address stands in the file as it is', async (folder) => {
  const file = join(folder, 'a.db')
  const store = await opened(`sqlite:${file}`)
  await store.buckets.take([{ rule: RULE, key: '192.0.2.7' }])
  const day = { day: '2026-01-15', month: '2026-01', daysLeft: 17, at: 1, hour: 1 }
  const scopes = [{ cause: 'share', key: 'address:192.0.2.7', capNano: 1000 }] as const
  const caps = { dayNano: 1000, monthNano: 9000 }
  assert.ok((await store.ledger.reserve({ ...day, id: 'h', owner: 'boot', nano: 1, caps, scopes })).ok)
  await store.close()
  assert.not((await readFile(file)).includes('192.0.2.7'))
})

inFolder('a backup that was put back is halted until it is accepted', async (folder) => {
  const file = join(folder, 'a.db')
  const day = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
  const caps = { dayNano: 1000, monthNano: 9000 }
  const beat = { owner: 'boot', window: day, caps }
  const halted = async (store: Store) => (await store.ledger.snapshot(day, caps)).halted
  const first = await opened(`sqlite:${file}`)
  await first.ledger.beat({ ...beat, at: clock.now() })
  await first.close()
  await copyFile(file, join(folder, 'backup.db'))
  const second = await opened(`sqlite:${file}`)
  assert.is(await halted(second), undefined, 'a restart is no restore')
  clock.advance(20_000)
  await second.ledger.beat({ ...beat, at: clock.now() })
  await second.close()
  await copyFile(join(folder, 'backup.db'), file)
  const restored = await opened(`sqlite:${file}`)
  assert.is(await halted(restored), 'restored')
  await restored.ledger.resume(day)
  await restored.close()
  const accepted = await opened(`sqlite:${file}`)
  assert.is(await halted(accepted), undefined)
  await accepted.close()
})

inFolder('neither a resume nor another process at work is taken for a backup that was put back', async (folder) => {
  const file = join(folder, 'a.db')
  const day = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
  const caps = { dayNano: 1000, monthNano: 9000 }
  const halted = async (store: Store) => (await store.ledger.snapshot(day, caps)).halted
  // Each look at it is a later moment, as in life.
  const passing = {
    ...clock,
    now() {
      clock.advance(1)
      return clock.now()
    },
  }
  const open = () => openStore(`sqlite:${file}`, { clock: passing, log: silentLog })
  const server = await open()
  await server.ledger.resume(day)
  const look = await open()
  assert.is(await halted(look), undefined)
  await look.close()
  // Meanwhile another process tells of itself, to the database first.
  await writeFile(`${file}.seen`, '100')
  const witness = witnessOf(file, passing.now)
  const seen = async () => writeFile(`${file}.seen`, '200').then(() => 100)
  assert.is(await witness.contradicts(seen), false)
  assert.is(await witness.contradicts(async () => 199), true)
  await server.close()
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
