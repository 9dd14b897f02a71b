import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserTests } from './browser.ts'
import { delta, done, start, turn, welcome } from './messages.ts'
import { arrive, ask, back, drafted, has } from './visit.ts'

const { test, run } = browserTests()

const isSeen = (page: Page, selector: string) => page.locator(selector).first().isVisible()

test('an answer is copied as it reads, when it is whole', async ({ server, open }) => {
  const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] })
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Un **VTT** :\n\n- dès '))
  await has(page, '.text', 'dès')
  assert.is(await isSeen(page, '.copy'), false)
  peer.send(delta(id, 20, '450 €'), done(id, 25))
  await page.getByRole('button', { name: 'Copier' }).click()
  await has(page, '#status', 'Réponse copiée')
  assert.is(await page.evaluate(() => navigator.clipboard.readText()), 'Un VTT :\n\ndès 450 €')
  assert.is(await page.locator('.copy').textContent(), 'Réponse copiée')
  await page.locator('#question').focus()
  assert.is(await page.locator('.copy').textContent(), 'Copier')
})

test('where the browser lends no clipboard, there is no button for it', async ({ server, page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }))
  await arrive(server, page, { resumed: true, turns: [turn('a', 'x', 'y')] })
  await has(page, '.text', 'y')
  assert.is(await isSeen(page, '.copy'), false)
})

test('the conversation is downloaded as a text, made in the browser', async ({ server, page }) => {
  const peer = await arrive(server, page)
  assert.is(await isSeen(page, '#save'), false)
  peer.send(welcome({ resumed: true, turns: [turn('a', 'Vos prix ?', 'Dès **450 €**')] }))
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Télécharger la conversation' }).click(),
  ])
  assert.match(download.suggestedFilename(), /^conversation-\d{4}-\d\d-\d\d\.txt$/)
  const text = await readFile(await download.path(), 'utf8')
  assert.match(text, 'Vous\u00a0: Vos prix ?\n\nLe Mécano\u00a0: Dès **450 €**\n\n')
  assert.equal(
    asked.filter((url) => !url.startsWith('blob:')),
    [`${server.url}save.js`],
  )
})

test('on paper: the whole conversation and the notice, nothing to press', async ({ server, page }) => {
  const long = 'ligne\n\n'.repeat(80)
  const link = '[la fiche](https://breizh-velos.example/v)'
  await arrive(server, page, {
    resumed: true,
    turns: [turn('a', 'Vos prix ?', long), turn('b', 'x', link, { state: 'stopped' })],
  })
  await has(page, '.text', 'la fiche')
  await page.emulateMedia({ media: 'print' })
  for (const button of await page.getByRole('button').all()) assert.is(await button.isVisible(), false)
  const shape = await page.evaluate(() => {
    const main = document.querySelector('main')
    const link = document.querySelector('.text a')
    return {
      cut: main ? main.scrollHeight - main.clientHeight : -1,
      address: link && getComputedStyle(link, '::after').content,
    }
  })
  assert.equal(shape, { cut: 0, address: '" (https://breizh-velos.example/v)"' })
  assert.is(await isSeen(page, '#notice'), true)
  assert.is(await isSeen(page, '#question'), false)
})

test('WebSocket blocked: the contact card shows, and what is asked is kept', async ({ server, open }) => {
  // The page's own policy would not let it go to another port, where nobody is.
  const page = await open({ bypassCSP: true })
  const content = `WebSocket = new Proxy(WebSocket, { construct: (Real) => new Real('ws://127.0.0.1:9/') })`
  await page.addInitScript({ content })
  await page.goto(server.url)
  await page.locator('#contact').waitFor()
  await page.getByRole('link', { name: '02 98 00 00 00', exact: true }).waitFor()
  await page.locator('#question').fill('Vos prix ?')
  await page.locator('#question').press('Enter')
  await has(page, '.end', 'Partira dès que la connexion sera là')
  await page.keyboard.press('Escape')
  await drafted(page, 'Vos prix ?')
})

