import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { StoreKind } from './stores.ts'
import { storeKinds } from './stores.ts'

function diaryContract(kind: StoreKind): void {
  const it = (name: string, run: Parameters<typeof kind.use>[0]) => test(`${kind.name}: ${name}`, () => kind.use(run))

  it('counts add up for each day by itself', async ({ open }) => {
    const { diary } = await open()
    await diary.add('2026-01-15', { visits: 2, 'refused:pace': 1 })
    await diary.add('2026-01-15', { visits: 3, 'asked@14': 1 })
    await diary.add('2026-01-16', { visits: 1 })
    assert.equal({ ...(await diary.read('2026-01-15')) }, { visits: 5, 'refused:pace': 1, 'asked@14': 1 })
    assert.equal({ ...(await diary.read('2026-01-16')) }, { visits: 1 })
    assert.equal({ ...(await diary.read('2026-01-17')) }, {})
    assert.equal({ ...(await diary.read('2026-01-1')) }, {}, 'a day, not what begins so')
  })

  it('a closed store rejects', async ({ open }) => {
    const store = await open()
    await store.close()
    for (const call of [store.diary.add('2026-01-15', { visits: 1 }), store.diary.read('2026-01-15')]) {
      assert.is(await call.catch((error) => error.code), 'closed')
    }
  })

  // Redis forgets by its own clock.
  if (kind.name !== 'redis')
    it('days older than forty are forgotten', async ({ open }) => {
      const { diary } = await open()
      for (const day of ['2025-12-05', '2025-12-06', '2026-01-15']) await diary.add(day, { visits: 1 })
      assert.equal({ ...(await diary.read('2025-12-05')) }, {})
      assert.equal({ ...(await diary.read('2025-12-06')) }, { visits: 1 })
    })

  if (kind.shared)
    it('processes add to the same counts', async ({ open }) => {
      const stores = await Promise.all([open(), open()])
      const each = Array.from({ length: 20 }, (_, n) => stores[n % 2]?.diary.add('2026-01-15', { visits: 1 }))
      await Promise.all(each)
      assert.equal({ ...(await stores[0]?.diary.read('2026-01-15')) }, { visits: 20 })
    })
}

for (const kind of storeKinds) diaryContract(kind)

test.run()
