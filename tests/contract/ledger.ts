import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps, DayWindow, LedgerStore, Reserved, ReserveOrder, Scope } from '../../server/quota/ledger.ts'
import type { StoreKind } from './stores.ts'

const CAPS: Caps = { dayNano: 1000, monthNano: 6000 }
// 0.4 of a day that is smoothed to 705: 2 × 6000 / 17.
const SHARE = 282
const NOON = Date.UTC(2026, 0, 15, 12)
const JANUARY: DayWindow = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
const known = (nano: number, outputTokens = 0) => ({ nano, outputTokens, overrun: false })
const UNKNOWN = { nano: undefined, outputTokens: 0, overrun: false }

const order = (id: string, nano: number, more: Partial<ReserveOrder> = {}): ReserveOrder => {
  return { ...JANUARY, id, nano, owner: 'boot', caps: CAPS, scopes: [shareOf(id)], at: NOON, hour: 12, ...more }
}
const shareOf = (name: string, capNano = SHARE): Scope => ({ cause: 'share', key: `address:${name}`, capNano })

type HoldOp =
  | { kind: 'reserve'; nano: number; address: number }
  | { kind: 'tighten' | 'settle'; pick: number; part: number }
  | { kind: 'lose' | 'again'; pick: number }
type Op = HoldOp | { kind: 'crash' } | { kind: 'night' }

const part = fc.double({ min: 0, max: 1, noNaN: true })
const reserveOp = fc.record({
  kind: fc.constant('reserve' as const),
  nano: fc.integer({ min: 1, max: 350 }),
  address: fc.nat(3),
})
const holdOp: fc.Arbitrary<HoldOp> = fc.oneof(
  { arbitrary: reserveOp, weight: 6 },
  {
    arbitrary: fc.record({ kind: fc.constantFrom('tighten' as const, 'settle' as const), pick: fc.nat(), part }),
    weight: 4,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom('lose' as const, 'again' as const), pick: fc.nat() }), weight: 1 },
)
const op: fc.Arbitrary<Op> = fc.oneof(
  { arbitrary: holdOp, weight: 11 },
  { arbitrary: fc.constantFrom<Op>({ kind: 'crash' }, { kind: 'night' }), weight: 1 },
)

/** One hold as the upstream's own books would have it: `nano` is what may still be billed, or what was. */
type Billed = { id: string; day: string; address: number; nano: number; open: boolean }

