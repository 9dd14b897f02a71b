// npm run rfc6455: every case against the built server, one line each. Exit code 1 when one failed.
import { openTarget } from '../attacks/target.ts'
import { cases, type Verdict, verdictOf } from './cases.ts'
import { observe } from './observe.ts'

const target = await openTarget()
const counts: Record<Verdict, number> = { ok: 0, 'non-strict': 0, FAILED: 0 }
const before = await target.rss()
try {
  console.log(lineOf('case', 'verdict', 'what', 'wanted', 'seen'))
  for (const each of cases) {
    const seen = await observe(target.url, each)
    const verdict = verdictOf(each, seen)
    counts[verdict]++
    console.log(lineOf(each.number, verdict, each.what, each.wanted[0] ?? '', seen))
  }
  const megabytes = (bytes: number) => (bytes / (1 << 20)).toFixed(0)
  console.log(`\n${counts.ok} ok, ${counts['non-strict']} non-strict, ${counts.FAILED} failed;`)
  console.log(`the server's memory: ${megabytes(before)} MB before, ${megabytes(await target.rss())} MB after`)
  if (counts.FAILED > 0) process.exitCode = 1
} finally {
  await target.close()
}

/** Octets that a terminal would act on are shown as dots. */
function lineOf(number: string, verdict: string, what: string, wanted: string, seen: string): string {
  const cell = (words: string, width: number) => {
    const plain = words.replace(/[^\x20-\x7e…]/g, '·')
    return (plain.length > width ? `${plain.slice(0, width - 1)}…` : plain).padEnd(width)
  }
  return `${cell(number, 8)} ${cell(verdict, 10)} ${cell(what, 66)} ${cell(wanted, 36)} ${cell(seen, 36)}`.trimEnd()
}
