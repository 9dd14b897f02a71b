import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { compose } from '../../server/compose.ts'
import { parseConfig } from '../../server/config.ts'
import { silentLog } from '../../server/log.ts'
import { withBuiltClient } from '../helpers/built-client.ts'
import { requireChromium } from '../helpers/tools.ts'
import { FLAGS } from './browser.ts'
import { openShadows, startHostSite } from './host-page.ts'

// npm run pictures: the README's pictures, taken of the real server in demonstration mode.
const FOLDER = 'docs/pictures'
const MOST_BYTES = 150_000
const phone: BrowserContextOptions = { viewport: { width: 390, height: 760 }, deviceScaleFactor: 1.5 }
const desk: BrowserContextOptions = { viewport: { width: 1100, height: 720 } }

const executablePath = await requireChromium()
if (executablePath === undefined) process.exitCode = 1
else await withBuiltClient((clientDir) => takeAll(executablePath, clientDir))

async function takeAll(executablePath: string, clientDir: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  const shop = await startHostSite(shopPage)
  const bikes = await demo(clientDir, {})
  const bakery = await demo(clientDir, { PERSONA_DIR: 'examples/bakery', ALLOWED_ORIGINS: shop.origin })
  try {
    await take(browser, 'phone', { ...phone, locale: 'fr-FR' }, async (page) => {
      await page.goto(bikes.url)
      await page.locator('#chips button').first().waitFor()
    })
    await take(browser, 'desk', { ...desk, locale: 'fr-FR', colorScheme: 'dark' }, async (page) => {
      await page.goto(bikes.url)
      await page.getByRole('button', { name: 'Combien coûte une révision ?' }).click()
      await page.locator('.turn[data-state=complete] .copy').waitFor()
    })
    await take(browser, 'embed', { ...desk, locale: 'en-GB' }, async (page) => {
      await openShadows(page)
      await page.goto(`${shop.url}?${bakery.url}`)
      await page.locator('le-mecano button').click()
      const inside = page.frameLocator('le-mecano iframe')
      await inside.getByRole('button', { name: 'Can I order a birthday cake?' }).click()
      await inside.locator('.turn[data-state=complete] .copy').waitFor()
    })
  } finally {
    await Promise.all([browser.close(), shop.close(), bikes.close(), bakery.close()])
  }
}

async function take(
  browser: Browser,
  name: string,
  options: BrowserContextOptions,
  play: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  await play(page)
  const path = join(FOLDER, `${name}.png`)
  await page.screenshot({ path, caret: 'hide' })
  await context.close()
  const { size } = await stat(path)
  console.log(`${path}  ${size} B`)
  if (size > MOST_BYTES) throw new Error(`${path} weighs more than ${MOST_BYTES} B`)
}

async function demo(clientDir: string, env: Record<string, string>) {
  const parsed = parseConfig({ PORT: '0', STORE_URL: 'memory:', ...env })
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'))
  const house = await compose({ config: parsed.config, log: silentLog, clientDir })
  return { url: await house.app.listen(), close: () => house.close() }
}

/** A shop's page with the assistant of the address after `?`. */
function shopPage(path: string): string {
  const loaf = '<li><b>White sourdough</b><span>£4.20</span></li>'
  const others = '<li><b>Dark rye</b><span>£5.20</span></li><li><b>Cinnamon bun</b><span>£2.80</span></li>'
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidemill Bakery</title><style>
    body { margin: 0; font: 18px/1.6 Georgia, serif; color: #3a2413; background: #fbf5ec }
    header { padding: 28px 60px; background: #6b3f1d; color: #fdf8ef; font-size: 28px }
    main { padding: 40px 60px; max-width: 560px }
    li { display: flex; justify-content: space-between; padding: 8px 0; border-bottom: 1px solid #e3d3bd }
    ul { padding: 0 }
  </style><header>Tidemill Bakery</header><main><h1>Baked before you wake</h1>
  <p>Sourdough, rye and buns, every morning but Monday, at the end of Example Wharf.</p><ul>${loaf}${others}</ul></main>
  <script src="${path.slice(path.indexOf('?') + 1)}/embed.js" data-accent="#6b3f1d" async></script></html>`
}
