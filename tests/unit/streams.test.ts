import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createStreams, type Slot } from '../../server/chat/streams.ts'

function opened(slot: Slot | undefined): Slot {
  if (!slot) throw new Error('no place')
  return slot
}

test('so many in all and per address; a place that closes is free again, once', () => {
  const streams = createStreams(3, 2)
  const [a1, a2] = [opened(streams.open('a')), opened(streams.open('a'))]
  assert.is(streams.open('a'), undefined)
  const b = opened(streams.open('b'))
  assert.is(streams.open('c'), undefined)
  a1.close()
  a1.close()
  assert.is(streams.count, 2)
  opened(streams.open('a'))
  assert.is(streams.open('b'), undefined, 'full')
  for (const slot of [a2, b]) slot.close()
  assert.is(streams.count, 1)
  assert.is(streams.open('a') && streams.open('a'), undefined)
})

test('a quarter may drain, one at least; a drain keeps its place until it closes', () => {
  const streams = createStreams(8, 8)
  const [one, two, three] = [opened(streams.open('a')), opened(streams.open('a')), opened(streams.open('a'))]
  assert.equal([one.drain(), two.drain(), three.drain(), one.drain()], [true, true, false, true])
  assert.is(streams.count, 3)
  one.close()
  assert.is(one.drain(), false)
  assert.equal([three.drain(), three.drain()], [true, true])
  const single = createStreams(1, 1)
  const only = opened(single.open('a'))
  assert.ok(only.drain())
  assert.is(single.open('b'), undefined)
  only.close()
  assert.ok(opened(single.open('b')).drain())
})

test('shut opens no more and resolves with the last close; cut reaches those that are still open', async () => {
  const streams = createStreams(8, 8)
  const [one, two] = [opened(streams.open('a')), opened(streams.open('a'))]
  const cuts: string[] = []
  one.onCut(() => cuts.push('one'))
  two.onCut(() => {
    cuts.push('two')
    two.close()
  })
  let over = false
  const shut = streams.shut().then(() => {
    over = true
  })
  assert.is(streams.open('b'), undefined)
  one.close()
  await Promise.resolve()
  assert.not.ok(over)
  streams.cut()
  assert.equal(cuts, ['two'])
  await shut
  await createStreams(1, 1).shut()
})

test.run()
