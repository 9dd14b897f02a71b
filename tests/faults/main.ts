// npm run faults [-- kill disk]: every fault in its long form, or those of some files; what was lost, what the server held.
import { playLong } from '../helpers/trial-report.ts'
import type { Held, Row } from './fault.ts'

await playLong('tests/faults', (lines) => print(lines.map(rowOf)))

function rowOf(line: string): Row {
  const row: Row = JSON.parse(line)
  return row
}

function print(rows: Row[]): void {
  const pair = (name: keyof Held, { before, after }: Row) => `${before[name]} → ${after[name]}`.padStart(12)
  console.log(`\n${'fault'.padEnd(76)} tries  lost ${' descriptors       holds      timers    sessions'}`)
  for (const row of rows.sort((a, b) => a.title.localeCompare(b.title))) {
    const counts = `${String(row.tries).padStart(5)} ${String(row.lost).padStart(5)}`
    const held = (['descriptors', 'holds', 'timers', 'sessions'] as const).map((name) => pair(name, row)).join('')
    console.log(`${row.title.padEnd(76)} ${counts} ${held}`)
  }
}
