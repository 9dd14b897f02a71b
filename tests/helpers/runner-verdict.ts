import type { MissingTool, RunnerEvent } from './runner-events.ts'
import type { FileRun } from './runner-file.ts'

export type Failed = { name: string; why: string }
export type Skipped = { name: string; why: string }
export type Verdict = { file: string; ms: number; passed: number; failed: Failed[]; skipped: Skipped[]; output: string }

type Of<T extends RunnerEvent['type']> = Extract<RunnerEvent, { type: T }>

/**
 * What a file's run comes to. Whatever is not proven to have passed has failed; the file itself counts as a test then.
 * `strict`: what was skipped has failed too.
 */
export function verdictOf(run: FileRun, strict = false): Verdict {
  const ends = all(run, 'end')
  const missing = all(run, 'missing')
  const skippedTests = new Set(missing.map((event) => event.test))
  const wholeFile = missing.find((event) => event.test === undefined)
  const failed = [
    ...ends.flatMap(({ test, error }) => (error === undefined ? [] : [{ name: test, why: error }])),
    ...unhandled(run),
    ...problemsOf(run, wholeFile !== undefined).map((why) => ({ name: 'the file', why })),
  ]
  const passed = ends.filter(({ test, error }) => error === undefined && !skippedTests.has(test)).length
  const skipped = skippedOf(run, missing)
  const refused = strict
    ? skipped.map(({ name, why }) => ({ name, why: `skipped, which CI does not allow: ${why}` }))
    : []
  const { file, ms, output } = run
  return { file, ms, passed, failed: [...failed, ...refused], skipped: strict ? [] : skipped, output }
}

function unhandled(run: FileRun): Failed[] {
  return all(run, 'unhandled').map(({ test, error }) => ({
    name: test ?? 'outside of any test',
    why: `an error that nobody handled: ${error}`,
  }))
}

function skippedOf(run: FileRun, missing: MissingTool[]): Skipped[] {
  const loaded = all(run, 'loaded')[0]
  const whole = missing.find((event) => event.test === undefined)
  const tests = whole === undefined ? [] : loaded?.tests.length ? loaded.tests : ['the file']
  return [
    ...tests.map((name) => ({ name, why: whole === undefined ? '' : installBy(whole) })),
    ...missing.flatMap((event) => (event.test === undefined ? [] : [{ name: event.test, why: installBy(event) }])),
    ...(loaded?.skipped ?? []).map((name) => ({ name, why: 'test.skip' })),
    ...(loaded?.leftOut ?? []).map((name) => ({ name, why: 'left out by test.only' })),
  ]
}

const installBy = ({ tool, command }: MissingTool): string => `${tool} is missing; install it by: ${command}`

function problemsOf(run: FileRun, skipped: boolean): string[] {
  const loaded = all(run, 'loaded')[0]
  const problems = loaded === undefined ? [] : registrationProblems(loaded, skipped)
  return [...problems, ...endProblems(run, loaded !== undefined)]
}

function registrationProblems({ tests, unrun, skipped, twice }: Of<'loaded'>, missingTool: boolean): string[] {
  const empty = tests.length + unrun.length + skipped.length === 0 && !missingTool
  return [
    ...(empty ? ['it has no tests'] : []),
    ...(unrun.length > 0 ? [`test.run() was forgotten after: ${unrun.join(', ')}`] : []),
    ...twice.map((name) => `two tests have the name "${name}"`),
  ]
}

function endProblems(run: FileRun, loaded: boolean): string[] {
  const stuck = all(run, 'stuck')[0]
  if (stuck !== undefined) return [stuckProblem(stuck)]
  const finished = all(run, 'finished')[0]
  const during = runningTest(run)
  const where = loaded
    ? `before its tests were finished${during === undefined ? '' : `, in "${during}"`}`
    : 'while it was loaded'
  if (run.signal !== null)
    return [`it was killed by ${run.signal}, deaf to its time limit: its event loop was blocked ${where}`]
  if (finished === undefined) return explained(run) ? [] : [`it ended ${where}, with exit code ${run.code}`]
  const lost = finished.total - finished.passed - all(run, 'end').filter(({ error }) => error !== undefined).length
  if (lost > 0) return [`${lost} of its ${finished.total} tests neither passed nor said why`]
  return run.code === 0 || explained(run) ? [] : [`it ended with exit code ${run.code} after its tests`]
}

const explained = (run: FileRun): boolean => all(run, 'unhandled').length > 0

function stuckProblem({ when, handles, test }: Of<'stuck'>): string {
  const what = when === 'limit' ? 'it passed its time limit' : 'it did not end by itself after its tests'
  const where = test === undefined ? '' : `, in "${test}"`
  const open = handles.length > 0 ? handles.map((handle) => `\n  open: ${handle}`).join('') : '\n  nothing is open'
  return `${what}${where}${open}\n  (npm test -- --trace <file> shows where each was opened)`
}

function runningTest(run: FileRun): string | undefined {
  const ended = all(run, 'end').length
  return all(run, 'begin')[ended]?.test
}

const all = <T extends RunnerEvent['type']>(run: FileRun, type: T): Of<T>[] =>
  run.events.filter((event): event is Of<T> => event.type === type)
