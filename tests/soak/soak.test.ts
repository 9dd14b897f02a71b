import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildApp } from '../helpers/built-app.ts'
import { openSoak } from './soak.ts'

const VISITORS = 100
const ASKED = 450

test('100 visitors who drop, reload, stop, forget and come back lose no answer, also over two restarts', async () => {
  const app = await buildApp()
  const soak = await openSoak(app, {
    visitors: VISITORS,
    seed: 7,
    thinkMs: 250,
    questions: 6,
    perChunkMs: 20,
    arrivalMs: 5,
    silences: false,
    // So many questions of so few visitors in seconds.
    settings: {
      CONNECTION_ASK_BURST: '1000',
      CONNECTION_ASKS_PER_MINUTE: '1000',
      IP_ASK_BURST: '1000',
      IP_ASKS_PER_MINUTE: '1000',
      IP_UPGRADE_BURST: '1000',
    },
  })
  const { books, house } = soak
  try {
    for (const part of [0.4, 0.7]) {
      await books.asked(part * ASKED)
      assert.is(await house.restart(), 0)
    }
    await books.asked(ASKED)
    await soak.leave()
  } finally {
    await soak.close()
    await app.remove()
  }
  const { answered, cut, stopped, forgotten, refused, asked } = books.counts
  assert.equal([...books.complaints], [])
  assert.equal([...house.errors()], [])
  assert.is(answered + cut + stopped + forgotten + refused, asked)
  assert.ok(answered > asked / 2, `${answered} answers of ${asked}`)
  for (const what of ['cut', 'stopped', 'forgotten', 'drops', 'reloads', 'returns'] as const)
    assert.ok(books.counts[what] > 0, `nobody: ${what}`)
})

test.run()
