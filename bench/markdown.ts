import { cpus } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { requireChromium } from '../tests/helpers/tools.ts'
import { median } from './children.ts'
import { answerChunks } from './markdown-answer.ts'

// An answer of 8,000 characters in 500 chunks, laid out after each, at 360 px under the page's own style: ours beside
// marked + DOMPurify, in turn, in one run. Those two are bench/package.json's: `npm install` in bench/ first.
const LENGTH = 8_000
const CHUNKS = 500
const ROUNDS = 5
const WARM_UP = 1
const GOAL_MS = 120
const GOAL_TIMES = 30

const bench = import.meta.dirname
const client = join(bench, '../client')

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: bench, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName: 'bench',
    target: 'es2022',
  })
  return outputFiles[0]?.text ?? ''
}

const THEIRS = `import { marked } from 'marked'; import purify from 'dompurify'`
const [script, ours, theirs, style] = await Promise.all([
  bundle(`${THEIRS}; import { drawHtml, drawOurs } from './markdown-page.ts'
    export const ours = drawOurs
    export const theirs = drawHtml((text) => purify.sanitize(marked.parse(text)))`),
  bundle(`export * from '../client/markdown.ts'; export * from '../client/markdown-dom.ts'`),
  bundle(`${THEIRS}; export { marked, purify }`),
  build({ entryPoints: [join(client, 'page.css')], bundle: true, minify: true, write: false }),
])

const executablePath = await requireChromium()
if (executablePath === undefined) process.exit(1)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
try {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
  await page.setContent('<main><div class="column"><div class="reply"><div class="text"></div></div></div></main>')
  await page.addStyleTag({ content: style.outputFiles[0]?.text ?? '' })
  await page.addScriptTag({ content: script })
  const chunks = JSON.stringify(answerChunks(LENGTH, CHUNKS))
  const draw = async (which: 'ours' | 'theirs'): Promise<number> => {
    const root = `const root = document.querySelector('.text'); root.replaceChildren()`
    return Number(await page.evaluate(`{ ${root}; bench.${which}(root, ${chunks}) }`))
  }
  const times = { ours: [] as number[], theirs: [] as number[] }
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const [a, b] = [await draw('ours'), await draw('theirs')]
    if (round >= 0) times.ours.push(a)
    if (round >= 0) times.theirs.push(b)
  }
  report(browser.version(), median(times.ours), median(times.theirs))
} finally {
  await browser.close()
}

function report(version: string, oursMs: number, theirsMs: number): void {
  const size = (code: string) => `${gzipSync(code, { level: 9 }).length} B gzipped`
  const verdict = (reached: boolean) => (reached ? 'reached' : 'MISSED')
  console.log(`Chromium ${version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`)
  console.log(`${LENGTH} characters in ${CHUNKS} chunks, laid out after each, 360 px; median of ${ROUNDS}\n`)
  console.log(`ours                ${oursMs.toFixed(0).padStart(6)} ms   ${size(ours)}`)
  console.log(`marked + DOMPurify  ${theirsMs.toFixed(0).padStart(6)} ms   ${size(theirs)}`)
  console.log(`goal                <= ${GOAL_MS} ms  ${verdict(oursMs <= GOAL_MS)}`)
  const times = theirsMs / oursMs
  console.log(`times faster        ${times.toFixed(0)} (goal >= ${GOAL_TIMES})  ${verdict(times >= GOAL_TIMES)}`)
}
