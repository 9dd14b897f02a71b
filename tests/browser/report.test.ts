import * as assert from 'uvu/assert'
import { reportHtml } from '../../server/ops/report-html.ts'
import { reportOf } from '../../server/ops/report-view.ts'
import { busyDay, emptyDay } from '../helpers/busy-day.ts'
import { browserTests } from './browser.ts'
import { axe, clean } from './visit.ts'

const { test, run } = browserTests()

const words = ['Avez-vous des kayaks ?', `Un mot sans fin${'e'.repeat(200)}`]
const pages = { busy: reportHtml(reportOf(busyDay({ questions: words }))), empty: reportHtml(reportOf(emptyDay())) }

for (const colorScheme of ['light', 'dark'] as const)
  test(`the day's report fits every screen and axe finds nothing, ${colorScheme}`, async ({ open }) => {
    const page = await open({ colorScheme, bypassCSP: true })
    await page.addInitScript(axe)
    for (const [name, html] of Object.entries(pages)) {
      await page.goto('about:blank')
      await page.setContent(html)
      for (const width of [320, 390, 1280]) {
        await page.setViewportSize({ width, height: 800 })
        const [inner, bars] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          document.querySelectorAll('rect').length,
        ])
        assert.equal([inner, bars], [width, name === 'busy' ? 16 : 0])
      }
      await clean(page, name)
    }
  })

test('its own policy lets nothing in and no script run, and it prints', async ({ open, allow }) => {
  allow(/violates the following Content Security Policy/)
  const page = await open()
  await page.setContent(pages.busy.replace('<main>', '<main><script>document.title = "ran"</script>'))
  assert.match(await page.title(), 'Le Mécano, 2026-11-24')
  assert.ok((await page.pdf({ format: 'A4' })).length > 10_000)
})

run()
