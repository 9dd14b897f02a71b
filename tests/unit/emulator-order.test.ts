import { readFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readFlags } from '../../emulator/flags.ts'
import { isOrder, orderMistakes, scenarioNames, scenarioOfModel } from '../../emulator/order.ts'

test('every scenario has a model name of its own', () => {
  for (const name of scenarioNames) assert.is(scenarioOfModel(`emu-${name}`), name)
  assert.is(scenarioOfModel('emu-nothing'), undefined)
  assert.is(scenarioOfModel('ok'), undefined)
})

test('the README names every scenario', async () => {
  const readme = await readFile(new URL('../../emulator/README.md', import.meta.url), 'utf8')
  assert.equal(
    scenarioNames.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  )
})

test('an order from outside is taken whole or refused with every mistake', () => {
  assert.ok(isOrder({ name: 'ok', times: 2, chunks: ['a', 'b'], gated: true, perChunkMs: 0, usage: 'huge' }))
  assert.equal(orderMistakes({ times: 0, chunks: [1], color: 'red' }), [
    'name: missing',
    'times: 0 does not fit',
    'chunks: [1] does not fit',
    'color: not a field of an order',
  ])
  for (const wrong of [
    undefined,
    'ok',
    {},
    { name: 'nothing' },
    { name: 'ok', bytesPerToken: 0 },
    { name: 'ok', delayMs: Number.NaN },
  ])
    assert.not(isOrder(wrong))
})

test('flags: defaults, a whole set, help', () => {
  const usual = { host: '127.0.0.1', port: 9090, speed: 1, knowledgeDir: 'persona/knowledge' }
  assert.equal(readFlags([]), { kind: 'start', options: usual })
  const set = readFlags(['--port', '0', '--speed=2.5', '--host', '::1', '--knowledge', 'k', '--key', 'secret'])
  assert.equal(set, { kind: 'start', options: { host: '::1', port: 0, speed: 2.5, knowledgeDir: 'k', key: 'secret' } })
  assert.is(readFlags(['-h']).kind, 'help')
})

test('flags: every mistake is named', () => {
  const wrong = readFlags(['--port', '70000', '--speed=-1x', '--key', ''])
  assert.is(wrong.kind === 'wrong' ? wrong.mistakes.length : 0, 3)
  for (const args of [['--prot', '1'], ['9090'], ['--port']]) assert.is(readFlags(args).kind, 'wrong')
})

test.run()
