import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createInbox } from '../../server/model/inbox.ts'
import { LeanStream } from '../../server/model/lean-stream.ts'
import { wholeEvents } from '../../server/model/whole-events.ts'

for (const blank of ['\n\n', '\r\n\r\n', '\r\r']) {
  const text = `data: {"a":1}${blank}data: {"b":"vélo"}${blank}data: torn`
  const whole = text.slice(0, -'data: torn'.length)

  test(`however a text is cut, only whole events come out (${JSON.stringify(blank)})`, () => {
    for (let size = 1; size <= text.length; size++) {
      const events = wholeEvents()
      const out: string[] = []
      for (let i = 0; i < text.length; i += size) out.push(events.push(text.slice(i, i + size)))
      assert.is(out.join(''), whole, `pieces of ${size}`)
      assert.ok(out.every((piece) => piece === '' || piece.endsWith(blank)))
      assert.is(events.rest(), 'data: torn')
    }
  })
}

test('an inbox gives in order what came, also before it was asked, then its end', async () => {
  const inbox = createInbox<number>()
  inbox.push(1)
  inbox.push(2)
  assert.equal(await inbox.read(), { done: false, value: 1 })
  assert.equal(await inbox.read(), { done: false, value: 2 })
  const waiting = inbox.read()
  inbox.push(3)
  inbox.end()
  inbox.push(4)
  assert.equal(await waiting, { done: false, value: 3 })
  assert.equal(await inbox.read(), { done: true, value: undefined })
})

test('an inbox that fails still gives what came before', async () => {
  const inbox = createInbox<number>()
  inbox.push(1)
  inbox.fail(new Error('reset'))
  assert.equal(await inbox.read(), { done: false, value: 1 })
  let thrown: unknown
  await inbox.read().catch((error: unknown) => (thrown = error))
  assert.instance(thrown, Error)
})

test('a stream rejects with what its source was rejected with, and its second copy is empty', async () => {
  const stream = new LeanStream<number>({
    start(controller) {
      controller.enqueue(1)
      return Promise.reject(new Error('torn'))
    },
  })
  const [one, two] = stream.tee()
  assert.equal(await two.getReader().read(), { done: true, value: undefined })
  assert.equal(await one.getReader().read(), { done: false, value: 1 })
  let thrown: unknown
  await one
    .getReader()
    .read()
    .catch((error: unknown) => (thrown = error))
  assert.instance(thrown, Error)
})

test.run()
