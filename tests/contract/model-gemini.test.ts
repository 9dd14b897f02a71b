import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { geminiModel } from '../../server/model/gemini.ts'
import { modelContract } from './model.ts'
import { KEY, never, onBench, read, request } from './model-bench.ts'

modelContract('@google/generative-ai', geminiModel)

test('@google/generative-ai: a newline in the key throws an error that quotes it: ours does not', () =>
  onBench(geminiModel, null, async (bench) => {
    for (const apiKey of [`${KEY}\n`, '', 'clé']) {
      assert.throws(
        () => bench.model({ apiKey }),
        (error: unknown) => error instanceof Error && /characters/.test(error.message) && !error.message.includes(KEY),
      )
    }
  }))

test('@google/generative-ai: the base URL may end in a slash', () =>
  onBench(geminiModel, { name: 'ok' }, async (bench) => {
    const events = await read(bench.model({ baseUrl: `${bench.emulator.url}/` }).answer(request, never()))
    assert.is(events.at(-1)?.type, 'end')
  }))

test.run()
