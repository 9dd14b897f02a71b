// npm run attacks [-- frames money]: every attack in its long form, or those of some files, and what each of them got.
import { playLong } from '../helpers/trial-report.ts'
import type { Row } from './attack.ts'

await playLong('tests/attacks', (lines) => print(lines.map(rowOf)))

function rowOf(line: string): Row {
  const row: Row = JSON.parse(line)
  return row
}

function print(rows: Row[]): void {
  const megabytes = (bytes: number) => (bytes / (1 << 20)).toFixed(0).padStart(5)
  console.log(
    '\n  # attack                                                                    tries  lost  MB before  after',
  )
  for (const { number, title, tries, lost, before, after } of rows.sort((a, b) => a.number - b.number)) {
    const counts = `${String(tries).padStart(7)} ${String(lost).padStart(5)}`
    console.log(
      `${String(number).padStart(3)} ${title.padEnd(72)} ${counts}      ${megabytes(before)}  ${megabytes(after)}`,
    )
  }
}
