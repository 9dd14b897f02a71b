import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'libsql'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { vault } from '../../server/vault.ts'
import { buildApp } from '../helpers/built-app.ts'
import { frame, opcodes, rawSocket } from '../helpers/raw-socket.ts'
import { attack, type Toll, times } from './attack.ts'
import { openTarget, type Target } from './target.ts'
import { endOf, visit } from './visitor.ts'

const app = buildApp()
let opened: Promise<Target> | undefined
const target = () => (opened ??= app.then((built) => openTarget({ app: built })))
const QUESTION = 'Mon vélo rouge grince-t-il à cause du plateau ?'
const ANSWER = 'Graissez le plateau du vélo rouge.'

/** Someone with one finished turn. */
async function talked(target: Target) {
  target.emulator.setScenario({ name: 'ok', text: ANSWER })
  const visitor = await visit(target)
  assert.is((await visitor.ask('q1', QUESTION))?.type, 'done')
  return visitor
}

/** Whether the token shows or touches anything of another's session. */
async function opens(target: Target, session: string, toll: Toll): Promise<boolean> {
  const { welcome, socket } = await visit(target, undefined, { session, answer: { id: 'q1', offset: 0 } })
  toll.tried()
  socket.destroy()
  return welcome.resumed || welcome.turns.length > 0 || welcome.session === session
}

attack(23, 'tokens that are guessed, chosen, changed, cut or of another', target, async (target, toll) => {
  const victim = await talked(target)
  const { session } = victim.welcome
  const flipped = Array.from({ length: 43 }, (_, n) => {
    const at = 3 + n
    return session.slice(0, at) + (session[at] === 'A' ? 'B' : 'A') + session.slice(at + 1)
  })
  const key = vault.keyOf(session)
  const chosen = [
    `lm_${'A'.repeat(43)}`,
    '',
    'lm_',
    'admin',
    key,
    `lm_${key}`,
    'q1',
    `${session} `,
    session.slice(0, -1),
  ]
  const others = [session.toUpperCase(), `${session}A`, session.replace('lm_', 'LM_'), '__proto__', `${session}\n`]
  for (const token of [...flipped.slice(0, times(12, 43)), ...chosen, ...others])
    if (await opens(target, token, toll)) toll.lost(`${token} of ${session}`)
  // Fixed: what an attacker chose for somebody is not what he gets. Swapped: his own shows nothing of another's.
  const mallory = await visit(target, undefined, { session: chosen[0] })
  if (mallory.welcome.session === chosen[0]) toll.lost('a chosen token was taken')
  for (const message of [
    { type: 'stop', id: 'q1' },
    { type: 'ask', id: 'q1', text: 'Et moi ?' },
  ]) {
    mallory.socket.say(message)
    const end = await mallory.socket.next(({ payload }) => /"type":"(error|done)"/.test(payload.toString()))
    toll.tried()
    if (end?.payload.includes('rouge')) toll.lost('a turn of another session')
  }
  mallory.socket.say({ type: 'forget' })
  await mallory.next('forgotten')
  const again = await visit(target, undefined, { session })
  if (again.welcome.turns[0]?.answer !== ANSWER) toll.lost('the session is gone')
  // Replayed: a token that was given up is dead, whatever else knows it.
  victim.socket.say({ type: 'forget' })
  await again.next('forgotten')
  if (await opens(target, session, toll)) toll.lost('a forgotten token lives')
  await target.restart()
  if (await opens(target, session, toll)) toll.lost('a forgotten token lives after a restart')
})

attack(24, 'ids twice, answers of others, offsets from nowhere', target, async (target, toll) => {
  const { emulator } = target
  emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
  emulator.resetLedger()
  const { socket, welcome, next } = await visit(target)
  const second = await visit(target, undefined, { session: welcome.session })
  for (const tab of [socket, second.socket, socket, second.socket]) {
    tab.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    toll.tried()
  }
  await next('start')
  const stranger = await visit(target)
  stranger.socket.say({ type: 'stop', id: 'q1' })
  if ((await stranger.next('error'))?.code !== 'bad_message') toll.lost('a stop of another’s answer')
  emulator.release(2)
  const end = await endOf(socket, 'q1')
  if (end?.type !== 'done' || end.reason !== 'complete') toll.lost(`ended as ${JSON.stringify(end)}`)
  for (let n = 0; n < 20; n++) {
    socket.say({ type: 'ask', id: 'q1', text: `Autre chose ${n} ?` })
    await endOf(socket, 'q1')
    toll.tried()
  }
  if (emulator.ledger().requests !== 1) toll.lost(`${emulator.ledger().requests} calls for one id`)
  for (const offset of ['-1', '0.5', '1e308', '9007199254740993', '"0"', 'null', 'NaN', '[]', '1e999', '-0.1']) {
    const raw = await rawSocket(target.url)
    const hello = `{"type":"hello","session":"${welcome.session}","answer":{"id":"q1","offset":${offset}}}`
    raw.send(frame(opcodes.text, hello))
    const answer = await raw.next(({ opcode }) => opcode === opcodes.text)
    toll.tried()
    if (!answer?.payload.includes('bad_message')) toll.lost(`${offset}: ${answer?.payload}`)
    raw.destroy()
  }
  for (const offset of [4, 8, 9, Number.MAX_SAFE_INTEGER]) {
    const back = await visit(target, undefined, { session: welcome.session, answer: { id: 'q1', offset } })
    const end = await endOf(back.socket, 'q1')
    toll.tried()
    if (end?.type !== 'done' || end.length !== 8) toll.lost(`${offset}: ${JSON.stringify(end)}`)
  }
})