/** What every store's ledger keeps to, whatever comes. */
export function ledgerContract(kind: StoreKind): void {
  const it = (name: string, run: Parameters<typeof kind.use>[0]) => test(`${kind.name}: ${name}`, () => kind.use(run))

  it('spent + held <= cap for every day, month and address, under any interleaving', async ({ open }) => {
    let store = await open()
    let year = 2026
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 80 }), async (ops) => {
        year += 1
        const billed: Billed[] = []
        let date = 1
        for (const [index, each] of ops.entries()) {
          if (each.kind === 'crash') store = await open()
          else if (each.kind === 'night') date = Math.min(28, date + 1)
          else await apply(store.ledger, each, { billed, window: windowOf(year, date), id: `${year}-${index}` })
          await assertInvariants(store.ledger, billed, windowOf(year, date))
        }
      }),
      { numRuns: kind.name === 'memory' ? 300 : 40 },
    )
  })

  it('concurrent reserves fill a day exactly', async ({ open }) => {
    const stores = kind.shared ? [await open(), await open()] : [await open()]
    const wanted = Array.from({ length: 300 }, (_, index) => {
      return stores[index % stores.length]?.ledger.reserve(order(`h${index}`, 7))
    })
    const reserved = await Promise.all(wanted)
    assert.is(reserved.filter((each) => each?.ok).length, 100)
  })

  it('the same reserve, tighten or settle again changes nothing', async ({ open }) => {
    const { ledger } = await open()
    const seen = async () => {
      const { spent, month } = await ledger.snapshot(JANUARY, CAPS)
      assert.equal({ ...spent }, { ...month })
      return [spent.spent, spent.held, spent.requests, spent.outputTokens]
    }
    assert.ok((await ledger.reserve(order('a', 280))).ok)
    assert.ok((await ledger.reserve(order('a', 280))).ok)
    assert.equal(await seen(), [0, 280, 1, 0])
    await ledger.tighten('a', 200)
    await ledger.tighten('a', 200)
    await ledger.tighten('a', 250)
    assert.equal(await seen(), [0, 200, 1, 0])
    assert.equal(await ledger.settle('a', known(120, 9)), { known: true, excessNano: 0, halted: false })
    assert.equal(await ledger.settle('a', known(120, 9)), { known: true, excessNano: 0, halted: false })
    await ledger.settle('a', UNKNOWN)
    await ledger.tighten('a', 10)
    assert.ok((await ledger.reserve(order('a', 280))).ok)
    assert.equal(await seen(), [120, 0, 1, 9])
    assert.equal(await ledger.settle('nobody', known(1)), { known: false, excessNano: 0, halted: false })
  })

  it('an unknown cost keeps the hold as spent', async ({ open }) => {
    const { ledger } = await open()
    await ledger.reserve(order('a', 280))
    await ledger.settle('a', UNKNOWN)
    const { spent } = await ledger.snapshot(JANUARY, CAPS)
    assert.equal([spent.spent, spent.held], [280, 0])
  })

  it('what does not fit is refused and changes nothing; a smaller one still passes', async ({ open }) => {
    const { ledger } = await open()
    const roomy = { scopes: [] }
    assert.ok((await ledger.reserve(order('a', 600, roomy))).ok)
    const refused = { ok: false, cause: 'day', soon: true, wantedNano: 706, day: JANUARY.day, capNano: 705 }
    assert.equal(plain(await ledger.reserve(order('b', 106, roomy))), refused)
    assert.ok((await ledger.reserve(order('c', 105, roomy))).ok)
    await ledger.settle('a', known(600))
    assert.equal(plain(await ledger.reserve(order('d', 106, roomy))), { ...refused, wantedNano: 811, soon: false })
    const large = { ...refused, cause: 'too_large', soon: false, wantedNano: 0 }
    assert.equal(plain(await ledger.reserve(order('e', 1001, roomy))), large)
    assert.is((await ledger.snapshot(JANUARY, CAPS)).spent.requests, 2)
  })

  it('an address has its share of the day, and no more', async ({ open }) => {
    const { ledger } = await open()
    const mine = { scopes: [shareOf('mine')] }
    assert.ok((await ledger.reserve(order('a', 282, mine))).ok)
    const refused = plain(await ledger.reserve(order('b', 1, mine)))
    assert.equal(refused, { ok: false, cause: 'share', soon: true, wantedNano: 283, day: JANUARY.day, capNano: 705 })
    assert.ok((await ledger.reserve(order('c', 282))).ok)
    await ledger.settle('a', known(10))
    assert.ok((await ledger.reserve(order('b', 1, mine))).ok)
  })

  it("a day's cap is min(day, month left, 2 x month left at its beginning / days left)", async ({ open }) => {
    const { ledger } = await open()
    const caps = { dayNano: 1000, monthNano: 1200 }
    const on = (date: number): DayWindow => windowOf(2026, date)
    assert.is((await ledger.snapshot(on(1), caps)).capNano, 77)
    assert.ok((await ledger.reserve(order('a', 77, { ...on(1), caps, scopes: [] }))).ok)
    assert.is((await ledger.snapshot(on(1), caps)).capNano, 77, 'fixed all day')
    assert.is((await ledger.snapshot(on(30), caps)).capNano, 1000)
    assert.ok((await ledger.reserve(order('b', 1000, { ...on(30), caps, scopes: [] }))).ok)
    assert.is((await ledger.snapshot(on(31), caps)).capNano, 123)
    const refused = await ledger.reserve(order('c', 124, { ...on(31), caps, scopes: [] }))
    const wanted = { ok: false, cause: 'month', soon: true, wantedNano: 1201, day: '2026-01-31', capNano: 123 }
    assert.equal(plain(refused), wanted)
    assert.ok((await ledger.reserve(order('d', 123, { ...on(31), caps, scopes: [] }))).ok)
  })

  it('a settle goes to the day of its hold', async ({ open }) => {
    const { ledger } = await open()
    const tomorrow = windowOf(2026, 16)
    await ledger.reserve(order('a', 280))
    await ledger.reserve(order('b', 100, tomorrow))
    await ledger.settle('a', known(50))
    const { spent, month } = await ledger.snapshot(tomorrow, CAPS)
    assert.equal([spent.spent, spent.held, month.spent, month.held], [0, 100, 50, 100])
  })

  it('a stored day never goes backwards', async ({ open }) => {
    const { ledger } = await open()
    const later = windowOf(2026, 20)
    await ledger.reserve(order('a', 280, later))
    const { ok, day: booked, capNano } = await ledger.reserve(order('b', 100))
    assert.equal([ok, booked, capNano], [true, later.day, 1000])
    const { day, spent } = await ledger.snapshot(JANUARY, CAPS)
    assert.equal([day, spent.held], [later.day, 380])
  })

  it('an overrun is booked and halts admission until resumed', async ({ open }) => {
    const { ledger } = await open()
    await ledger.reserve(order('a', 100))
    await ledger.reserve(order('b', 100))
    assert.equal(await ledger.settle('a', known(130, 5)), { known: true, excessNano: 30, halted: true })
    const halted = { ok: false, cause: 'halted', soon: false, wantedNano: 0, day: JANUARY.day, capNano: 705 }
    const elsewhere = (await open()).ledger
    assert.equal(plain(await elsewhere.reserve(order('c', 1))), halted)
    await ledger.settle('b', known(20))
    const { spent, halted: cause } = await elsewhere.snapshot(JANUARY, CAPS)
    assert.equal([spent.spent, spent.held, cause], [150, 0, 'overrun'])
    await ledger.resume()
    assert.ok((await elsewhere.reserve(order('c', 1))).ok)
    assert.ok((await ledger.settle('c', { nano: 1, outputTokens: 801, overrun: true })).halted)
    await ledger.halt('clock')
    assert.is((await ledger.snapshot(JANUARY, CAPS)).halted, 'overrun', 'the first cause stays')
  })

  it('odd amounts are refused and change nothing', async ({ open }) => {
    const { ledger } = await open()
    for (const nano of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.is(await ledger.reserve(order('a', nano)).catch(() => 'rejected'), 'rejected')
    }
    await ledger.reserve(order('b', 100))
    assert.is(await ledger.settle('b', known(-1)).catch(() => 'rejected'), 'rejected')
    assert.is(await ledger.settle('b', known(1, Number.NaN)).catch(() => 'rejected'), 'rejected')
    assert.is(await ledger.tighten('b', Number.NaN).catch(() => 'rejected'), 'rejected')
    assert.is((await ledger.snapshot(JANUARY, CAPS)).spent.held, 100)
  })
}

