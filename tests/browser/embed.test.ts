import type { Frame, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserTests } from './browser.ts'
import type { FakeServer, Peer } from './fake-server.ts'
import { type HostSite, openShadows, startHostSite } from './host-page.ts'
import { delta, done, start, welcome } from './messages.ts'

const { test, run } = browserTests()

type Tag = { tag?: string; head?: string; body?: string; csp?: string; allowed?: boolean; name?: string }

const loader = (server: FakeServer, attributes = '') =>
  `<script src="${server.url}embed.js" async ${attributes}></script>`

/** A shop's page with our tag; it may frame us unless `allowed` is false. */
async function withHost(server: FakeServer, options: Tag, visit: (host: HostSite) => Promise<void>): Promise<void> {
  const { tag = loader(server), head = '', body = '<h1>Boutique</h1><button id="theirs">Panier</button>' } = options
  const html = `<!doctype html><html lang="fr"><head><title>Boutique</title>${head}${tag}</head><body>${body}</body></html>`
  const host = await startHostSite(() => html, options)
  if (options.allowed !== false) server.framedBy.push(host.origin)
  try {
    await visit(host)
  } finally {
    server.framedBy.length = 0
    await host.close()
  }
}

const launcher = (page: Page) => page.locator('le-mecano button')
const inside = (page: Page) => page.frameLocator('le-mecano iframe')

function frameOf(page: Page, server: FakeServer): Frame {
  const frame = page.frames().find((each) => each.url().startsWith(server.url))
  if (frame) return frame
  throw new Error('no frame')
}

const greet = async (server: FakeServer): Promise<Peer> => {
  const peer = await server.peer()
  await peer.expect('hello')
  peer.send(welcome())
  return peer
}

/** Opens the frame by its button. */
async function open(page: Page, server: FakeServer): Promise<Peer> {
  await launcher(page).click()
  const peer = await greet(server)
  await inside(page).locator('#state[data-at=open]').waitFor()
  await inside(page).locator('#close').waitFor()
  return peer
}

test('[EMB1] one tag under a strict policy: nothing before its use, then a conversation, by keyboard alone', async ({
  server,
  page,
}) => {
  const { origin } = new URL(server.url)
  const csp = `default-src 'none'; script-src ${origin}; frame-src ${origin}; require-trusted-types-for 'script'; trusted-types 'none'`
  await withHost(server, { csp }, async (host) => {
    const fetched: string[] = []
    page.on('request', (request) => fetched.push(request.url()))
    await page.goto(host.url)
    await page.waitForFunction(() => document.querySelector('le-mecano') !== null)
    assert.equal(
      fetched.filter((url) => url.startsWith(origin)),
      [`${origin}/embed.js`],
    )
    assert.is(await page.evaluate(() => document.querySelector('le-mecano')?.shadowRoot), null, 'the root is closed')
    await page.locator('#theirs').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const peer = await greet(server)
    const frame = frameOf(page, server)
    await frame.locator('#state[data-at=open]').waitFor()
    const forbidden = await frame.evaluate(() => {
      try {
        return String(localStorage.length)
      } catch (error) {
        return String(error)
      }
    })
    assert.match(forbidden, 'SecurityError', 'this browser keeps nothing for frames of other sites, and that must do')
    await frame.waitForFunction(() => document.hasFocus() && document.activeElement?.id === 'question')
    await page.keyboard.type('Vos prix ?')
    await page.keyboard.press('Enter')
    const { id } = await peer.expect('ask')
    peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Dès 300 €'), done(id, 9))
    await frame.locator('.text', { hasText: 'Dès 300 €' }).waitFor()
    assert.equal(await page.context().cookies(), [])
    await page.keyboard.press('Escape')
    // Not at each frame of animation, of which a frame that is put away has none.
    await frame.waitForFunction(() => !document.hasFocus(), undefined, { polling: 20 })
    await page.keyboard.press('Enter')
    await frame.waitForFunction(() => document.hasFocus())
    await frame.locator('.text', { hasText: 'Dès 300 €' }).waitFor()
  })
})

