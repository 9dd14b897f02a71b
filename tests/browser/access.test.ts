import type { BrowserContextOptions, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserTests } from './browser.ts'
import type { FakeServer, Peer } from './fake-server.ts'
import { openShadows, startHostSite } from './host-page.ts'
import { delta, done, start, turn, welcome } from './messages.ts'
import { arrive, ask, axe, clean, has } from './visit.ts'

const { test, run } = browserTests()

const turns = [
  turn('a', 'Vos horaires ?', '- **a**\n- [b](tel:1)\n\n### h\n\n| x | y |\n|---|---|\n| 1 | 2 |', {
    source: 'knowledge',
  }),
  turn('b', 'x', 'y', { state: 'stopped' }),
]
const widthOf = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth)

/** The page through its states, axe after each. */
async function walk(page: Page, peer: Peer): Promise<void> {
  await clean(page, 'greeting')
  peer.send(welcome({ demo: true, resumed: true, turns }))
  const id = await ask(page, peer, 'a'.repeat(60))
  peer.send({ type: 'error', code: 'internal', id, message: 'Le Mécano est en panne.', retryAfterMs: 60_000 })
  await has(page, '.end', 'Le Mécano est en panne.')
  await clean(page, 'turns and errors')
  await page.getByRole('button', { name: 'Effacer la conversation' }).click()
  await clean(page, 'dialog')
  await page.keyboard.press('Escape')
}

