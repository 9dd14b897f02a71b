import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertVacated, fence, heard, withServer } from '../helpers/edge.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { frame, opcodes, rawSocket } from '../helpers/raw-socket.ts'
import type { TestServer } from '../helpers/server.ts'

const text = (data: string | Buffer, fin = true) => frame(opcodes.text, data, { fin })
const rest = (data: string | Buffer, fin = true) => frame(opcodes.rest, data, { fin })
const big = 'x'.repeat(7025)
/** A frame's head that promises more than it sends. */
const promise = (size: bigint) => {
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])
  head.writeBigUInt64BE(size, 2)
  return head
}
const broken: [rule: string, name: string, code: number, bytes: Buffer[]][] = [
  ['CLO2', 'a binary frame', 1003, [frame(opcodes.binary, '{"type":"hello"}')]],
  ['CLO2', 'a byte that no text has', 1007, [text(Buffer.from([0x22, 0xff, 0x22]))]],
  ['CLO2', 'half a character', 1007, [text(Buffer.from('é').subarray(0, 1))]],
  ['CLO2', 'half of a surrogate pair in bytes', 1007, [text(Buffer.from([0xed, 0xa0, 0x80]))]],
  ['CLO2', 'an overlong slash', 1007, [text(Buffer.from([0xc0, 0xaf]))]],
  ['ATTACK15', 'an unmasked frame', 1002, [frame(opcodes.text, '{}', { masked: false })]],
  ['LIM1', 'a message that is too big', 1009, [text(big)]],
  ['LIM1', 'a message that grows too big in pieces', 1009, [text(big.slice(0, 4000), false), rest(big.slice(0, 4000))]],
  ['ATTACK16', 'a promise of more than memory', 1009, [promise(0x7fff_ffff_ffff_ffffn)]],
  [
    'ATTACK15',
    'a message in 257 pieces',
    1008,
    [text('', false), ...Array.from({ length: 256 }, () => rest('x', false))],
  ],
]
for (const [rule, name, code, bytes] of broken) {
  test(`[${rule}] ${name}: ${code}`, () =>
    withServer({ MAX_CONNECTIONS: '1' }, async (server) => {
      const socket = await rawSocket(server.url)
      socket.send(...bytes)
      assert.is(await socket.closeCode(), code)
      await assertVacated(server)
    }))
}

test('[LIM1] the longest message and the most pieces are heard', () =>
  withServer({}, async ({ url }) => {
    const socket = await rawSocket(url)
    socket.send(text('{"type":"hello"}'.padEnd(7024)))
    assert.ok(await heard(socket, 'welcome'))
    const pieces = [...'{"type":"forget"}'.padEnd(256)]
    socket.send(...pieces.map((piece, i) => (i === 0 ? text(piece, false) : rest(piece, i === 255))))
    assert.ok(await heard(socket, 'forgotten'))
    socket.send(frame(opcodes.close, Buffer.from([0x03, 0xe8])))
    assert.is(await socket.closeCode(), 1000)
  }))

test('[LIM1] a character may be split over pieces, and a ping may come between them', () =>
  withServer({}, async ({ url }) => {
    const socket = await rawSocket(url)
    const bytes = Buffer.from('{"type":"hello","lang":"é"}')
    const half = bytes.indexOf(0xc3) + 1
    socket.send(text(bytes.subarray(0, half), false), frame(opcodes.ping, 'between'), rest(bytes.subarray(half)))
    assert.is((await socket.next())?.payload.toString(), 'between')
    assert.ok(await heard(socket, 'welcome'))
    socket.destroy()
  }))

const floods: [string, (i: number) => Buffer][] = [
  ['pings', () => frame(opcodes.ping, 'x')],
  ['pongs', () => frame(opcodes.pong)],
  ['messages', () => text('{"type":"stop","id":"q1"}')],
]
for (const [name, make] of floods) {
  test(`[LIM2] 60 ${name} at once are heard, 61 are a flood: 4429`, () =>
    withServer(
      { MAX_CONNECTIONS: '1' },
      async (server) => {
        const socket = await rawSocket(server.url)
        socket.say({ type: 'hello' })
        socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
        await heard(socket, 'done')
        socket.send(...Array.from({ length: 57 }, (_, i) => make(i)))
        await fence(socket)
        assert.is(server.house.app.connections, 1)
        socket.send(make(57))
        assert.is(await socket.closeCode(), 4429)
        await assertVacated(server)
      },
      { clock: manualClock() },
    ))
}

