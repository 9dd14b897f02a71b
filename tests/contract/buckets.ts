import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { BucketRule, Buckets, BucketTake, Taken } from '../../server/quota/port.ts'
import type { ManualClock } from '../helpers/manual-clock.ts'
import type { StoreKind } from './stores.ts'

type Op = { kind: 'wait'; ms: number } | { kind: 'take'; picks: number[] }
type Admitted = { at: number; picks: number[]; remaining: number }

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(50), fc.nat(30_000)) }),
  fc.record({ kind: fc.constant('take' as const), picks: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }) }),
)
const rate = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0.5, max: 300, noNaN: true }))
const rules = fc.array(fc.record({ burst: fc.integer({ min: 1, max: 8 }), perMinute: rate }), {
  minLength: 3,
  maxLength: 3,
})

/** What every store's buckets keep to, whatever comes. */
export function bucketContract(kind: StoreKind): void {
  const it = (name: string, run: Parameters<typeof kind.use>[0]) => test(`${kind.name}: ${name}`, () => kind.use(run))
  const runs = kind.name === 'memory' ? 200 : 40

  it('over any span, at most burst + rate × span; refusals change nothing; together or not at all', async (bench) => {
    const { buckets } = await bench.open()
    let run = 0
    await fc.assert(
      fc.asyncProperty(rules, fc.array(op, { maxLength: 60 }), async (shapes, ops) => {
        const named = shapes.map((shape, index) => ({ ...shape, name: `${++run}-${index}` }))
        const began = bench.clock.monotonic()
        const admitted = await play(buckets, bench.clock, named, ops)
        assertBound(named, admitted)
        // The same takes without the refused ones: had a refusal left a trace, an answer would differ.
        const twins = named.map((rule) => ({ ...rule, name: `twin-${rule.name}` }))
        const offset = bench.clock.monotonic() - began
        await replay(buckets, bench.clock, twins, admitted, offset)
      }),
      { numRuns: runs },
    )
  })

  it('a refusal says exactly how long to wait', async (bench) => {
    const { buckets } = await bench.open()
    let run = 0
    await fc.assert(
      fc.asyncProperty(rules, fc.array(op, { maxLength: 30 }), async (shapes, ops) => {
        const named = shapes.map((shape, index) => ({ ...shape, name: `${++run}-${index}` }))
        await play(buckets, bench.clock, named, ops)
        const refused = await untilRefused(buckets, named)
        bench.clock.advance(refused.retryAfterMs - 1)
        assert.is((await take(buckets, named, [0, 1, 2])).ok, false, 'a millisecond early')
        bench.clock.advance(1)
        assert.is((await take(buckets, named, [0, 1, 2])).ok, true, 'on time')
      }),
      { numRuns: runs },
    )
  })

  it('a patient client is never refused', async (bench) => {
    const { buckets } = await bench.open()
    let run = 0
    await fc.assert(
      fc.asyncProperty(rate, fc.nat(4), async (perMinute, idle) => {
        const rule = { name: `patient-${++run}`, burst: 1, perMinute }
        for (let asked = 0; asked < 40; asked++) {
          assert.ok((await take(buckets, [rule], [0])).ok)
          bench.clock.advance(Math.ceil(60_000 / perMinute) + (asked % 7 === idle ? idle : 0))
        }
      }),
      { numRuns: runs / 4 },
    )
  })

  it('1,000 takes at once admit exactly the burst', async (bench) => {
    const { buckets } = await bench.open()
    const rule = { name: 'crowd', burst: 100, perMinute: 1 }
    const taken = await Promise.all(Array.from({ length: 1000 }, () => take(buckets, [rule], [0])))
    assert.is(taken.filter(({ ok }) => ok).length, 100)
    assert.equal(
      taken.flatMap((each) => (each.ok ? [each.remaining] : [])).sort((a, b) => b - a),
      Array.from({ length: 100 }, (_, index) => 99 - index),
    )
  })

  it('the same bucket named twice is two takes; names and keys keep buckets apart', async (bench) => {
    const { buckets } = await bench.open()
    const rule = { name: 'a', burst: 3, perMinute: 1 }
    const twice = [
      { rule, key: 'k' },
      { rule, key: 'k' },
    ]
    assert.equal(await buckets.take(twice), { ok: true, remaining: 1 })
    const refused = await buckets.take(twice)
    assert.equal(refused, { ok: false, retryAfterMs: 60_000, bucket: 'a' })
    assert.equal(await buckets.take([{ rule, key: 'other' }]), { ok: true, remaining: 2 })
    assert.equal(await buckets.take([{ rule: { ...rule, name: 'b' }, key: 'k' }]), { ok: true, remaining: 2 })
  })

  it('the fullest wait is told, with the name of its bucket', async (bench) => {
    const { buckets } = await bench.open()
    const [quick, slow] = [
      { name: 'quick', burst: 1, perMinute: 60 },
      { name: 'slow', burst: 1, perMinute: 6 },
    ]
    const both = [
      { rule: slow, key: 'k' },
      { rule: quick, key: 'k' },
    ]
    assert.equal(await buckets.take(both), { ok: true, remaining: 0 })
    assert.equal(await buckets.take(both), { ok: false, retryAfterMs: 10_000, bucket: 'slow' })
    bench.clock.advance(1_000)
    assert.equal(await buckets.take([{ rule: quick, key: 'k' }]), { ok: true, remaining: 0 })
  })

  it('a wall clock set back neither mints nor locks', async (bench) => {
    const { buckets } = await bench.open()
    const rule = { name: 'jump', burst: 5, perMinute: 60 }
    let [admitted, elapsed] = [0, 0]
    const ask = async (): Promise<number> => {
      const taken = await take(buckets, [rule], [0])
      admitted += taken.ok ? 1 : 0
      return taken.ok ? 0 : taken.retryAfterMs
    }
    const pass = (ms: number): void => {
      bench.clock.advance(ms)
      elapsed += ms
    }
    for (const back of [-500, -3_600_000, -1, -86_400_000, -20_000]) {
      while ((await ask()) === 0);
      bench.clock.jump(back)
      const wait = await ask()
      assert.ok(wait > 0 && wait <= 5_000, `waits ${wait} ms`)
      pass(wait)
      assert.is(await ask(), 0)
      assert.ok(admitted <= 5 + elapsed / 1000, `${admitted} in ${elapsed} ms`)
    }
  })

  it('a rule that shrank gives an empty bucket, not a lock', async (bench) => {
    const { buckets } = await bench.open()
    const rule = { name: 'shrunk', burst: 1000, perMinute: 1 }
    for (let taken = 0; taken < 100; taken++) await take(buckets, [rule], [0])
    const smaller = { ...rule, burst: 2, perMinute: 6 }
    assert.equal(await take(buckets, [smaller], [0]), { ok: false, retryAfterMs: 10_000, bucket: 'shrunk' })
    bench.clock.advance(10_000)
    assert.equal(await take(buckets, [smaller], [0]), { ok: true, remaining: 0 })
  })

  it('numbers that cannot be meant are refused and change nothing', async (bench) => {
    const { buckets } = await bench.open()
    const rule = { name: 'odd', burst: 2, perMinute: 1 }
    const odd = [{ burst: 0 }, { burst: 1.5 }, { burst: Number.NaN }, { perMinute: 0 }, { perMinute: -1 }]
    const worse = [{ perMinute: Number.NaN }, { perMinute: Number.POSITIVE_INFINITY }, { burst: 1e9, perMinute: 0.001 }]
    for (const part of [...odd, ...worse]) {
      const mixed = [
        { rule, key: 'k' },
        { rule: { ...rule, name: 'odder', ...part }, key: 'k' },
      ]
      const answers = await Promise.allSettled([buckets.take(mixed), buckets.take([{ rule, key: 'neighbour' }])])
      assert.is(answers[0].status, 'rejected', JSON.stringify(part))
    }
    assert.is(await buckets.take([]).catch(() => 'rejected'), 'rejected')
    assert.equal(await buckets.take([{ rule, key: 'k' }]), { ok: true, remaining: 1 })
    assert.is((await buckets.take([{ rule, key: 'neighbour' }])).ok, false, 'neighbours were served')
  })

  it('a closed store rejects', async (bench) => {
    const store = await bench.open()
    await store.close()
    await store.close()
    const rule = { name: 'a', burst: 1, perMinute: 1 }
    assert.is(await store.buckets.take([{ rule, key: 'k' }]).catch((error) => error.code), 'closed')
    assert.is(await store.ready(), false)
  })
}

