import { systemClock } from './clock.ts'
import { type Config, parseConfig } from './config.ts'
import { loadConfig } from './load-config.ts'
import { readPersonaFolder } from './persona-files.ts'
import { personaReport } from './persona-report.ts'
import { currencyOf } from './quota/prices.ts'

// npm run persona:check [folder] ["a question" …]: says what is wrong with a persona, and what it would know and cost.
const [folder, ...questions] = process.argv.slice(2)
process.exitCode = await check(folder, questions)

/** Prints the report; 1 when the folder has mistakes. */
async function check(folder: string | undefined, asked: readonly string[]): Promise<number> {
  const config = await settings()
  const dir = folder ?? config.personaDir
  const result = await readPersonaFolder(dir)
  if (!result.ok) {
    console.error(`${dir} has mistakes:\n${list(result.errors)}`)
    return 1
  }
  const { persona, warnings } = result
  const { gemini, prices, budget } = config
  const report = personaReport({
    ...config,
    persona,
    questions: asked.length > 0 ? asked : persona.texts[persona.lang].suggestions,
    now: systemClock.now(),
    model: gemini.model,
    currency: currencyOf(gemini.model, prices),
    budgetPerDay: budget.perDay,
  })
  console.log(report.join('\n'))
  console.log(warnings.length > 0 ? `\nWarnings\n${list(warnings)}` : '\nNo mistakes, no warnings.')
  return 0
}

/** The server's own; where they have mistakes, which is another matter, the defaults. */
async function settings(): Promise<Config> {
  const loaded = await loadConfig(process.env, '.env')
  const parsed = loaded.ok ? loaded : parseConfig({})
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'))
  if (!loaded.ok) console.error(`The settings have mistakes, so the defaults count here:\n${list(loaded.errors)}\n`)
  return parsed.config
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `  - ${line}`).join('\n')
}
