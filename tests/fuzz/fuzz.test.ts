import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MOST_SEED, parseOptions } from './options.ts'
import { planOf } from './plan.ts'
import { target } from './target.ts'
import { targets } from './targets.ts'

for (const { name, title, short, run } of targets) {
  test(title, async () => {
    const seed = Date.now() & MOST_SEED
    const { failure } = await run(short, seed)
    assert.is(failure, undefined, `npm run fuzz -- --only ${name} --cases ${short} --seed ${seed}\n${failure}`)
  })
}

test('a failure is told with its seed and the smallest counterexample, and comes again with the seed', async () => {
  const under = target({ name: 'x', title: 'x', short: 1 }, fc.nat(), (n) => assert.ok(n < 1000))
  for (const again of [1, 2]) {
    const { cases, failure = '' } = await under.run(1000, 7)
    assert.equal([cases, failure.split('\n')[0]], [1, 'case 1 of seed 7: 1000'], `run ${again}`)
  }
})

test('counterexamples of old are tried first, however few cases are asked for', async () => {
  const tried: number[] = []
  const under = target({ name: 'x', title: 'x', short: 1 }, fc.constant(0), (n) => void tried.push(n), [5, 6])
  assert.equal(await under.run(1, 7), { cases: 2 })
  assert.equal(tried, [5, 6])
})

test('a plan tries as many cases as were asked for, by weight, and none twice', () => {
  const of = (name: string, weight: number) => ({
    ...target({ name, title: name, short: 1, weight }, fc.nat(), () => {}),
  })
  const plan = planOf([of('a', 1), of('b', 0.1)], 110_000, 3, 20_000)
  const cases = (name: string) =>
    plan.filter((slice) => slice.name === name).reduce((sum, slice) => sum + slice.cases, 0)
  assert.equal([cases('a'), cases('b')], [100_000, 10_000])
  const seeds = plan.filter(({ name }) => name === 'a').map(({ seed }) => seed)
  assert.is(new Set(seeds).size, 5)
  assert.ok(seeds.includes(3))
  assert.is(plan[0]?.name, 'b')
})

test('wrong options are told in a sentence', () => {
  const read = (...args: string[]) => parseOptions(args, ['a', 'b'], 2, 9)
  assert.equal(read(), { cases: 1_000_000, seed: 9, only: ['a', 'b'], jobs: 2 })
  assert.equal(read('--only', 'b', '--cases', '5', '--seed', '4'), { cases: 5, seed: 4, only: ['b'], jobs: 2 })
  for (const args of [
    ['--only', 'c'],
    ['--cases', '0'],
    ['--cases', 'x'],
    ['--seed', '1.5'],
    ['--seed=-1'],
    ['--fast'],
  ])
    assert.type(Reflect.get(read(...args), 'wrong'), 'string', args.join(' '))
})

test.run()