const takesOf = (rules: readonly BucketRule[], picks: readonly number[]): BucketTake[] =>
  picks.flatMap((pick) => rules[pick] ?? []).map((rule) => ({ rule, key: 'key' }))
const take = (buckets: Buckets, rules: readonly BucketRule[], picks: readonly number[]): Promise<Taken> =>
  buckets.take(takesOf(rules, picks))

async function play(
  buckets: Buckets,
  clock: ManualClock,
  rules: BucketRule[],
  ops: readonly Op[],
): Promise<Admitted[]> {
  const admitted: Admitted[] = []
  for (const each of ops) {
    if (each.kind === 'wait') clock.advance(each.ms)
    else {
      const taken = await take(buckets, rules, each.picks)
      if (taken.ok) admitted.push({ at: clock.monotonic(), picks: each.picks, remaining: taken.remaining })
    }
  }
  return admitted
}

async function replay(
  buckets: Buckets,
  clock: ManualClock,
  rules: BucketRule[],
  admitted: readonly Admitted[],
  offset: number,
): Promise<void> {
  for (const { at, picks, remaining } of admitted) {
    clock.advance(at + offset - clock.monotonic())
    assert.equal(await take(buckets, rules, picks), { ok: true, remaining })
  }
}

function assertBound(rules: readonly BucketRule[], admitted: readonly Admitted[]): void {
  rules.forEach((rule, pick) => {
    const times = admitted.filter(({ picks }) => picks.includes(pick)).map(({ at }) => at)
    times.forEach((from, first) => {
      times.slice(first).forEach((to, extra) => {
        assert.ok(
          extra + 1 <= rule.burst + (rule.perMinute * (to - from)) / 60_000 + 1e-9,
          `${extra + 1} in ${to - from} ms`,
        )
      })
    })
  })
}

async function untilRefused(buckets: Buckets, rules: BucketRule[]): Promise<Taken & { ok: false }> {
  for (;;) {
    const foreseen = await buckets.peek(takesOf(rules, [0, 1, 2]))
    const taken = await take(buckets, rules, [0, 1, 2])
    assert.equal(told(foreseen), told(taken), 'a look ahead tells the same, and takes nothing')
    if (!taken.ok) return taken
  }
}

// Of two buckets that are equally empty, either may be named.
const told = (taken: Taken) => (taken.ok ? taken : taken.retryAfterMs)
