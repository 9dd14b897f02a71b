import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { TOKEN_KEY } from '../../client/tokens.ts'
import { browserTests } from './browser.ts'
import { delta, done, start, turn, welcome } from './messages.ts'
import { arrive, ask, back, drafted, has } from './visit.ts'

const { test, run } = browserTests()

const DRAFT = 'mon brouillon'
const write = (page: Page) => page.locator('#question').fill(DRAFT)

test('a server of a newer protocol: the page says to reload, shows the contact card, and tries no more', async ({
  server,
  page,
}) => {
  const old = await arrive(server, page)
  await write(page)
  old.drop()
  const peer = await server.peer()
  await peer.expect('hello')
  const before = server.upgrades()
  peer.raw(JSON.stringify({ ...welcome(), protocol: 2 }))
  await has(page, '#alert', 'Rechargez la page')
  await page.locator('#contact').waitFor()
  await drafted(page, DRAFT)
  assert.is(server.upgrades(), before)
})

test('a newer server greets in words that the page does not know: the question goes back into the draft', async ({
  server,
  page,
}) => {
  await page.goto(server.url)
  const peer = await server.peer()
  await peer.expect('hello')
  await write(page)
  await page.locator('#question').press('Enter')
  await has(page, '.end', 'Partira dès que la connexion sera là')
  peer.raw(JSON.stringify({ type: 'ahoy', protocol: 2 }))
  await has(page, '#alert', 'Rechargez la page')
  await drafted(page, DRAFT)
})

test('frames that the page does not know, within an answer, do it no harm', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  await write(page)
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Dès '))
  for (const text of ['', 'null', '[1]', '{"type":"mood","id":1}', '{"type":"delta","id":"x"}', '<b>']) peer.raw(text)
  peer.send(delta(id, 4, '300 €'), done(id, 9))
  await has(page, '#status', 'Réponse reçue')
  assert.is(await page.locator('.text').textContent(), 'Dès 300 €')
  await drafted(page, DRAFT)
})

for (const [what, value] of [
  ['another shape', '{"session":"lm_1"}'],
  ['a million characters', 'x'.repeat(1_000_000)],
  ['nothing', ''],
] as const) {
  test(`a damaged session in the browser’s storage, ${what}: a new conversation, and it is mended`, async ({
    server,
    page,
  }) => {
    await page.addInitScript(([key, text]) => localStorage.setItem(key, text), [TOKEN_KEY, value] as const)
    await page.goto(server.url)
    const peer = await server.peer()
    assert.is((await peer.expect('hello')).session, undefined)
    peer.send(welcome())
    const id = await ask(page, peer, 'Vos prix ?')
    peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Oui'), done(id, 3))
    await has(page, '#status', 'Réponse reçue')
    assert.is(await page.evaluate((key) => localStorage.getItem(key), TOKEN_KEY), 'token-1')
  })
}

test('a session that the server does not know any more: a new conversation, and the old token is gone', async ({
  server,
  page,
}) => {
  await page.addInitScript((key) => localStorage.setItem(key, 'lm_gone'), TOKEN_KEY)
  await page.goto(server.url)
  const peer = await server.peer()
  assert.is((await peer.expect('hello')).session, 'lm_gone')
  await write(page)
  peer.send(welcome())
  await page.waitForFunction((key) => localStorage.getItem(key) === null, TOKEN_KEY)
  await drafted(page, DRAFT)
})

test('text is missing: it is fetched anew once; when it is missing again, the answer says so', async ({
  server,
  page,
}) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  await write(page)
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Dès '), delta(id, 7, '€'))
  const streaming = [turn(id, 'Vos prix ?', '', { state: 'streaming' })]
  const { peer: next, hello } = await back(server, { turns: streaming })
  assert.equal(hello.answer, { id, offset: 4 })
  next.send(start(id, 'Vos prix ?'), delta(id, 4, '300'), delta(id, 9, '!'))
  await has(page, '.end', 'Réponse interrompue')
  await page.getByRole('button', { name: 'Réessayer' }).waitFor()
  assert.is(await page.locator('.text').textContent(), 'Dès 300')
  await drafted(page, DRAFT)
})

test('a persona’s words with markup stay words', async ({ server, page }) => {
  const evil = `<img src=x onerror="document.title=1"><b>gras</b>&amp;`
  const { persona } = welcome()
  await page.goto(server.url)
  await write(page)
  const peer = await server.peer()
  await peer.expect('hello')
  const words = { name: evil, greeting: evil, placeholder: evil, suggestions: [evil], notice: evil }
  peer.send(welcome({ persona: { ...persona, ...words } }))
  await page.locator('#chips button').first().waitFor()
  for (const selector of ['#name', '#hail', '#notice', '#chips button'])
    assert.is(await page.locator(selector).textContent(), evil, selector)
  assert.is(await page.locator('#question').getAttribute('placeholder'), evil)
  assert.is(await page.locator('b, img:not(.logo)').count(), 0)
  await drafted(page, DRAFT)
})

await run()