// A window of 640 × 400 is what 200 % of zoom leaves of 1280 × 800.
const zoomed: BrowserContextOptions = { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2, bypassCSP: true }

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing at 200 % of zoom, ${colorScheme}, and nothing overflows`, async ({ server, open }) => {
    const page = await open({ ...zoomed, colorScheme })
    await page.addInitScript(axe)
    await walk(page, await arrive(server, page, { demo: true }))
    assert.is(await widthOf(page), 640)
  })

  test(`axe finds nothing in the embed, ${colorScheme}: button, frame, and the shop’s page around`, async ({
    server,
    open,
  }) => {
    const page = await open({ colorScheme, viewport: { width: 320, height: 640 }, bypassCSP: true })
    await openShadows(page)
    await page.addInitScript(axe)
    const tag = `<script src="${server.url}embed.js" async></script>`
    const html = `<!doctype html><html lang="fr"><title>Boutique</title><meta name="viewport" content="width=device-width"><main><h1>Boutique</h1></main>${tag}</html>`
    const host = await startHostSite(() => html)
    server.framedBy.push(host.origin)
    try {
      await page.goto(host.url)
      await page.locator('le-mecano button').waitFor()
      await clean(page, 'closed')
      await page.locator('le-mecano button').click()
      const peer = await server.peer()
      await peer.expect('hello')
      peer.send(welcome({ resumed: true, turns }))
      const inside = page.frameLocator('le-mecano iframe')
      await inside.locator('.text strong').waitFor()
      await inside.locator('#close').waitFor()
      await clean(page, 'open')
      const frame = page.frames()[1] ?? assert.unreachable()
      if (!frame) return
      await clean(frame, 'frame')
      assert.is(await frame.evaluate(() => document.documentElement.scrollWidth), 320)
    } finally {
      server.framedBy.length = 0
      await host.close()
    }
  })
}

test('letters twice as large at 320 px: nothing is cut off', async ({ server, open }) => {
  const page = await open({ viewport: { width: 320, height: 640 } })
  await arrive(server, page, { demo: true, resumed: true, turns })
  await page.evaluate(() => {
    document.documentElement.style.fontSize = '32px'
  })
  assert.is(await widthOf(page), 320)
  await page.locator('#question').scrollIntoViewIfNeeded()
  const box = await page.locator('#send').boundingBox()
  assert.ok(box && box.x + box.width <= 320)
})

type Node = { role: string; name: string; live: string; text: string }

/** The live regions as Chromium tells them to a screen reader. */
async function regions(page: Page): Promise<Node[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  await session.detach()
  const byId = new Map(nodes.map((node) => [node.nodeId, node]))
  const textOf = (id: string): string => {
    const node = byId.get(id)
    if (node?.role?.value === 'StaticText') return String(node.name?.value ?? '')
    return (node?.childIds ?? []).map(textOf).join('')
  }
  return nodes.flatMap((node) => {
    const role = String(node.role?.value)
    if (node.ignored || (role !== 'status' && role !== 'log')) return []
    const live = String(node.properties?.find(({ name }) => name === 'live')?.value.value)
    return { role, name: String(node.name?.value ?? ''), live, text: textOf(node.nodeId) }
  })
}

test('two regions in the accessibility tree: a short status at once, the whole message at its end', async ({
  server,
  page,
}) => {
  const peer = await arrive(server, page)
  const status = (text: string) => ({ role: 'status', name: '', live: 'polite', text })
  const log = (text: string) => ({ role: 'log', name: 'Conversation', live: 'polite', text })
  assert.equal(await regions(page), [status(''), log('')])
  const id = await ask(page, peer, 'Vos prix ?')
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'Un **VTT** dès '))
  await has(page, '.text', 'Un VTT dès')
  assert.equal(await regions(page), [status('Le Mécano répond…'), log('')])
  peer.send(delta(id, 15, '450 €.'), done(id, 21))
  await has(page, '#status', 'Réponse reçue')
  assert.equal(await regions(page), [status('Réponse reçue'), log('Le Mécano\u00a0: Un VTT dès 450 €.')])
})

test('forced colours: what is drawn by a background alone gets a border', async ({ server, page }) => {
  await page.emulateMedia({ forcedColors: 'active' })
  await arrive(server, page, { demo: true, resumed: true, turns })
  await has(page, '.text', 'y')
  for (const selector of ['.ask', '.reply', '.send', '.badge', '.composer']) {
    const style = await page
      .locator(selector)
      .first()
      .evaluate((node) => [getComputedStyle(node).borderTopStyle, getComputedStyle(node).borderTopWidth])
    assert.is(style[0], 'solid', selector)
    assert.is.not(style[1], '0px', selector)
  }
  const icon = await page
    .locator('#send svg')
    .first()
    .evaluate((node) => getComputedStyle(node).stroke)
  const back = await page.locator('#send').evaluate((node) => getComputedStyle(node).backgroundColor)
  assert.is.not(icon, back)
})

async function motion(page: Page, server: FakeServer): Promise<[string, number]> {
  const peer = await arrive(server, page)
  const id = await ask(page, peer, 'Vos prix ?')
  const wheel = await page.locator('.wheel').evaluate((node) => getComputedStyle(node).animationName)
  await page.evaluate(() => {
    const lengths = new Set<number>()
    Object.assign(window, { lengths })
    new MutationObserver(() => lengths.add(document.querySelector('.text')?.textContent?.length ?? 0)).observe(
      document.body,
      { subtree: true, childList: true, characterData: true },
    )
  })
  peer.send(start(id, 'Vos prix ?'), delta(id, 0, 'a'.repeat(300)), done(id, 300))
  await has(page, '#status', 'Réponse reçue')
  const steps = await page.evaluate(() => {
    const lengths: unknown = Reflect.get(window, 'lengths')
    return lengths instanceof Set ? [...lengths].filter((length) => length > 0).length : -1
  })
  return [wheel, steps]
}

test('reduced motion: no wheel turns, and text comes as it comes', async ({ server, page }) => {
  assert.equal(await motion(page, server), ['none', 1])
})

test('where motion is welcome, the wheel turns', async ({ server, open }) => {
  const [wheel, steps] = await motion(await open({ reducedMotion: 'no-preference' }), server)
  assert.is(wheel, 'turn')
  assert.ok(steps > 1)
})

await run()
