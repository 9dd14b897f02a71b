import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { requireChromium } from '../helpers/tools.ts'
import type { FakeServer } from './fake-server.ts'
import { startFakeServer } from './fake-server.ts'

export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
]

/**
 * Where a browser test plays: pages in a context of their own, and the server's end of their wires.
 * `allow` names a console error that the scene provokes.
 */
export type Stage = {
  server: FakeServer
  page: Page
  open(options?: BrowserContextOptions): Promise<Page>
  allow(problem: RegExp): void
}
type Scene = (stage: Stage) => Promise<void>

/**
 * Tests that share one Chromium and one server; `run` registers them, and the last one to end closes both.
 * A page's console errors and uncaught exceptions fail its test.
 */
export function browserTests(): { test(name: string, scene: Scene): void; run(): void } {
  const scenes: [string, Scene][] = []
  return {
    test: (name, scene) => void scenes.push([name, scene]),
    async run() {
      const path = await requireChromium()
      let left = scenes.length
      const hall = path === undefined ? undefined : openHall(path)
      for (const [name, scene] of scenes) {
        test(name, async () => {
          const opened = await hall
          try {
            if (opened) await play(opened, scene)
          } finally {
            if (--left === 0) await opened?.close()
          }
        })
      }
      test.run()
    },
  }
}

type Hall = { browser: Browser; server: FakeServer; close(): Promise<void> }

export async function openHall(executablePath: string): Promise<Hall> {
  const [browser, server] = await Promise.all([chromium.launch({ executablePath, args: FLAGS }), startFakeServer()])
  return {
    browser,
    server,
    async close() {
      await browser.close()
      await server.close()
    },
  }
}

async function play({ browser, server }: Hall, scene: Scene): Promise<void> {
  const problems: string[] = []
  // Chromium itself reports each connection that fails or is cut.
  const allowed = [/WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED/]
  const closers: (() => Promise<void>)[] = []
  const open = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ locale: 'fr-FR', reducedMotion: 'reduce', ...options })
    closers.push(() => context.close())
    context.on('console', (line) => line.type() === 'error' && problems.push(line.text()))
    context.on('weberror', (thrown) => problems.push(String(thrown.error())))
    context.setDefaultTimeout(30_000)
    return context.newPage()
  }
  try {
    await scene({ server, page: await open(), open, allow: (problem) => allowed.push(problem) })
    assert.equal(
      problems.filter((line) => !allowed.some((known) => known.test(line))),
      [],
      'the console is quiet',
    )
    assert.equal(server.problems.splice(0), [], 'the page keeps to the protocol')
  } finally {
    server.refuse(false)
    for (const close of closers) await close()
    server.forget()
  }
}
