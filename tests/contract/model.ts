import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ScenarioName } from '../../emulator/order.ts'
import {
  bodyOf,
  CHUNKS,
  type Check,
  endOf,
  failureOf,
  type MakeModel,
  never,
  onBench,
  read,
  request,
  TEXT,
  textOf,
} from './model-bench.ts'
import { failures, leaving, patience, sizes } from './model-troubles.ts'

/** The model port's contract, with one test for each of the SDK's traps. Ends with `test.run()` in the caller. */
export function modelContract(name: string, make: MakeModel): void {
  const check: Check = (title, order, run) => test(`${name}: ${title}`, () => onBench(make, order, run))

  answers(check)
  bodies(check)
  endings(check)
  failures(check)
  leaving(check)
  patience(check)
  sizes(check)
}

function answers(check: Check) {
  check(
    'an answer comes once, in order, whole, with its usage and version',
    { name: 'ok', chunks: CHUNKS },
    async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.is(textOf(events), TEXT)
      const { reason, usage, version } = endOf(events)
      assert.is(reason, 'complete')
      const [entry] = bench.emulator.ledger().entries
      assert.equal(usage, { promptTokens: entry?.promptTokens, outputTokens: entry?.outputTokens })
      assert.ok(version)
      assert.match(bench.lines.join(), version)
      assert.is(bench.lines.length, 1)
    },
  )

  check(
    'nothing is sent before the request is ready, and nothing at all when it is not to be',
    { name: 'ok', chunks: CHUNKS },
    async (bench) => {
      const calls = () => bench.emulator.ledger().entries.length
      let tell = (_ready: boolean): void => undefined
      const answered = () => {
        const ready = new Promise<boolean>((resolve) => (tell = resolve))
        return read(bench.model().answer({ ...request, ready }, never()))
      }
      const refused = answered()
      for (let n = 0; n < 50; n++) await new Promise(setImmediate)
      tell(false)
      assert.equal(failureOf(await refused), { kind: 'store', billing: 'free', retryable: false })
      assert.is(calls(), 0)
      const whole = answered()
      for (let n = 0; n < 50; n++) await new Promise(setImmediate)
      assert.is(calls(), 0)
      tell(true)
      assert.is(textOf(await whole), TEXT)
      assert.is(calls(), 1)
    },
  )

  check(
    'each chunk is handed on before the next one comes',
    { name: 'ok', chunks: CHUNKS, gated: true },
    async (bench) => {
      const events = bench.model().answer(request, never())[Symbol.asyncIterator]()
      let text = ''
      for (const chunk of CHUNKS) {
        bench.emulator.release(1)
        while (!text.endsWith(chunk)) {
          const { value } = await events.next()
          if (value?.type === 'text') text += value.text
        }
      }
      assert.is(text, TEXT)
      bench.emulator.release(9)
      await events.return?.()
    },
  )

  check(
    'text() includes thoughts: thought parts are left out, and billed',
    { name: 'thoughts', chunks: CHUNKS },
    async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.is(textOf(events), TEXT)
      assert.is(endOf(events).usage?.outputTokens, bench.emulator.ledger().outputTokens)
    },
  )

  check(
    'the aggregated response is corrupt with several parts: each part comes once',
    { name: 'two-parts', chunks: CHUNKS },
    async (bench) => {
      assert.is(textOf(await read(bench.model().answer(request, never()))), TEXT)
    },
  )

  for (const name of ['split-utf8', 'split-line'] as const) {
    check(`bytes cut anywhere (${name}) give the same text`, { name, chunks: CHUNKS }, async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.is(textOf(events), TEXT)
      assert.is(endOf(events).reason, 'complete')
    })
  }

  const odd = ['nul \u0000 esc \u001B ', 'pair \uD83D', '\uDEB2 lone \uDEB2 ', 'end \uD83D']
  check(
    'controls and lone surrogates become U+FFFD, a split pair is whole',
    { name: 'ok', chunks: odd },
    async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.is(textOf(events), 'nul \uFFFD esc \uFFFD pair \u{1F6B2} lone \uFFFD end \uFFFD')
    },
  )
}

