import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { closes } from '../../protocol/closes.ts'
import { browserTests } from './browser.ts'
import { delta, done, start, turn, welcome } from './messages.ts'
import { arrive, ask, axe, back, clean, drafted, has } from './visit.ts'

const { test, run } = browserTests()

const stored = (page: Page) => page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie.length])
const text = async (page: Page, selector: string) => (await page.locator(selector).textContent()) ?? ''
const html = (page: Page, selector: string) => page.locator(selector).first().innerHTML()

test('the first screen: greeting, chips, notice, contact, one h1, nothing stored', async ({ server, page }) => {
  await arrive(server, page)
  await has(page, '#hail', 'Bonjour marin')
  assert.is(await page.locator('h1').count(), 1)
  assert.is(await page.title(), 'Le Mécano (IA) – Breizh Vélos')
  assert.is(await page.getByRole('button').count(), 4, 'three chips and Send')
  await has(page, 'footer', 'Le Mécano est une intelligence artificielle')
  assert.is(await page.getByRole('link', { name: 'Appeler 02 98 00 00 00' }).getAttribute('href'), 'tel:0298000000')
  assert.is(await page.evaluate(() => document.activeElement?.id), 'question')
  assert.equal(await stored(page), [0, 0, 0])
  assert.is(await page.locator('#demo').isVisible(), false)
})

test('a question streams in; two regions tell it: a short status, and the whole message once', async ({
  server,
  page,
}) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  await has(page, '#status', 'Le Mécano répond…')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Un **VTT** dès '))
  await has(page, '.text', 'Un VTT dès')
  assert.is(await page.locator('#log').textContent(), '', 'no token is announced')
  assert.is(await page.locator('#chips').isVisible(), false)
  peer.send(delta(id, 15, '450 €.'), done(id, 21))
  await has(page, '#status', 'Réponse reçue')
  assert.is(await html(page, '.text'), '<p>Un <strong>VTT</strong> dès 450 €.</p>')
  assert.is(await page.locator('#log').textContent(), 'Le Mécano\u00a0: Un VTT dès 450 €.')
  assert.equal(await stored(page), [1, 0, 0])
  assert.is(await page.locator('#question').inputValue(), '')
  assert.is(await page.evaluate(() => document.activeElement?.id), 'question')
})

test('the keyboard: Shift+Enter breaks, Enter sends, Escape stops, a composing Enter chooses', async ({
  server,
  page,
}) => {
  const peer = await arrive(server, page)
  const input = page.locator('#question')
  await input.pressSequentially('a')
  await input.press('Shift+Enter')
  await input.pressSequentially('b')
  await input.evaluate((node) => {
    const init = { key: 'Enter', bubbles: true, cancelable: true }
    node.dispatchEvent(new KeyboardEvent('keydown', { ...init, isComposing: true }))
    node.dispatchEvent(new KeyboardEvent('keydown', { ...init, keyCode: 229 }))
  })
  assert.is(await input.inputValue(), 'a\nb')
  await input.press('Enter')
  const { id, text } = await peer.expect('ask')
  assert.is(text, 'a\nb', 'the first message that came is this one: the composing Enters sent none')
  peer.send(start(id, text), delta(id, 0, 'Bon'))
  await has(page, '.text', 'Bon')
  await input.pressSequentially('la suite')
  await input.press('Enter')
  await page.keyboard.press('Escape')
  assert.is((await peer.expect('stop')).id, id)
  peer.send({ type: 'done', id, reason: 'stopped', length: 3 })
  await has(page, '#status', 'Réponse arrêtée')
  assert.is(await input.inputValue(), 'la suite', 'the draft waited')
})

test('stop by its button, then ask again', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Bon'))
  await page.getByRole('button', { name: 'Arrêter la réponse' }).click()
  await peer.expect('stop')
  peer.send({ type: 'done', id, reason: 'stopped', length: 3 })
  await page.getByRole('button', { name: 'Reposer la question' }).click()
  const again = await peer.expect('ask')
  assert.is(again.text, 'Vos prix ?')
  assert.is.not(again.id, id)
})

test('a failure says why and offers to retry; an interrupted answer too', async ({ server, page }) => {
  const peer = await arrive(server, page, {
    resumed: true,
    turns: [turn('a', 'x', 'Du mar', { state: 'interrupted' })],
  })
  await has(page, '.end', 'Réponse interrompue')
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send({ type: 'error', code: 'model_unavailable', id, message: 'Le Mécano est en panne.' })
  await has(page, '.end', 'Le Mécano est en panne.')
  await has(page, '#status', 'Le Mécano est en panne.')
  await page.getByRole('button', { name: 'Réessayer' }).last().click()
  assert.is((await peer.expect('ask')).text, 'Vos prix ?')
  assert.is(await page.locator('.turn').count(), 2, 'the failed one is replaced')
})

