import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ADMIN_TOKEN } from '../helpers/admin.ts'
import { buildClient } from '../helpers/built-client.ts'
import { heard } from '../helpers/edge.ts'
import { type ManualClock, manualClock } from '../helpers/manual-clock.ts'
import { rawSocket } from '../helpers/raw-socket.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { requireChromium } from '../helpers/tools.ts'
import { FLAGS } from './browser.ts'
import { axe, clean } from './visit.ts'

type Scene = {
  server: TestServer
  clock: ManualClock
  open(options?: BrowserContextOptions): Promise<Page>
}

const scenes: [name: string, scene: (stage: Scene) => Promise<void>][] = []
const scene = (name: string, play: (stage: Scene) => Promise<void>) => void scenes.push([name, play])

/** The real server and the built status page; the server's clock stands still until a scene moves it. */
async function play(browser: Browser, clientDir: string, run: (stage: Scene) => Promise<void>): Promise<void> {
  const clock = manualClock()
  const server = await startServer({ ADMIN_TOKEN }, { clientDir, clock })
  const problems: string[] = []
  const contexts: BrowserContext[] = []
  const open = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext(options)
    contexts.push(context)
    context.setDefaultTimeout(10_000)
    context.on('console', (line) => line.type() === 'error' && problems.push(line.text()))
    context.on('weberror', (thrown) => problems.push(String(thrown.error())))
    return context.newPage()
  }
  try {
    await run({ server, clock, open })
    assert.equal(problems, [], 'the console is quiet')
  } finally {
    for (const context of contexts) await context.close()
    await server.close()
  }
}

/** One browser and one build for all scenes. */
async function openHall(path: string) {
  const [browser, { dir: clientDir, remove }] = await Promise.all([
    chromium.launch({ executablePath: path, args: FLAGS }),
    buildClient(),
  ])
  return {
    browser,
    clientDir,
    async close() {
      await browser.close()
      await remove()
    },
  }
}

async function logIn(page: Page, server: TestServer, token = ADMIN_TOKEN): Promise<void> {
  await page.goto(`${server.url}/admin`)
  await page.getByLabel('Admin token').fill(token)
  await page.getByLabel('Admin token').press('Enter')
}
const tile = (page: Page, name: string) =>
  page
    .locator('#tiles > div')
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator('.value')
const says = (page: Page, name: string, value: string) => tile(page, name).filter({ hasText: value }).waitFor()

/** How many pixels of a plot have this colour's custom property, or nearly. */
const drawn = (page: Page, plot: string) =>
  page.locator(`[data-plot=${plot}] canvas`).evaluate((canvas) => {
    if (!(canvas instanceof HTMLCanvasElement)) return 0
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
    const color = getComputedStyle(document.documentElement).getPropertyValue('--plot-1').trim()
    const wanted = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
    let found = 0
    for (let i = 0; i < data.length; i += 4)
      if (wanted.every((part, j) => Math.abs(part - (data[i + j] ?? 0)) < 8) && data[i + 3] === 255) found++
    return found
  })

scene('an admin logs in, sees what a visitor does, reloads, and leaves', async ({ server, clock, open }) => {
  const page = await open()
  await logIn(page, server)
  await says(page, 'Connections', '0')
  await says(page, 'Budget today', '0')
  assert.is(page.url(), `${server.url}/admin`, 'the token is in no address')
  const visitor = await rawSocket(server.url)
  visitor.say({ type: 'hello' })
  visitor.say({ type: 'ask', id: 'q1', text: 'Combien ?' })
  await heard(visitor, 'done')
  visitor.say({ type: 'ask', id: 'q2', text: ' ' })
  await heard(visitor, 'error')
  clock.advance(2000)
  await says(page, 'Connections', '1')
  await says(page, 'Questions a minute', '1')
  await page.locator('[data-table=refusals] td', { hasText: 'message: empty' }).waitFor()
  // The fifth sample, and no further: the reading of the store has two seconds of this clock.
  clock.advance(8000)
  await page.locator('#budget-words', { hasText: /^0\.\d*[1-9]\d*\sUSD of 1\.00\sUSD booked/ }).waitFor()
  assert.ok((await drawn(page, 'budget')) > 20, 'the curve')
  assert.ok((await drawn(page, 'load')) > 20, 'the connections')
  assert.match((await page.locator('[data-plot=budget]').getAttribute('aria-label')) ?? '', 'USD booked')
  assert.equal(await page.evaluate(() => [document.cookie, localStorage.length]), ['', 0])
  await page.reload()
  await says(page, 'Connections', '1')
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Admin token').waitFor()
  await page.reload()
  await page.getByLabel('Admin token').waitFor()
  assert.is(await page.locator('#board').isVisible(), false)
  visitor.destroy()
})

scene('a wrong token is said so, and too many of them for how long', async ({ server, open }) => {
  const page = await open()
  await logIn(page, server, 'not the token')
  const alert = page.getByRole('alert').filter({ visible: true })
  await alert.filter({ hasText: 'That is not the token.' }).waitFor()
  assert.is(await page.evaluate(() => sessionStorage.length), 0)
  const button = page.getByRole('button', { name: 'Log in' })
  for (let tries = 2; tries <= 10; tries++) {
    await button.click()
    // Said anew after each try: hidden while it is under way.
    await alert.filter({ hasText: tries < 10 ? /token\.$/ : 'The next try is heard in 6 s.' }).waitFor()
  }
  assert.ok(await button.isDisabled())
})

scene('paused, the figures stand still, and then go on', async ({ server, clock, open }) => {
  const page = await open()
  await logIn(page, server)
  await says(page, 'Connections', '0')
  const pause = page.getByRole('button', { name: 'Pause' })
  await pause.press('Enter')
  const visitor = await rawSocket(server.url)
  clock.advance(2000)
  await page.locator('#status', { hasText: 'paused' }).waitFor({ state: 'attached' })
  assert.is(await tile(page, 'Connections').textContent(), '0')
  await pause.press('Enter')
  clock.advance(2000)
  await says(page, 'Connections', '1')
  visitor.destroy()
})

scene(
  'axe finds nothing at 320 px in either theme, before and after the login, and nothing overflows',
  async ({ server, clock, open }) => {
    server.emulator.setScenario({ name: 'invalid-400' })
    const visitor = await rawSocket(server.url)
    visitor.say({ type: 'hello' })
    visitor.say({ type: 'ask', id: 'q1', text: 'Combien ?' })
    await heard(visitor, 'done')
    visitor.destroy()
    clock.advance(4000)
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme, viewport: { width: 320, height: 640 }, bypassCSP: true })
      await page.addInitScript(axe)
      await page.goto(`${server.url}/admin`)
      await page.getByLabel('Admin token').waitFor()
      await clean(page, `${colorScheme} login`)
      await logIn(page, server)
      await page.locator('#budget-words', { hasText: 'booked' }).waitFor()
      await page.getByText('As a table, by hour').press('Enter')
      await clean(page, `${colorScheme} board`)
      assert.is(await page.evaluate(() => document.documentElement.scrollWidth), 320)
    }
  },
)

const executablePath = await requireChromium()
let left = scenes.length
const hall = executablePath === undefined ? undefined : openHall(executablePath)
for (const [name, run] of scenes) {
  test(name, async () => {
    const opened = await hall
    try {
      if (opened) await play(opened.browser, opened.clientDir, run)
    } finally {
      if (--left === 0) await opened?.close()
    }
  })
}
test.run()