test('[EMB2] Escape stops an answer first, and closes then; what ends while it is closed is unread', async ({
  server,
  page,
}) => {
  await openShadows(page)
  await withHost(server, {}, async (host) => {
    await page.goto(host.url)
    const peer = await open(page, server)
    await inside(page).locator('#question').fill('Vos prix ?')
    await page.keyboard.press('Enter')
    const { id } = await peer.expect('ask')
    peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Dès'))
    await page.keyboard.press('Escape')
    await peer.expect('stop')
    assert.is(await launcher(page).getAttribute('aria-expanded'), 'true')
    await inside(page).getByRole('button', { name: 'Fermer' }).click()
    await page.locator('le-mecano iframe').waitFor({ state: 'hidden' })
    assert.is(await launcher(page).getAttribute('aria-expanded'), 'false')
    peer.send({ type: 'done', id, reason: 'complete', length: 3 })
    await page.getByRole('button', { name: 'Poser une question (1)' }).click()
    await page.getByRole('button', { name: 'Poser une question', exact: true }).waitFor()
    assert.is(await page.locator('le-mecano b').textContent(), '')
  })
})

test('[EMB3] a site that is not allowed can’t frame the page, and its visitor isn’t shut in', async ({
  server,
  page,
  allow,
}) => {
  allow(/frame-ancestors/)
  await page.setViewportSize({ width: 320, height: 640 })
  await openShadows(page)
  await withHost(server, { allowed: false }, async (host) => {
    const before = server.upgrades()
    await page.goto(host.url)
    const refused = page.waitForEvent('console', (line) => line.text().includes('frame-ancestors'))
    await launcher(page).click()
    await refused
    await page.locator('le-mecano iframe').waitFor()
    await launcher(page).click()
    await page.locator('le-mecano iframe').waitFor({ state: 'hidden' })
    assert.is(server.upgrades(), before, 'nothing of ours ran')
  })
})

test('[EMB4] a forged message does nothing, to the shop’s page or to the frame', async ({ server, page }) => {
  await openShadows(page)
  // A frame of somebody else's, on the shop's own origin even.
  const forged = `for (const leMecano of ['close', 'ready', 'unread']) parent.postMessage({ leMecano, count: 9 }, '*')`
  const other = await startHostSite(() => `<!doctype html><title>x</title><script>${forged}</script>`)
  try {
    await withHost(server, {}, async (host) => {
      await page.goto(host.url)
      await open(page, server)
      const frame = frameOf(page, server)
      const count = (name: string) => page.evaluate((key) => ({ count: Number(Reflect.get(window, key) ?? 0) }), name)
      await page.evaluate(() => {
        addEventListener('message', () => Reflect.set(window, 'heard', Number(Reflect.get(window, 'heard') ?? 0) + 1))
      })
      await page.evaluate((src) => {
        const evil = document.createElement('iframe')
        evil.src = src
        document.body.append(evil)
      }, other.url)
      await page.evaluate((text) => new Function('parent', text)(window), forged)
      await page.waitForFunction(() => Reflect.get(window, 'heard') >= 6)
      assert.equal(await count('heard'), { count: 6 })
      assert.is(await launcher(page).getAttribute('aria-expanded'), 'true')
      assert.is(await page.locator('le-mecano b').textContent(), '')
      // To the frame: from itself, which is not its parent; and nonsense from its parent.
      await frame.evaluate(() => {
        document.querySelector<HTMLElement>('#scroll')?.focus()
        postMessage({ leMecano: 'open' }, '*')
      })
      await page.evaluate(() => {
        for (const data of [null, 'open', 7, { leMecano: 'forget' }, { leMecano: ['open'] }, []])
          for (const target of [...document.querySelectorAll('le-mecano')])
            target.shadowRoot?.querySelector('iframe')?.contentWindow?.postMessage(data, '*')
      })
      await frame.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
      assert.is(await frame.evaluate(() => document.activeElement?.id), 'scroll')
    })
  } finally {
    await other.close()
  }
})