function bodies(check: Check) {
  check(
    'the body: not stored, all four safety categories, capped, least thinking, instruction apart',
    { name: 'ok' },
    async (bench) => {
      await read(bench.model().answer(request, never()))
      const { store, safetySettings, generationConfig, systemInstruction, contents } = bodyOf(bench.emulator)
      assert.is(store, false)
      assert.equal(generationConfig, { maxOutputTokens: 400, thinkingConfig: { thinkingLevel: 'MINIMAL' } })
      assert.equal(systemInstruction, { role: 'system', parts: [{ text: request.system }] })
      assert.equal(
        contents,
        request.turns.map(({ role, text }) => ({ role, parts: [{ text }] })),
      )
      const categories = Array.isArray(safetySettings) ? safetySettings.map(({ category }) => category).sort() : []
      assert.equal(categories, [
        'HARM_CATEGORY_DANGEROUS_CONTENT',
        'HARM_CATEGORY_HARASSMENT',
        'HARM_CATEGORY_HATE_SPEECH',
        'HARM_CATEGORY_SEXUALLY_EXPLICIT',
      ])
    },
  )

  check('thinking can be set', { name: 'ok' }, async (bench) => {
    await read(bench.model({ thinking: { thinkingLevel: 'HIGH' } }).answer(request, never()))
    assert.equal(bodyOf(bench.emulator).generationConfig, {
      maxOutputTokens: 400,
      thinkingConfig: { thinkingLevel: 'HIGH' },
    })
  })

  check(
    'startChat blocks behind a stall and keeps turns: every call stands alone',
    { name: 'stall', times: 1 },
    async (bench) => {
      const model = bench.model()
      const stalled = model.answer(request, never())[Symbol.asyncIterator]()
      await stalled.next()
      await read(model.answer(request, never()))
      assert.equal(
        bodyOf(bench.emulator).contents,
        request.turns.map(({ role, text }) => ({ role, parts: [{ text }] })),
      )
      await stalled.return?.()
    },
  )
}

function endings(check: Check) {
  const reasons: [ScenarioName, string][] = [
    ['safety-start', 'filtered'],
    ['safety-midway', 'filtered'],
    ['prohibited', 'filtered'],
    ['spii', 'filtered'],
    ['blocklist', 'filtered'],
    ['recitation', 'filtered'],
    ['language', 'filtered'],
    ['prompt-blocked', 'filtered'],
    ['unknown-finish', 'interrupted'],
    ['max-tokens', 'length'],
    ['max-tokens-empty', 'length'],
  ]
  for (const [name, reason] of reasons) {
    check(
      `PROHIBITED_CONTENT, SPII and others look like success: ${name} ends as ${reason}, with its bill`,
      { name },
      async (bench) => {
        const end = endOf(await read(bench.model().answer(request, never())))
        assert.is(end.reason, reason)
        const { promptTokens, outputTokens } = bench.emulator.ledger()
        assert.equal(end.usage, { promptTokens, outputTokens })
      },
    )
  }

  for (const name of ['early-close', 'usage-only', 'empty-candidates'] as const) {
    check(
      `an end without finishReason looks like success: ${name} is interrupted, its usage not final`,
      { name },
      async (bench) => {
        const end = endOf(await read(bench.model().answer(request, never())))
        assert.is(end.reason, 'interrupted')
        assert.is(end.usage, undefined)
      },
    )
  }

  check('no usage anywhere: no usage event, no usage at the end', { name: 'usage-missing' }, async (bench) => {
    const events = await read(bench.model().answer(request, never()))
    assert.is(endOf(events).usage, undefined)
    assert.not.ok(events.some((event) => 'usage' in event))
  })

  for (const usage of ['negative', 'nan', 'fractional', 'huge'] as const) {
    check(`absurd usage (${usage}) is no usage`, { name: 'usage-absurd', usage }, async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.is(endOf(events).usage, undefined)
      assert.not.ok(events.some((event) => 'usage' in event))
    })
  }

  check(
    'a finishReason in a chunk of its own, without text, ends the answer',
    { name: 'ok', chunks: CHUNKS, finishApart: true },
    async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.is(textOf(events), TEXT)
      assert.is(endOf(events).reason, 'complete')
    },
  )

  check('more output than the cap is told as it is', { name: 'overrun' }, async (bench) => {
    const { usage } = endOf(await read(bench.model().answer(request, never())))
    assert.ok((usage?.outputTokens ?? 0) > request.maxOutputTokens)
    assert.is(usage?.outputTokens, bench.emulator.ledger().outputTokens)
  })
}
