import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Frame, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import type { Welcome } from '../../protocol/messages.ts'
import type { FakeServer, Peer } from './fake-server.ts'
import { welcome } from './messages.ts'

/** Opens the page, and greets it. */
export const arrive = async (server: FakeServer, page: Page, over: Partial<Welcome> = {}): Promise<Peer> => {
  await page.goto(server.url)
  const peer = await server.peer()
  await peer.expect('hello')
  peer.send(welcome(over))
  await page.locator('#state[data-at=open]').waitFor()
  return peer
}
/** Types a question, sends it by Enter and returns its id. */
export const ask = async (page: Page, peer: Peer, text: string): Promise<string> => {
  await page.locator('#question').fill(text)
  await page.locator('#question').press('Enter')
  const asked = await peer.expect('ask')
  assert.is(asked.text, text)
  return asked.id
}
/** Greets a page that comes back. */
export const back = async (server: FakeServer, over: Partial<Welcome> = {}) => {
  const peer = await server.peer()
  const hello = await peer.expect('hello')
  peer.send(welcome({ resumed: true, ...over }))
  return { peer, hello }
}
export const has = (page: Page, selector: string, text: string) =>
  page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached' })
/** The composer comes to hold exactly this. */
export const drafted = (page: Page, text: string) =>
  page.waitForFunction((wanted) => document.querySelector<HTMLTextAreaElement>('#question')?.value === wanted, text)

/** The script that `clean` needs in the page, which must be opened with bypassCSP. */
export const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** axe finds nothing. */
export async function clean(page: Page | Frame, state: string): Promise<void> {
  const found: unknown = await page.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary])))`,
  )
  assert.equal(found, [], state)
}
