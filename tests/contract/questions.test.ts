import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MOST_QUESTIONS } from '../../server/chat/ports.ts'
import type { StoreKind } from './stores.ts'
import { storeKinds } from './stores.ts'

function questionContract(kind: StoreKind): void {
  const it = (name: string, run: Parameters<typeof kind.use>[0]) => test(`${kind.name}: ${name}`, () => kind.use(run))
  const question = (owner: string, at: number, n: number) => {
    return { owner, at, expiresAt: at + 1000, blob: Uint8Array.of(n) }
  }

  it('questions of a span come back in order, until they expire', async ({ clock, open }) => {
    const { questions } = await open()
    const now = clock.now()
    for (const n of [0, 1, 2, 3]) await questions.keep(question('a', now + n, n))
    const between = async (from: number, to: number) => (await questions.between(from, to)).map((blob) => [...blob])
    assert.equal(await between(now + 1, now + 3), [[1], [2]])
    clock.advance(1001)
    assert.equal(await between(0, now + 9), [[2], [3]])
    await questions.sweep(clock.now())
    clock.jump(-2000)
    assert.equal(await between(0, now + 9), [[2], [3]], 'what was swept is gone')
  })

  it('who erases a conversation erases its questions, and no others', async ({ clock, open }) => {
    const { questions } = await open()
    const now = clock.now()
    for (const [n, owner] of ['a', 'b', 'a'].entries()) await questions.keep(question(owner, now + n, n))
    await questions.erase('a')
    await questions.erase('nobody')
    assert.equal(
      (await questions.between(0, now + 9)).map((blob) => [...blob]),
      [[1]],
    )
  })

  it('there are never more than some hundreds', async ({ clock, open }) => {
    const { questions } = await open()
    const now = clock.now()
    const keeps = Array.from({ length: MOST_QUESTIONS + 20 }, (_, n) => questions.keep(question(`o${n}`, now, 1)))
    await Promise.all(keeps)
    assert.is((await questions.between(0, now + 1)).length, MOST_QUESTIONS)
  })
}

for (const kind of storeKinds) questionContract(kind)

test.run()