test('[EMB5] styles reach neither in nor out', async ({ server, page }) => {
  const hostile = `* { display: none !important; all: unset !important; opacity: 0 !important; color: red !important }
    le-mecano, le-mecano * { visibility: hidden !important; transform: scale(0) !important; position: static !important }`
  await openShadows(page)
  await withHost(server, {}, async (host) => {
    await page.goto(host.url)
    await launcher(page).waitFor()
    const theirs = () => page.locator('#theirs').evaluate((node) => JSON.stringify(getComputedStyle(node)))
    const looks = () =>
      launcher(page).evaluate((node) => [node.getBoundingClientRect().toJSON(), getComputedStyle(node).color])
    const [outside, before] = [await theirs(), await looks()]
    await page.evaluate(() => document.querySelector('le-mecano')?.remove())
    assert.is(await theirs(), outside)
    await page.goto(host.url)
    await launcher(page).waitFor()
    await page.evaluate((css) => {
      document.head.append(Object.assign(document.createElement('style'), { textContent: css }))
    }, hostile)
    assert.equal(await looks(), before)
    await open(page, server)
  })
})

test('[EMB6] a phone: the frame fills what the keyboard leaves, and closes by its own button', async ({
  server,
  open: another,
}) => {
  const page = await another({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
  await openShadows(page)
  const body = '<meta name="viewport" content="width=device-width, initial-scale=1"><h1>Boutique</h1>'
  await withHost(server, { head: body, body: '' }, async (host) => {
    await page.goto(host.url)
    assert.is((await launcher(page).boundingBox())?.width, 60, 'its words are for screen readers here')
    await open(page, server)
    assert.equal(await page.locator('le-mecano iframe').boundingBox(), { x: 0, y: 0, width: 390, height: 844 })
    await page.evaluate(() => {
      Object.defineProperties(visualViewport, { height: { value: 500 }, offsetTop: { value: 20 } })
      visualViewport?.dispatchEvent(new Event('resize'))
    })
    assert.equal(await page.locator('le-mecano iframe').boundingBox(), { x: 0, y: 20, width: 390, height: 500 })
    await inside(page).locator('#composer').waitFor()
    await inside(page).getByRole('button', { name: 'Fermer' }).click()
    await page.locator('le-mecano iframe').waitFor({ state: 'hidden' })
    await page.waitForFunction(() => document.activeElement?.localName === 'le-mecano')
  })
})

test('[EMB7] attributes: side, accent, language and label; the shop’s own button', async ({ server, page }) => {
  await openShadows(page)
  const attributes = 'data-position="left" data-accent="#ffd400" data-lang="en" data-label="Chat with us"'
  await withHost(server, { tag: loader(server, attributes) }, async (host) => {
    await page.goto(host.url)
    const button = page.getByRole('button', { name: 'Chat with us' })
    assert.is((await button.boundingBox())?.x, 20)
    const colors = await button.evaluate((node) => [
      getComputedStyle(node).backgroundColor,
      getComputedStyle(node).color,
    ])
    assert.equal(colors, ['rgb(255, 212, 0)', 'rgb(0, 0, 0)'])
    await page.evaluate(() => {
      const element: (Element & { show?(wanted: boolean): void }) | null = document.querySelector('le-mecano')
      element?.show?.(true)
    })
    const peer = await server.peer()
    assert.is((await peer.expect('hello')).lang, 'en')
    peer.send(welcome({ lang: 'en' }))
    await inside(page).locator('#state', { hasText: 'online' }).waitFor()
    assert.is((await page.locator('le-mecano iframe').boundingBox())?.x, 20)
    assert.is(await page.locator('le-mecano iframe').getAttribute('title'), 'Chat with us')
  })
})

test('[EMB1] where a frame may store, nothing is before the first question, and a reload takes it up again', async ({
  server,
  page,
}) => {
  await openShadows(page)
  // Another port is another origin, but the same site.
  await withHost(server, { name: '127.0.0.1' }, async (host) => {
    await page.goto(host.url)
    const peer = await open(page, server)
    const stored = () =>
      frameOf(page, server).evaluate(() => [localStorage.length, sessionStorage.length, document.cookie.length])
    assert.equal(await stored(), [0, 0, 0])
    await inside(page).locator('#question').fill('Vos prix ?')
    await page.keyboard.press('Enter')
    const { id } = await peer.expect('ask')
    peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Oui'), done(id, 3))
    await inside(page).locator('.text', { hasText: 'Oui' }).waitFor()
    assert.equal(await stored(), [1, 0, 0])
    await page.reload()
    await launcher(page).click()
    assert.is((await (await server.peer()).expect('hello')).session, 'token-1')
  })
})

await run()
