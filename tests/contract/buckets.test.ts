import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bucketContract } from './buckets.ts'
import { storeKinds } from './stores.ts'

for (const kind of storeKinds) bucketContract(kind)

for (const kind of storeKinds.filter(({ shared }) => shared)) {
  test(`${kind.name}: two connections share one limit`, () =>
    kind.use(async ({ open }) => {
      const [one, two] = [await open(), await open()]
      const rule = { name: 'shared', burst: 70, perMinute: 0.001 }
      const takes = Array.from({ length: 100 }, (_, index) => {
        return (index % 2 === 0 ? one : two).buckets.take([{ rule, key: 'k' }])
      })
      assert.is((await Promise.all(takes)).filter(({ ok }) => ok).length, 70)
    }))

  test(`${kind.name}: two processes share one limit`, () =>
    kind.use(async ({ url }) => {
      const script = fileURLToPath(new URL('./buckets-child.ts', import.meta.url))
      const counts = [1, 2].map(async () => {
        const child = spawn(process.execPath, ['--import', 'tsx', script, url, '60', '100'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
        return Number(output)
      })
      const [one = 0, two = 0] = await Promise.all(counts)
      assert.is(one + two, 60)
    }))

  test(`${kind.name}: limits outlive the process`, () =>
    kind.use(async ({ open }) => {
      const take = [{ rule: { name: 'kept', burst: 1, perMinute: 6 }, key: 'k' }]
      const first = await open()
      assert.ok((await first.buckets.take(take)).ok)
      await first.close()
      const again = await open()
      assert.equal(await again.buckets.take(take), { ok: false, retryAfterMs: 10_000, bucket: 'kept' })
    }))
}

test.run()