test('[CLO1] five bad messages are answered, then it is over: 4400', () =>
  withServer({ MAX_CONNECTIONS: '1' }, async (server) => {
    const socket = await rawSocket(server.url)
    for (const message of [
      '{',
      '[]',
      '{"type":"hello","role":"system"}',
      '{"type":"__proto__"}',
      '{"type":"ask","id":"a","text":"b"}',
    ])
      socket.send(text(message))
    const codes: string[] = []
    for (let i = 0; i < 5; i++)
      codes.push(/"code":"(\w+)"/.exec((await heard(socket, 'error'))?.payload.toString() ?? '')?.[1] ?? '')
    assert.equal(codes, ['bad_message', 'bad_message', 'bad_message', 'bad_message', 'hello_first'])
    assert.is(await socket.closeCode(), 4400)
    await assertVacated(server)
  }))

test('[LIM3] no hello within 10 s: 4408, whatever else is sent', () => {
  const clock = manualClock()
  const run = async (server: TestServer) => {
    const socket = await rawSocket(server.url)
    clock.advance(10_000)
    await fence(socket)
    assert.is(server.house.app.connections, 1)
    clock.advance(1000)
    assert.is(await socket.closeCode(), 4408)
    await assertVacated(server)
  }
  return withServer({ MAX_CONNECTIONS: '1' }, run, { clock })
})

test('[LIM4] nothing said for 15 minutes: 4408; pings and pongs say nothing', () => {
  const clock = manualClock()
  const run = async (server: TestServer) => {
    const socket = await rawSocket(server.url)
    socket.say({ type: 'hello' })
    await heard(socket, 'welcome')
    for (let at = 25_000; at <= 900_000; at += 25_000) {
      clock.advance(25_000)
      await socket.next(({ opcode }) => opcode === opcodes.ping)
      socket.send(frame(opcodes.pong))
      await fence(socket)
    }
    assert.is(server.house.app.connections, 1)
    clock.advance(1000)
    assert.is(await socket.closeCode(), 4408)
    await assertVacated(server)
  }
  return withServer({ MAX_CONNECTIONS: '1' }, run, { clock })
})

test('[LIM5] two pings without a pong: gone', () => {
  const clock = manualClock()
  const run = async (server: TestServer) => {
    const socket = await rawSocket(server.url)
    socket.say({ type: 'hello' })
    await heard(socket, 'welcome')
    clock.advance(25_000)
    await socket.next(({ opcode }) => opcode === opcodes.ping)
    clock.advance(25_000)
    await socket.next(({ opcode }) => opcode === opcodes.ping)
    assert.is(server.house.app.connections, 1)
    clock.advance(25_000)
    assert.is(await socket.closeCode(), undefined)
    await assertVacated(server)
  }
  return withServer({ MAX_CONNECTIONS: '1' }, run, { clock })
})

test('[LIM6] who does not read is dropped with 4413, long before all is buffered', () => {
  const pieces = Array.from({ length: 1000 }, () => 'x'.repeat(10_000))
  const run = async (server: TestServer) => {
    server.emulator.setScenario({ name: 'ok', gated: true, bytesPerToken: 1000, chunks: pieces })
    const socket = await rawSocket(server.url)
    socket.say({ type: 'hello' })
    socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    await heard(socket, 'start')
    socket.pause()
    server.emulator.release(pieces.length)
    while (server.house.app.streams > 0) await setImmediate()
    let got = 0
    socket.resume()
    const close = await socket.next(({ opcode, payload }) => {
      got += payload.length
      return opcode === opcodes.close
    })
    assert.is(close?.payload.readUInt16BE(0), 4413)
    assert.ok(got > 256 * 1024 && got < 8_000_000, `${got} bytes of 10,000,000`)
    socket.destroy()
    await assertVacated(server)
  }
  return withServer({ MAX_CONNECTIONS: '1', MAX_OUTPUT_TOKENS: '20000', BUDGET_SHARE_PER_ADDRESS: '1' }, run)
})

test.run()
