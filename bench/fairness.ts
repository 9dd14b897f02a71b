import { type FairCase, type FairResult, simulateDay, VISITORS } from './fairness-case.ts'

// Who is answered on a day of attack: the real wallet and buckets with their defaults, a model of the visitors, and an
// upstream that bills every question when it is sent. Nothing is sent anywhere.
type Scene = Pick<FairCase, 'returning' | 'preparedHours' | 'rules'> & { title: string; goals: boolean }
type Line = { hostile: number; wanted?: number }

const HOURS = [0, 3, 9, 12, 15]
const SEEDS = [1, 2, 3]
const QUESTIONS = ['typical', 'dearest'] as const
const LINES: readonly Line[] = [
  { hostile: 0 },
  { hostile: 1, wanted: 0.95 },
  { hostile: 50, wanted: 0.8 },
  { hostile: 1000, wanted: 0.5 },
]
const USUAL = { returning: 0, preparedHours: 0, rules: true, goals: false }
const SCENES: readonly Scene[] = [
  { ...USUAL, title: 'every visitor is new today', goals: true },
  { ...USUAL, title: 'half of the visitors asked something yesterday', returning: 0.5 },
  {
    ...USUAL,
    title: 'every visitor is new, and each hostile address asked one question in the 3 h before',
    preparedHours: 3,
  },
  { ...USUAL, title: 'every visitor is new, without the rules (share 1, pacing off)', rules: false },
]

const ASSUMED = `${VISITORS} visitors ask 12 questions each, at any time from 8:00 to 20:00, in one conversation; refused, they come back
three times, after the time they were told (10 minutes at most); a proof costs them a second. Budget 1.00 a day at the
prices of gemini-3.5-flash-lite: about 930 questions of theirs, of which they ask 240.
Hostile addresses see every bit of room before any visitor does, never give up, and solve each proof in a second on a
machine of their own. They ask typical questions, or the dearest (1,000 characters, 800 tokens of answer): what serves
visitors worse is shown. Columns: when the attack begins, to last until midnight. Means of ${SEEDS.length} days.
`

const LIMITS = `
What holds. The budget, in every case. One address or twenty can't crowd visitors out, whenever they begin: who had
less comes first. Who asked something a quarter of an hour or more before the rush is answered through it, also against
1,000 addresses.
Where the limit is. Addresses that nothing tells from visitors get what as many visitors would get. Of 1,000 each would
have less than one question a day from this budget, so who is new during such a rush gets the answer from the shop's own
files; the mean at 1,000 stands on who was there before. Attackers who ask one question from each address and wait
before they begin are taken for visitors who were there before: they get their lead, but a quarter stays for newcomers.
A proof of a second bounds nobody who has a machine per address. One IPv6 customer may hold 65,536 prefixes of the size
that counts as one address here.`

async function meanOf(one: Omit<FairCase, 'seed'>): Promise<FairResult> {
  const days: FairResult[] = []
  for (const seed of SEEDS) days.push(await simulateDay({ ...one, seed }))
  return {
    served: average(days.map((day) => day.served)),
    utilisation: average(days.map((day) => day.utilisation)),
    overshoot: Math.max(...days.map((day) => day.overshoot)),
  }
}

/** Of the kinds of questions that the hostile may ask, the one that serves visitors worst. */
async function worstOf(one: Omit<FairCase, 'seed' | 'question'>): Promise<FairResult> {
  const [first, ...others] = await Promise.all(QUESTIONS.map((question) => meanOf({ ...one, question })))
  if (!first) throw new Error('no question to ask')
  const worst = others.reduce((least, next) => (next.served < least.served ? next : least), first)
  return { ...worst, overshoot: Math.max(first.overshoot, ...others.map((each) => each.overshoot)) }
}

/** Prints one line; whether what was wanted is reached. */
async function runLine({ returning, preparedHours, rules, goals }: Scene, { hostile, wanted }: Line): Promise<boolean> {
  const results: FairResult[] = []
  for (const rushHour of HOURS) results.push(await worstOf({ hostile, rushHour, returning, preparedHours, rules }))
  const mean = average(results.map(({ served }) => served))
  const overshoot = Math.max(...results.map((each) => each.overshoot))
  const reached = overshoot === 0 && (!goals || wanted === undefined || mean >= wanted)
  const goal = goals && wanted !== undefined ? `>= ${percent(wanted)} ${reached ? 'reached' : 'MISSED'}` : ''
  const cells = [...results.map(({ served }) => percent(served)), percent(mean)].map((cell) => cell.padStart(6))
  const used = percent(average(results.map(({ utilisation }) => utilisation)))
  console.log(
    `${String(hostile).padStart(7)} ${cells.join(' ')} ${used.padStart(9)} ${percent(overshoot).padStart(9)}   ${goal}`,
  )
  return reached
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const percent = (part: number): string => `${(part * 100).toFixed(0)} %`

console.log(ASSUMED)
let missed = 0
for (const scene of SCENES) {
  console.log(`Visitors' questions that the model answered; ${scene.title}`)
  const hours = HOURS.map((hour) => `${hour}:00`.padStart(6)).join(' ')
  console.log(`hostile ${hours}   mean      used overshoot   wanted (mean)`)
  for (const line of LINES) missed += (await runLine(scene, line)) ? 0 : 1
  console.log('')
}
console.log(LIMITS.trim())
process.exitCode = missed === 0 ? 0 : 1