test('a token is 256 bits of chance, and no two are alike in any bit more than chance would have it', async () => {
  const count = 400
  const welcomes = await Promise.all(Array.from({ length: count }, async () => visit(await target())))
  const tokens = welcomes.map(({ welcome }) => welcome.session)
  for (const { socket } of welcomes) socket.destroy()
  assert.is(new Set(tokens).size, count)
  const ones = new Array<number>(256).fill(0)
  for (const token of tokens) {
    assert.match(token, /^lm_[\w-]{43}$/)
    const bytes = Buffer.from(token.slice(3), 'base64url')
    assert.is(bytes.length, 32)
    for (let bit = 0; bit < 256; bit++) ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1)
  }
  // Seven standard deviations of a fair coin.
  const most = 3.5 * Math.sqrt(count)
  for (const [bit, sum] of ones.entries()) assert.ok(Math.abs(sum - count / 2) < most, `bit ${bit}: ${sum}`)
})

/** Every byte that the server has on its disk; `words` are looked for in each of its forms. */
async function onDisk({ dir }: Target): Promise<{ bytes: Buffer; has(word: string): boolean }> {
  // The folder beside the file holds only the sockets by which processes find each other.
  const files = (await readdir(join(dir, 'data'), { withFileTypes: true })).filter((entry) => entry.isFile())
  const names = files.map(({ name }) => name).filter((name) => !name.includes('backup'))
  const bytes = Buffer.concat(await Promise.all(names.map((name) => readFile(join(dir, 'data', name)))))
  return {
    bytes,
    has: (word) => (['utf8', 'utf16le'] as const).some((form) => bytes.includes(Buffer.from(word, form))),
  }
}

const rowsOf = (file: string, sql: string): unknown[] => {
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

test('no token, no word and no address stands on the disk: the contents are sealed, the tokens hashed', async () => {
  const attacked = await target()
  const visitor = await talked(attacked)
  const { session } = visitor.welcome
  const named = await visit(attacked, '203.0.113.77', { session })
  await named.ask('q2', QUESTION)
  const disk = await onDisk(attacked)
  assert.ok(disk.has(vault.keyOf(session)), 'the hash is there')
  const raw = Buffer.from(session.slice(3), 'base64url')
  assert.not(disk.bytes.includes(raw), 'the token as bytes')
  for (const word of [session, session.slice(3), raw.toString('hex'), 'plateau', 'rouge', 'Graissez', '203.0.113.77'])
    assert.not(disk.has(word), word)
  assert.not.match(attacked.printed(), /plateau|rouge|Graissez|203\.0\.113\.77/)
  assert.not(attacked.printed().includes(session.slice(3)), 'the token in the log')
})

test('forget leaves no row and no log, and of a backup the old token alone could read what is in it', async () => {
  const attacked = await target()
  const visitor = await talked(attacked)
  const { session } = visitor.welcome
  const key = vault.keyOf(session)
  const data = join(attacked.dir, 'data')
  const file = join(data, 'le-mecano.db')
  const backup = join(data, 'backup')
  await mkdir(backup, { recursive: true })
  for (const name of ['le-mecano.db', 'le-mecano.db-wal']) await copyFile(join(data, name), join(backup, name))
  visitor.socket.say({ type: 'forget' })
  await visitor.next('forgotten')
  const renewed = await visitor.next('welcome')
  assert.not.equal(renewed?.session, session)
  assert.equal(renewed?.turns, [])
  assert.equal(rowsOf(file, `SELECT * FROM turns WHERE session = '${key}'`), [])
  assert.equal(rowsOf(file, `SELECT * FROM sessions WHERE key = '${key}'`), [])
  const sealed = rowsOf(join(backup, 'le-mecano.db'), `SELECT hex(blob) AS blob FROM turns WHERE session = '${key}'`)
  assert.is(sealed.length, 1)
  const [row] = sealed
  const blob = Buffer.from(row && typeof row === 'object' && 'blob' in row ? String(row.blob) : '', 'hex')
  assert.not(blob.includes('plateau'))
  for (const token of [renewed?.session ?? '', key, `lm_${key}`, ''])
    assert.is(vault.safe(token).open(blob), undefined, 'a sealed turn opened')
  // With the token that the visitor gave up it would: nobody else ever had it.
  assert.match(vault.safe(session).open(blob) ?? '', 'plateau')
  assert.not((await onDisk(attacked)).has('plateau'))
  assert.not.match(attacked.printed(), /plateau|rouge/)
})

test('the server ends', async () => (await target()).close())
test('the built copy is removed', async () => (await app).remove())

test.run()