test('a text that comes back, or goes, does so before the next key', async ({ server, page }) => {
  server.refuse(true)
  await page.goto(server.url)
  await page.locator('#contact').waitFor()
  await page.locator('#question').fill('Vos prix ?')
  // Both within one task, as keys are on a slow machine: no frame is drawn between.
  const [sent, returned] = await page.locator('#question').evaluate((input: HTMLTextAreaElement) => {
    const press = (key: string) => input.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
    press('Enter')
    const sent = input.value
    press('Escape')
    return [sent, input.value]
  })
  assert.equal([sent, returned], ['', 'Vos prix ?'])
})

test('a proxy that swallows the socket: after a while the contact card shows', async ({ server, page }) => {
  await page.clock.install()
  await page.goto(server.url)
  await (await server.peer()).expect('hello')
  assert.is(await isSeen(page, '#contact'), false)
  server.refuse(true)
  await page.clock.runFor(16_000)
  await page.locator('#contact').waitFor()
})

test('the sentences can’t be fetched: the contact card shows', async ({ server, page, allow }) => {
  allow(/ERR_FAILED|dynamically imported module/)
  await page.route('**/locales/fr.js', (route) => route.abort())
  await page.goto(server.url)
  await page.locator('#contact').waitFor()
})

test('the phone’s keyboard: what it leaves is all used, and the end stays in sight', async ({ server, open }) => {
  const page = await open({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
  await arrive(server, page, { resumed: true, turns: [turn('a', 'Vos prix ?', 'ligne\n\n'.repeat(60))] })
  await has(page, '.text', 'ligne')
  assert.is(await page.evaluate(() => document.activeElement?.id), '', 'it does not come up by itself')
  await page.evaluate(() => {
    Object.defineProperty(visualViewport, 'height', { value: 400 })
    visualViewport?.dispatchEvent(new Event('resize'))
  })
  await page.waitForFunction(() => document.body.clientHeight === 400)
  const box = await page.locator('#composer').boundingBox()
  assert.ok(box && box.y + box.height < 400)
  await page.waitForFunction(() => {
    const main = document.querySelector('#scroll')
    return main !== null && main.scrollHeight - main.scrollTop - main.clientHeight < 48
  })
  const size = await page.locator('#question').evaluate((node) => Number.parseFloat(getComputedStyle(node).fontSize))
  assert.ok(size >= 16, 'a phone zooms into what is smaller')
})

test('the notice that an AI answers stays, through a conversation and without a connection', async ({
  server,
  page,
}) => {
  const peer = await arrive(server, page, { resumed: true, turns: [turn('a', 'x', 'ligne\n\n'.repeat(60))] })
  const notice = page.getByText('Le Mécano est une intelligence artificielle')
  const inView = () =>
    notice.evaluate(
      (node) => node.getBoundingClientRect().bottom <= innerHeight && node.getBoundingClientRect().top > 0,
    )
  assert.ok(await inView())
  await page.locator('#scroll').evaluate((box) => box.scrollTo(0, 0))
  assert.ok(await inView())
  peer.close(4400)
  await has(page, '#alert', 'Rechargez la page')
  assert.ok(await inView())
})

test('an English browser gets English, of a persona that has it; one fetch, and the server is told', async ({
  server,
  open,
}) => {
  const page = await open({ locale: 'en-GB' })
  const fetched: string[] = []
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname))
  await page.goto(server.url)
  const peer = await server.peer()
  assert.is((await peer.expect('hello')).lang, 'en')
  peer.send(welcome({ lang: 'en' }))
  await has(page, '#state', 'online')
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
  assert.is(await page.evaluate(() => document.documentElement.lang), 'en')
  const locales = fetched.filter((path) => path.startsWith('/locales/'))
  assert.equal([...new Set(locales)], ['/locales/fr.js', '/locales/en.js'], 'the persona’s own is fetched ahead')
})

test('a French browser fetches one language, once', async ({ server, page }) => {
  const fetched: string[] = []
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname))
  await arrive(server, page)
  assert.equal(
    fetched.filter((path) => path.startsWith('/locales/')),
    ['/locales/fr.js'],
  )
})

test('the address may ask for a language, also for one that the persona lacks', async ({ server, page }) => {
  await page.goto(`${server.url}?lang=br`)
  const { hello } = await back(server)
  assert.is(hello.lang, 'br')
  await has(page, '#state', 'enlinenn')
  assert.is(await page.evaluate(() => document.documentElement.lang), 'br')
})

await run()
