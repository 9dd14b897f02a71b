import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { altchaPuzzles } from '../../server/quota/altcha.ts'
import { withBuiltClient } from '../helpers/built-client.ts'
import { startServer } from '../helpers/server.ts'
import { browserTests } from './browser.ts'
import { delta, done, start } from './messages.ts'
import { arrive, drafted, has } from './visit.ts'

const { test, run } = browserTests()

const puzzles = (tries: number, cost = 100) => altchaPuzzles('secret', { cost, least: tries, most: tries })
const challengeOf = (tries: number) => puzzles(tries).make({ for: 'a', until: 0 })
const needsProof = (id: string, challenge: string) =>
  ({ type: 'error', code: 'proof_required', message: 'Une courte vérification.', id, challenge }) as const

const ask = async (page: Page, text: string) => {
  await page.locator('#question').fill(text)
  await page.locator('#question').press('Enter')
}
/** This many workers run; a page tells of them a little later. */
const working = async (page: Page, count: number) => {
  while (page.workers().length !== count) await page.evaluate(() => new Promise(requestAnimationFrame))
}

test('[PRF1] before the real server, a question that needs a proof is answered as if it needed none', ({ page }) =>
  withBuiltClient(async (clientDir) => {
    const server = await startServer({ PROOF_OF_WORK: 'always' }, { clientDir })
    try {
      const fetched: string[] = []
      page.on('request', (request) => fetched.push(new URL(request.url()).pathname))
      await page.goto(server.url)
      await page.locator('#state[data-at=open]').waitFor()
      const worker = /^\/proof-worker-[0-9a-f]{8}\.js$/
      assert.not(
        fetched.some((path) => worker.test(path)),
        'the worker is fetched when it is needed',
      )
      await ask(page, 'Bonjour')
      await page.locator('.turn[data-state=complete]').waitFor()
      await has(page, '#status', 'Réponse reçue')
      assert.is(fetched.filter((path) => worker.test(path)).length, 1)
      await ask(page, 'Et demain ?')
      await page.locator('.turn[data-state=complete]').nth(1).waitFor()
      assert.is(fetched.filter((path) => worker.test(path)).length, 1)
      await working(page, 0)
    } finally {
      await server.close()
    }
  }))

test('the work is told, asks nothing of the visitor, and ends in the proof', async ({ server, page }) => {
  const peer = await arrive(server, page)
  await ask(page, 'Vos prix ?')
  const { id } = await peer.expect('ask')
  peer.send(needsProof(id, await challengeOf(2000)))
  await has(page, '#status', 'Vérification…')
  const again = await peer.expect('ask')
  assert.equal([again.id, again.text], [id, 'Vos prix ?'])
  assert.ok(await puzzles(2000).check(again.proof ?? ''))
  peer.send(start(id, 'Vos prix ?'))
  await has(page, '#status', 'répond…')
  peer.send(delta(id, 0, 'Dès 300 €'), done(id, 9))
  await has(page, '#log', 'Dès 300 €')
  assert.is(await page.locator('.turn').count(), 1)
})

test('while a long work goes on the page types on, and Stop gives the question back', async ({ server, page }) => {
  const peer = await arrive(server, page)
  await ask(page, 'Vos prix ?')
  const { id } = await peer.expect('ask')
  peer.send(needsProof(id, await challengeOf(50_000_000)))
  await has(page, '.turn .end', 'Vérification…')
  await page.locator('#question').pressSequentially('et puis')
  assert.is(await page.locator('#question').inputValue(), 'et puis')
  // It still goes on, elsewhere.
  await working(page, 1)
  await page.locator('#question').fill('')
  await page.locator('#send[data-mode=stop]').click()
  await drafted(page, 'Vos prix ?')
  await page.locator('.turn').waitFor({ state: 'detached' })
  await working(page, 0)
})

test('a server that is never content is given up after three proofs', async ({ server, page }) => {
  const peer = await arrive(server, page)
  await ask(page, 'Vos prix ?')
  const { id } = await peer.expect('ask')
  for (let round = 0; round < 3; round++) {
    peer.send(needsProof(id, await challengeOf(3)))
    await peer.expect('ask')
  }
  peer.send(needsProof(id, await challengeOf(3)))
  await has(page, '#alert', 'Une courte vérification.')
  await drafted(page, 'Vos prix ?')
})

test('what is no challenge is a refusal like any other', async ({ server, page }) => {
  const peer = await arrive(server, page)
  await ask(page, 'Vos prix ?')
  const { id } = await peer.expect('ask')
  peer.send(needsProof(id, 'no challenge'))
  await has(page, '#alert', 'Une courte vérification.')
  await drafted(page, 'Vos prix ?')
})

test('the page has one policy, and it knows one address', async ({ server, page, allow }) => {
  await arrive(server, page)
  allow(/TrustedTypePolicy|TrustedScriptURL|Trusted Type/)
  const thrown = await page.evaluate(`(() => {
    const made = (make) => { try { make(); return 'made' } catch (error) { return error.name } }
    return [
      made(() => trustedTypes.createPolicy('another', { createScriptURL: (url) => url })),
      made(() => trustedTypes.createPolicy('proof-worker', { createScriptURL: (url) => url })),
      made(() => new Worker('/proof-worker.js')),
    ]
  })()`)
  assert.equal(thrown, ['TypeError', 'TypeError', 'TypeError'])
})

test('without a browser’s crypto, on plain http, the work is done all the same', async ({ server, page, allow }) => {
  allow(/Cross-Origin-Opener-Policy header has been ignored/)
  await page.route('http://shop.test/**', async (route) => {
    const response = await fetch(server.url + new URL(route.request().url()).pathname.slice(1))
    const headers = Object.fromEntries(response.headers)
    await route.fulfill({ status: response.status, headers, body: await response.text() })
  })
  await page.goto('http://shop.test/proof-worker.js')
  const proof = await page.evaluate(`new Promise((resolve) => {
    const rules = { createScriptURL: () => '/proof-worker.js' }
    const worker = new Worker(trustedTypes.createPolicy('proof-worker', rules).createScriptURL(''))
    worker.onmessage = ({ data }) => resolve(isSecureContext ? 'a secure context' : data)
    worker.postMessage(${JSON.stringify(await challengeOf(20))})
  })`)
  assert.ok(await puzzles(20).check(String(proof)), String(proof))
})

run()
