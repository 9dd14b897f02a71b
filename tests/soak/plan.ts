import type { ChatTurn } from '../../client/chat.ts'
import type { ScenarioName, ScenarioOrder } from '../../emulator/emulator.ts'

/**
 * What becomes of a question, by the upstream's doing: `whole` as it is said; `again` after a refusal that is tried again;
 * `broken` half-way; `cut` by the model; `without` a word, so that the notes answer; `refused` by the model.
 */
export type Fate = 'whole' | 'again' | 'broken' | 'cut' | 'without' | 'refused'
export type Plan = { question: string; fate: Fate; scenario: ScenarioName; text: string; order: ScenarioOrder }

const FATES: readonly (readonly [fate: Fate, share: number, scenarios: readonly ScenarioName[]])[] = [
  ['whole', 0.8, ['ok', 'ok', 'ok', 'ok', 'two-parts', 'thoughts', 'split-utf8', 'split-line', 'slow-first-chunk']],
  ['again', 0.06, ['unavailable-503', 'minute-429', 'error-500']],
  ['broken', 0.06, ['reset', 'early-close', 'half-event', 'malformed-json', 'error-event', 'stall']],
  ['cut', 0.03, ['max-tokens', 'safety-midway']],
  ['without', 0.03, ['no-headers', 'key-400', 'html-502', 'empty-candidates', 'usage-only']],
  ['refused', 0.02, ['safety-start', 'prompt-blocked']],
]
const WORDS =
  'vélo quai révision chaîne marin « frein » pneu œuf 🚲 selle **garde-boue** à 20 € ⛵️ e\u0301té\n\n- dérailleur'
const PIECES = WORDS.split(' ')

/** One of a list by its share of all, its second part; undefined: none of them. */
export function byShare<T extends readonly [unknown, number, ...unknown[]]>(
  list: readonly T[],
  random: () => number,
): T | undefined {
  let left = random()
  for (const each of list) {
    left -= each[1]
    if (left < 0) return each
  }
  return undefined
}

/** `perChunkMs`: the slowest pace of an answer. `silences`: the upstream may also say nothing more, until it is left. */
export type Manner = { perChunkMs: number; silences: boolean }
const SILENT: readonly ScenarioName[] = ['stall', 'no-headers']

/** One question with a name of its own, and what the upstream does with it; `random` in [0, 1) decides. */
export function planOf(name: string, random: () => number, { perChunkMs, silences }: Manner): Plan {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  const [fate, , scenarios] = byShare(FATES, random) ?? (['whole', 1, ['ok']] as const)
  const scenario = pick(scenarios.filter((each) => silences || !SILENT.includes(each))) ?? 'ok'
  const chunks = Array.from({ length: 2 + Math.floor(random() * 20) }, (_, n) => {
    const words = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(PIECES))
    return `${n === 0 ? `${name} : ` : ''}${words.join(' ')} `
  })
  const order: ScenarioOrder = {
    name: scenario,
    chunks,
    perChunkMs: Math.ceil(random() * perChunkMs),
    delayMs: 500,
    retryDelaySeconds: 0.2,
  }
  return { question: `Question ${name} ?`, fate, scenario, text: chunks.join(''), order }
}

/** How often Google may be asked: once, but for what it refused without an answer. */
export const mostCalls = ({ fate }: Plan): number => (fate === 'again' || fate === 'without' ? 3 : 1)

/** What the visitor did meanwhile that may end an answer early. */
export type Meddling = { stopped?: boolean; awayTooLong?: boolean }

/** Why the turn is not what it has to be; undefined: it is. */
export function complaintOf(plan: Plan, turn: ChatTurn, calls: number, meddling: Meddling): string | undefined {
  const { state, answer, source } = turn
  const fits = answer === plan.text || (state !== 'complete' && plan.text.startsWith(answer))
  const of = `${plan.fate} (${plan.scenario}), ${calls} calls: ${state} of ${source}, ${answer.length} of ${plan.text.length}`
  if (calls > mostCalls(plan)) return `asked too often: ${of}`
  if (turn.question !== plan.question) return `another question: ${turn.question}`
  // The notes answer in their own words.
  if (source === 'model' && !fits) return `another text: ${of}: ${JSON.stringify(answer)}`
  if (!endsOf(plan, source, meddling).includes(state)) return `another end: ${of}`
  return undefined
}

function endsOf({ fate, scenario }: Plan, source: ChatTurn['source'], meddling: Meddling): ChatTurn['state'][] {
  const early: ChatTurn['state'][] = [
    ...(meddling.stopped ? (['stopped'] as const) : []),
    ...(meddling.awayTooLong ? (['interrupted'] as const) : []),
  ]
  if (source === 'knowledge') return fate === 'whole' ? [] : ['complete', ...early]
  switch (fate) {
    case 'whole':
    case 'again':
      return ['complete', ...early]
    case 'broken':
      return ['interrupted', ...early]
    case 'cut':
      return [scenario === 'max-tokens' ? 'length' : 'filtered', ...early]
    case 'without':
      return early
    case 'refused':
      return ['filtered', ...early]
  }
}