test('rate limited: the draft is kept, Send counts down and then sends', async ({ server, page }) => {
  await page.clock.install()
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send({ type: 'error', code: 'rate_limited', id, message: 'Doucement, marin.', retryAfterMs: 59_000 })
  await has(page, '#alert', 'Doucement, marin.')
  await drafted(page, 'Vos prix ?')
  const seconds = async () => Number(/^(\d+)\u00a0s$/.exec(await text(page, '#count'))?.[1])
  const first = await seconds()
  assert.ok(first > 1 && first <= 59)
  assert.match((await page.locator('#send').getAttribute('aria-label')) ?? '', /^Envoyer, possible dans \d+\u00a0s$/)
  assert.is(await page.locator('#send').getAttribute('aria-disabled'), 'true')
  await page.locator('#question').press('Enter')
  // The page's clock runs on beside these steps, the faster the slower the machine.
  await page.clock.runFor(3_000)
  const next = await seconds()
  assert.ok(next < first && next > 0, `${first}, then ${next}`)
  await page.clock.runFor(60_000)
  await has(page, '#status', 'Vous pouvez de nouveau envoyer votre question')
  await page.getByRole('button', { name: 'Envoyer', exact: true }).click()
  assert.is((await peer.expect('ask')).text, 'Vos prix ?', 'nothing was sent before')
})

test('[RES2] a cut in the middle: it comes back by itself and draws each character once', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Un **VT'))
  await has(page, '.text', 'Un VT')
  await page.locator('#question').fill('mon brouillon')
  peer.drop()
  const { peer: next, hello } = await back(server, { turns: [turn(id, 'Vos prix ?', '', { state: 'streaming' })] })
  assert.equal([hello.session, hello.answer], ['token-1', { id, offset: 7 }])
  next.send(start(id, 'Vos prix ?'), delta(id, 7, 'T** !'), done(id, 12))
  await has(page, '#status', 'Réponse reçue')
  assert.is(await html(page, '.text'), '<p>Un <strong>VTT</strong> !</p>')
  assert.is(await page.locator('#question').inputValue(), 'mon brouillon')
})

test('a reload takes the conversation up again', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Dès 300 €'), done(id, 9))
  await has(page, '#status', 'Réponse reçue')
  await page.reload()
  const { hello } = await back(server, { turns: [turn(id, 'Vos prix ?', 'Dès **300 €**')] })
  assert.is(hello.session, 'token-1')
  await has(page, '.text strong', '300 €')
  assert.is(await page.locator('#log').textContent(), '', 'old answers are not announced')
})

test('a page without storage works', async ({ server, page }) => {
  await page.addInitScript(() =>
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError')
      },
    }),
  )
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Oui'), done(id, 3))
  await has(page, '#status', 'Réponse reçue')
})

test('erase: asked once more, said to the server, gone from page and storage', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Oui'), done(id, 3))
  await has(page, '#status', 'Réponse reçue')
  const forget = page.getByRole('button', { name: 'Effacer la conversation' })
  await forget.click()
  await page.keyboard.press('Escape')
  await forget.click()
  await page.getByRole('button', { name: 'Effacer', exact: true }).click()
  await peer.expect('forget')
  peer.send({ type: 'forgotten' }, welcome({ session: 'token-2' }))
  await page.locator('.turn').waitFor({ state: 'detached' })
  assert.equal(await stored(page), [0, 0, 0])
  assert.is(await page.locator('#log').textContent(), '')
  assert.is(await page.locator('#status').textContent(), 'Conversation effacée')
  assert.is(await page.locator('#chips').isVisible(), true)
})

test('offline: it says so, keeps what is asked, and sends it when the network is back', async ({ server, page }) => {
  const peer = await arrive(server, page)
  await page.context().setOffline(true)
  peer.drop()
  await page.locator('#state[data-at=offline]').waitFor()
  await has(page, '#alert', 'Vous êtes hors ligne')
  await page.locator('#question').fill('Vos prix ?')
  await page.locator('#question').press('Enter')
  await has(page, '.end', 'Partira dès que la connexion sera là')
  await page.context().setOffline(false)
  const { peer: next } = await back(server)
  assert.is((await next.expect('ask')).text, 'Vos prix ?')
})

test('[CLO1] an end for good: it says so, shows the contact card and tries no more', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const before = server.upgrades()
  await page.locator('#question').fill('mon brouillon')
  peer.close(closes.notThisProtocol.code)
  await has(page, '#alert', 'Rechargez la page')
  await page.locator('#contact').waitFor()
  await page.locator('#question').press('Enter')
  await drafted(page, 'mon brouillon')
  assert.is(server.upgrades(), before)
})

test('no server: the contact card shows, without a storm of tries', async ({ server, page }) => {
  server.refuse(true)
  const before = server.upgrades()
  await page.goto(server.url)
  await page.locator('#contact').waitFor()
  await has(page, '#contact', '02 98 00 00 00')
  assert.ok(server.upgrades() - before <= 3)
})

