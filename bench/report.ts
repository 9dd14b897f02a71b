import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Goal, Section } from './cases/case.ts'
import { machine } from './machine.ts'

const FOLDER = join(import.meta.dirname, 'results')
const DATA = join(FOLDER, 'results.json')
type Kept = Record<string, { at: string; machine: string; sections: Omit<Section, 'pictures'>[]; pictures: string[] }>

/** One section for people at a terminal. */
export function printSection(section: Section): void {
  console.log(`${section.title}\n`)
  console.log(`${tableOf(section.columns, section.rows)}\n`)
  for (const { what, wanted, seen, reached } of section.goals)
    console.log(`  ${reached ? 'reached' : 'MISSED '}  ${what}: ${seen} (${wanted})`)
  for (const doubt of section.noisy) console.log(`  too noisy to conclude: ${doubt}`)
  console.log('')
}

/** Puts these cases beside what earlier runs kept, and writes table and pictures anew. */
export function keepResults(found: Record<string, Section[]>): void {
  mkdirSync(FOLDER, { recursive: true })
  const kept: Kept = existsSync(DATA) ? JSON.parse(readFileSync(DATA, 'utf8')) : {}
  for (const [name, sections] of Object.entries(found)) {
    const pictures = sections.flatMap((section) => Object.entries(section.pictures))
    for (const [file, svg] of pictures) writeFileSync(join(FOLDER, file), svg)
    kept[name] = {
      at: new Date().toISOString().slice(0, 10),
      machine: machine(),
      sections: sections.map(({ pictures: _, ...rest }) => rest),
      pictures: pictures.map(([file]) => file),
    }
  }
  writeFileSync(DATA, `${JSON.stringify(kept, null, 2)}\n`)
  writeFileSync(join(FOLDER, 'results.md'), markdownOf(kept))
  console.log(`Kept in ${FOLDER}`)
}

function markdownOf(kept: Kept): string {
  const goals = Object.values(kept).flatMap(({ sections }) => sections.flatMap((section) => section.goals))
  const parts = Object.values(kept).flatMap(({ at, machine, sections, pictures }) => [
    ...sections.map(sectionOf),
    ...pictures.map((file) => `![${file.replace('.svg', '').replaceAll('-', ' ')}](${file})`),
    `*${at}, ${machine}. Medians of the rounds, in brackets the least and the most.*`,
  ])
  return `${['# Results of `npm run bench`', goalTable(goals), ...parts].join('\n\n')}\n`
}

const goalTable = (goals: readonly Goal[]): string =>
  tableOf(
    ['figure', 'wanted', 'seen', ''],
    goals.map(({ what, wanted, seen, reached }) => [what, wanted, seen, reached ? 'reached' : '**missed**']),
  )

const sectionOf = ({ title, note, columns, rows, noisy }: Omit<Section, 'pictures'>): string =>
  [
    `## ${title}`,
    tableOf(columns, rows),
    ...(note === undefined ? [] : [note]),
    ...noisy.map((doubt) => `Too noisy to conclude: ${doubt}.`),
  ].join('\n\n')

function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