/** Without what is not there: Redis answers leave it out. */
const plain = (reserved: Reserved) => JSON.parse(JSON.stringify(reserved))

const windowOf = (year: number, date: number): DayWindow => {
  return { day: `${year}-01-${String(date).padStart(2, '0')}`, month: `${year}-01`, daysLeft: 32 - date }
}

type Scene = { billed: Billed[]; window: DayWindow; id: string }

async function apply(ledger: LedgerStore, op: HoldOp, scene: Scene): Promise<void> {
  const { billed, window, id } = scene
  if (op.kind === 'reserve') {
    const { nano, address } = op
    const reserved = await ledger.reserve(order(id, nano, { ...window, scopes: [shareOf(String(address))] }))
    if (reserved.ok) billed.push({ id, day: window.day, address, nano, open: true })
    return
  }
  // Holds from before the last two days are forgotten, and stay counted as they are.
  const recent = [...new Set(billed.map(({ day }) => day))].slice(-2)
  const hold = billed.filter(({ day }) => recent.includes(day)).at(op.pick % Math.max(1, billed.length))
  if (!hold) return
  if ('part' in op) await lower(ledger, hold, op.kind, Math.floor(hold.nano * op.part))
  else if (op.kind === 'again') {
    await ledger.reserve(order(hold.id, 350, { ...window, scopes: [shareOf(String(hold.address))] }))
  } else {
    await ledger.settle(hold.id, UNKNOWN)
    hold.open = false
  }
}

async function lower(ledger: LedgerStore, hold: Billed, kind: 'tighten' | 'settle', nano: number): Promise<void> {
  if (kind === 'tighten') await ledger.tighten(hold.id, nano)
  else await ledger.settle(hold.id, known(nano))
  if (!hold.open) return
  hold.nano = nano
  hold.open = kind === 'tighten'
}

const total = (billed: readonly Billed[]): number => billed.reduce((sum, { nano }) => sum + nano, 0)

async function assertInvariants(ledger: LedgerStore, billed: readonly Billed[], window: DayWindow): Promise<void> {
  const days = new Set(billed.map(({ day }) => day))
  for (const day of days) {
    const ofDay = billed.filter((each) => each.day === day)
    assert.ok(total(ofDay) <= CAPS.dayNano, `day ${day}: ${total(ofDay)}`)
    for (const address of [0, 1, 2, 3]) {
      assert.ok(total(ofDay.filter((each) => each.address === address)) <= SHARE, `address ${address}`)
    }
  }
  assert.ok(total(billed) <= CAPS.monthNano, `month: ${total(billed)}`)
  const { day, spent, month } = await ledger.snapshot(window, CAPS)
  if (day !== window.day) return
  assert.is(
    spent.spent + spent.held,
    total(billed.filter((each) => each.day === day)),
    'the day agrees with the upstream',
  )
  assert.ok(month.spent + month.held <= CAPS.monthNano)
}