test('without JavaScript the contact card stands', async ({ server, open }) => {
  const page = await open({ javaScriptEnabled: false })
  await page.goto(server.url)
  await page.locator('noscript p').waitFor()
  await page.getByRole('link', { name: '02 98 00 00 00' }).waitFor()
  assert.is(await page.locator('#composer').isVisible(), false)
})

test('on a small screen the greeting is read from its beginning', async ({ server, open }) => {
  const page = await open({ viewport: { width: 320, height: 480 } })
  await page.goto(server.url)
  const peer = await server.peer()
  await peer.expect('hello')
  peer.send(welcome())
  await page.locator('.pill').first().waitFor()
  const [top, over] = await page
    .locator('#scroll')
    .evaluate((box) => [box.scrollTop, box.scrollHeight - box.clientHeight])
  assert.is(top, 0)
  assert.ok(over > 50, 'there is something to scroll')
})

test('the scroll follows only who is at the end; else a button leads there', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  const long = 'ligne\n\n'.repeat(60)
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, long))
  const fromEnd = () => page.locator('#scroll').evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight)
  await has(page, '.text', 'ligne')
  assert.ok((await fromEnd()) < 48)
  await page.locator('#scroll').hover()
  await page.mouse.wheel(0, -400)
  await page.waitForFunction(() => {
    const box = document.querySelector('#scroll')
    return box !== null && box.scrollHeight - box.scrollTop - box.clientHeight > 200
  })
  peer.send(delta(id, long.length, 'fin'))
  const newer = page.getByRole('button', { name: 'Nouveau texte' })
  await newer.waitFor()
  assert.ok((await fromEnd()) > 200, 'what is read stays put')
  await newer.click()
  await newer.waitFor({ state: 'hidden' })
  assert.ok((await fromEnd()) < 48)
})

test('hostile text stays text: no markup, no foreign link, under Trusted Types', async ({ server, page, allow }) => {
  allow(/TrustedHTML/)
  const peer = await arrive(server, page)
  const evil =
    '<img src=x onerror="document.title=1"><script>document.title=2</script> [a](javascript:alert(1)) [b](https://evil.example/) [c](https://breizh-velos.example/v)'
  const id = await ask(page, peer, evil)
  peer.send(start(id, evil), delta(id, 0, evil), done(id, evil.length))
  await has(page, '#status', 'Réponse reçue')
  assert.is(await page.locator('.turn :is(img, script)').count(), 0)
  const links = await page.locator('.turn a').evaluateAll((nodes) => nodes.map((node) => node.outerHTML))
  assert.equal(links, [
    '<a href="https://breizh-velos.example/v" rel="noopener noreferrer nofollow" target="_blank">c</a>',
  ])
  assert.is(await page.title(), 'Le Mécano (IA) – Breizh Vélos')
  await refusesHtml(page)
})

/** The page's policy must hold even for our own mistakes. */
const refusesHtml = async (page: Page) => {
  const refused = await page.evaluate(() => {
    try {
      document.body.innerHTML += '<b>x</b>'
      return 'allowed'
    } catch (error) {
      return String(error)
    }
  })
  assert.match(refused, 'TrustedHTML')
}

test('where an answer comes from: the shop’s files, and the demonstration', async ({ server, page }) => {
  const told = turn('a', 'Vos horaires ?', 'De 9 h à 19 h', { source: 'knowledge' })
  await arrive(server, page, { demo: true, resumed: true, turns: [told] })
  await page.getByText('réponse tirée des fiches de la boutique').waitFor()
  await page.getByText('mode démonstration').waitFor()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing at 320 px, ${colorScheme}, and nothing overflows`, async ({ server, open }) => {
    const page = await open({ colorScheme, viewport: { width: 320, height: 640 }, bypassCSP: true })
    await page.addInitScript(axe)
    const turns = [
      turn('a', 'Vos horaires ?', '- **a**\n- [b](tel:1)\n\n### h', { source: 'knowledge' }),
      turn('b', 'x', 'y', { state: 'stopped' }),
    ]
    const peer = await arrive(server, page, { demo: true })
    await clean(page, 'greeting')
    peer.send(welcome({ demo: true, resumed: true, turns }))
    const id = await ask(page, peer, 'a'.repeat(60))
    peer.send({ type: 'error', code: 'internal', id, message: 'Le Mécano est en panne.', retryAfterMs: 60_000 })
    await has(page, '.end', 'Le Mécano est en panne.')
    await clean(page, 'turns and errors')
    await page.getByRole('button', { name: 'Effacer la conversation' }).click()
    await clean(page, 'dialog')
    await page.keyboard.press('Escape')
    peer.close(closes.notThisProtocol.code)
    await page.locator('#contact').waitFor()
    await clean(page, 'ended')
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.is(width, 320)
  })
}

await run()
