import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type JournalParts, loadTurns, openJournal } from '../../server/chat/journal.ts'
import { watched } from '../../server/chat/trouble.ts'
import { type Turn, turnFromText, turnToText } from '../../server/chat/turn.ts'
import { type Log, silentLog } from '../../server/log.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { vault } from '../../server/vault.ts'
import { calm } from '../helpers/chat.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { slowStore } from '../helpers/slow-store.ts'

const TOKEN = `lm_${'A'.repeat(43)}`
const TTL = 1000

function setup() {
  const clock = manualClock()
  const store = slowStore(memoryStore(clock).conversations)
  const events: string[] = []
  const note = (event: string) => void events.push(event)
  const log: Log = { ...silentLog, error: note, info: note }
  const watch = watched(log, 'conversation_not_stored')
  const parts: JournalParts = { store, vault, ttlMs: TTL, now: clock.now, watch }
  const kept = async () => {
    const loaded = await loadTurns(parts, TOKEN)
    return loaded?.at === 'here' ? loaded.turns.map(({ n, answer }) => `${n}:${answer}`) : undefined
  }
  const journal = openJournal(parts, TOKEN, () => events.push('lost'))
  return { clock, store, events, parts, kept, journal }
}

const turn = (n: number, answer = ''): Turn => ({
  n,
  id: `q${n}`,
  question: 'Un vélo ?',
  at: 5,
  remaining: 3,
  source: 'model',
  answer,
  state: 'complete',
})

test('a turn comes back as it was; one that was streaming is interrupted', () => {
  const whole: Turn = { ...turn(3, 'Oui 🚲'), usage: { promptTokens: 4, outputTokens: 2 } }
  assert.equal(turnFromText(turnToText(whole)), whole)
  assert.equal(turnFromText(turnToText({ ...whole, state: 'streaming' })), { ...whole, state: 'interrupted' })
})

test('what is no turn does not come back', () => {
  const texts = [
    '',
    '{',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...turn(0), n: 'x' }),
    JSON.stringify({ ...turn(0), state: 'lost' }),
  ]
  for (const text of texts) assert.is(turnFromText(text), undefined, text)
})

test('writes pass one at a time, in order, also from calls that did not wait', async () => {
  const { journal, store, kept } = setup()
  store.hold()
  const all = [journal.save(turn(0, 'a')), journal.save(turn(0, 'b')), journal.save(turn(1, 'c')), journal.trim(1)]
  await calm()
  assert.is(store.calls.length, 1)
  store.letGo()
  await Promise.all(all)
  assert.equal(await kept(), ['1:c'])
})

test('what the store refused is written with the next write that passes, latest state first told once', async () => {
  const { journal, store, events, kept } = setup()
  store.broken = true
  await journal.save(turn(0, 'a'))
  await journal.save(turn(0, 'b'))
  await journal.save(turn(1, 'c'))
  assert.ok(journal.behind)
  assert.equal(events, ['conversation_not_stored'])
  store.broken = false
  await journal.save(turn(2, 'd'))
  assert.not.ok(journal.behind)
  assert.equal(events, ['conversation_not_stored', 'conversation_not_stored_over'])
  assert.equal(await kept(), ['0:b', '1:c', '2:d'])
})

test('flush tries again; what was trimmed or has expired meanwhile is let go unwritten', async () => {
  const { journal, store, clock, kept } = setup()
  store.broken = true
  for (const n of [0, 1]) await journal.save(turn(n))
  await journal.trim(1)
  await journal.flush()
  assert.ok(journal.behind)
  store.broken = false
  await journal.flush()
  assert.equal(await kept(), ['1:'])
  store.broken = true
  await journal.save(turn(2))
  clock.advance(TTL)
  await journal.flush()
  assert.not.ok(journal.behind)
  store.broken = false
  assert.is(await kept(), undefined)
})

test('erase comes after the writes before it, and says when it failed', async () => {
  const { journal, store, kept } = setup()
  store.hold()
  const saved = journal.save(turn(0))
  const erased = journal.erase()
  store.letGo()
  await Promise.all([saved, erased])
  assert.is(await kept(), undefined)
  store.broken = true
  const failed = await journal.erase().then(
    () => false,
    () => true,
  )
  assert.ok(failed)
})

test('the store sees neither the token nor what was said', async () => {
  const { journal, store } = setup()
  const seen: string[] = []
  const { put } = store
  store.put = (key, n, blob, expiresAt) => {
    seen.push(key, Buffer.from(blob).toString('latin1'))
    return put(key, n, blob, expiresAt)
  }
  await journal.save(turn(0, 'bleu marine'))
  for (const text of seen) assert.not.ok(/AAAA|vélo|bleu|q0/.test(text))
})

test('once another process has the session, it is told once and nothing is written any more', async () => {
  const { journal, store, events } = setup()
  store.put = async () => {
    store.calls.push('refused')
    return false
  }
  await Promise.all([journal.save(turn(0)), journal.save(turn(1))])
  await journal.save(turn(2))
  await journal.trim(2)
  assert.equal([events, store.calls], [['lost'], ['refused']])
  assert.not.ok(journal.behind)
})

test.run()
