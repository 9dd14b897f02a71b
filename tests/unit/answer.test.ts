import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startAnswer } from '../../server/chat/answer.ts'
import { createFilters } from '../../server/chat/filter.ts'
import { createStreams } from '../../server/chat/streams.ts'
import type { Hold, Outcome } from '../../server/quota/port.ts'
import { calm, FORBIDDEN } from '../helpers/chat.ts'
import { BROKEN, REFUSED, scriptedModel, USAGE } from '../helpers/scripted-model.ts'

function setup(maxStreams = 4) {
  const streams = createStreams(maxStreams, maxStreams)
  const model = scriptedModel()
  const told: string[] = []
  const outcomes: Outcome[] = []
  const tightened: number[] = []
  const hold: Hold = {
    id: 'h',
    tighten: async (promptTokens) => void tightened.push(promptTokens),
    settle: async (outcome) => void outcomes.push(outcome),
  }
  const start = () => {
    const slot = streams.open('a')
    if (!slot) throw new Error('no place')
    return startAnswer({
      model,
      request: { system: '', turns: [], maxOutputTokens: 10 },
      hold: () => hold,
      filter: createFilters([FORBIDDEN])(),
      slot,
      events: {
        text: (text) => told.push(text),
        end: (reason, usage) => told.push(`[${reason}${usage ? ` ${usage.outputTokens}` : ''}]`),
        failed: ({ kind }) => told.push(`[failed ${kind}]`),
      },
    })
  }
  return { streams, model, told, outcomes, tightened, start }
}

test('the first usage tightens the hold, the last settles it, and the stream closes after that', async () => {
  const { model, start, told, outcomes, tightened, streams } = setup()
  const answer = start()
  const call = model.last()
  call.usage({ promptTokens: 9, outputTokens: 1 })
  call.say('Bon')
  call.usage({ promptTokens: 9, outputTokens: 2 })
  await calm()
  assert.is(streams.count, 1)
  call.end('length')
  await answer.closed
  assert.equal(told, ['Bon', '[length 20]'])
  assert.equal([tightened, outcomes, streams.count], [[9], [{ kind: 'usage', usage: USAGE }], 0])
})

test('a stream that breaks off before its first word has failed; after it, the answer is interrupted', async () => {
  const [silent, talking] = [setup(), setup()]
  const answers = [silent.start(), talking.start()]
  silent.model.last().end('interrupted')
  talking.model.last().say('Bon')
  talking.model.last().end('interrupted')
  await Promise.all(answers.map(({ closed }) => closed))
  assert.equal(silent.told, ['[failed upstream_error]'])
  assert.equal(talking.told, ['Bon', '[interrupted 20]'])
  assert.equal(silent.outcomes, [{ kind: 'unknown' }])
})

test('what is not sure to be whole settles as unknown, a whole refusal as free', async () => {
  const ends = [
    (it: ReturnType<typeof setup>) => it.model.last().end('interrupted'),
    (it: ReturnType<typeof setup>) => it.model.last().fail(BROKEN),
    (it: ReturnType<typeof setup>) => it.model.last().fail(REFUSED),
  ]
  const settled: Outcome[] = []
  for (const end of ends) {
    const it = setup()
    const answer = it.start()
    it.model.last().usage()
    end(it)
    await answer.closed
    settled.push(...it.outcomes)
  }
  assert.equal(settled, [{ kind: 'unknown' }, { kind: 'unknown' }, { kind: 'free' }])
})

test('an end without usage keeps the hold', async () => {
  const { model, start, outcomes } = setup()
  const answer = start()
  model.last().usage()
  model.last().end('complete', null)
  await answer.closed
  assert.equal(outcomes, [{ kind: 'unknown' }])
})

test('after a stop there is silence: text, end and failure are only read for their price', async () => {
  for (const last of ['end', 'fail'] as const) {
    const { model, start, told, outcomes } = setup()
    const answer = start()
    model.last().say('Bon')
    await calm()
    answer.stop('stopped')
    answer.stop('interrupted')
    model.last().say('jour', FORBIDDEN)
    model.last()[last]()
    await answer.closed
    assert.equal(told, ['Bon', '[stopped]'])
    assert.is(outcomes.length, 1)
  }
})

test('the server’s cut ends a silent reading, and the hold stays', async () => {
  const { model, start, outcomes, streams } = setup()
  const answer = start()
  answer.stop('interrupted')
  assert.not.ok(model.last().aborted)
  streams.cut()
  await answer.closed
  assert.ok(model.last().aborted)
  assert.equal([outcomes, streams.count], [[{ kind: 'unknown' }], 0])
})

test('a second silent reading beyond the bound is cut off at once', async () => {
  const { model, start, outcomes } = setup()
  const [one, two] = [start(), start()]
  one.stop('stopped')
  two.stop('stopped')
  await two.closed
  assert.equal(
    model.calls.map(({ aborted }) => aborted),
    [false, true],
  )
  assert.equal(outcomes, [{ kind: 'unknown' }])
  model.calls[0]?.end()
  await one.closed
})

test('held-back text that only looked forbidden is said before the end, and before a failure once text has come', async () => {
  for (const last of ['end', 'fail'] as const) {
    const { model, start, told } = setup()
    const answer = start()
    model.last().say('Un mot de ')
    model.last()[last]()
    await answer.closed
    assert.equal(told.slice(0, 2), ['Un ', 'mot de '])
    assert.is(told[2]?.startsWith(last === 'end' ? '[complete' : '[interrupted'), true)
  }
})

test('a failure while all text is held back counts as before the first word', async () => {
  const { model, start, told } = setup()
  const answer = start()
  model.last().say('mot')
  model.last().fail(BROKEN)
  await answer.closed
  assert.equal(told, ['[failed network]'])
})

test.run()
