import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type StoreKind, storeKinds } from '../contract/stores.ts'
import { playDay, walletDay } from '../fuzz/wallet.ts'

function property(kind: StoreKind): void {
  test(`${kind.name}: spent + held <= cap, and the upstream bills no more, whatever comes`, async () => {
    let [asked, refused] = [0, 0]
    await fc.assert(
      fc.asyncProperty(walletDay, (day) =>
        kind.use(async (bench) => {
          const played = await playDay(bench, day)
          asked += played.asked
          refused += played.refused
        }),
      ),
      { numRuns: 25 },
    )
    // Without both there is nothing to be seen.
    assert.ok(asked > 60 && refused > 200, `${asked} admitted, ${refused} refused for want of money`)
  })
}

// In memory it is one of the targets of tests/fuzz.
for (const kind of storeKinds.filter(({ name }) => name !== 'memory')) property(kind)

test.run()
