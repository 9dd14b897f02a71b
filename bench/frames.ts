import { cpus } from 'node:os'
import { openHall } from '../tests/browser/browser.ts'
import { delta, done, start, turn, welcome } from '../tests/browser/messages.ts'
import { requireChromium } from '../tests/helpers/tools.ts'
import { percentile } from './children.ts'
import { answerChunks } from './markdown-answer.ts'

// A conversation full to its bound, 50 turns of 64 KB in all, on a phone's width: is each frame on time while the visitor
// scrolls through it, types into the composer, and reads an answer that comes? A frame is dropped when it takes two.
const TURNS = 50
const ANSWER_LENGTH = 1250
const FRAME_MS = 1000 / 60
const DROPPED_MS = 1.75 * FRAME_MS
const STEPS = 60

const watch = `(() => {
  const times = []
  let last = performance.now()
  const step = (now) => { times.push(now - last); last = now; if (window.watching) requestAnimationFrame(step) }
  window.watching = true
  requestAnimationFrame(step)
  window.frames = () => { window.watching = false; return times.slice(2) }
})()`

const path = await requireChromium()
if (path === undefined) process.exit(1)
const hall = await openHall(path)
try {
  const page = await hall.browser.newPage({ viewport: { width: 390, height: 844 }, locale: 'fr-FR' })
  await page.goto(hall.server.url)
  const peer = await hall.server.peer()
  await peer.expect('hello')
  const answer = answerChunks(ANSWER_LENGTH, 1).join('')
  const turns = Array.from({ length: TURNS }, (_, n) => turn(`q${n}`, 'Quel vélo pour aller travailler ?', answer))
  peer.send(welcome({ resumed: true, turns }))
  await page
    .locator('.turn')
    .nth(TURNS - 1)
    .waitFor()
  await page.mouse.move(200, 400)

  const measured = async (name: string, work: () => Promise<void>): Promise<void> => {
    await page.evaluate(watch)
    await work()
    const frames: number[] = await page.evaluate('window.frames()')
    const dropped = frames.filter((ms) => ms > DROPPED_MS).length
    const [p99, longest] = [percentile(frames, 99), Math.max(...frames)]
    const figures = `p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`
    console.log(`${name.padEnd(32)} ${String(frames.length).padStart(5)} frames, ${dropped} dropped   ${figures}`)
  }
  console.log(`Chromium ${hall.browser.version()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`)
  console.log(`${TURNS} turns, ${TURNS * answer.length} characters of answers\n`)
  await measured('at rest', () => page.waitForTimeout(2000))
  await measured('scrolling through all of it', async () => {
    for (let i = 0; i < STEPS; i++) await page.mouse.wheel(0, i < STEPS / 2 ? -1500 : 1500)
  })
  await measured('typing a question', async () => {
    await page.locator('#question').pressSequentially('Combien coûte une révision complète ? '.repeat(3), { delay: 15 })
  })
  await page.locator('#question').press('Enter')
  const { id, text } = await peer.expect('ask')
  await measured('an answer comes', async () => {
    peer.send(start(id, text))
    const pieces = answerChunks(2000, 40)
    let offset = 0
    for (const piece of pieces) {
      peer.send(delta(id, offset, piece))
      offset += piece.length
      await page.waitForTimeout(40)
    }
    peer.send(done(id, offset))
    await page.waitForTimeout(500)
  })
} finally {
  await hall.close()
}
