import type { ModelFailureKind, ModelUsage } from './model/port.ts'

/** How a question ended: `source` when it was admitted, `cause` why it was refused or the model did not answer. */
export type MeteredQuestion = {
  outcome: string
  source?: string
  cause?: string
  firstTextMs?: number
  totalMs?: number
}
/** How one upstream call ended; `left`: nobody read it to the end. */
export type MeteredAttempt = {
  result: 'answered' | 'left' | ModelFailureKind
  firstChunkMs?: number
  usage?: ModelUsage
}
/** A challenge was given out; its solution was taken; a proof was none, or not for this visitor, or used before. */
export type ProofStep = 'asked' | 'solved' | 'rejected'

/** What the rooms report for the metrics, times in ms. Every call is cheap and never throws; words are ours, from short lists. */
export type Meter = {
  connectionOpened(): void
  connectionClosed(code: number): void
  /** A hello was answered; `resumed`: it took up a session. */
  greeted(resumed: boolean): void
  upgradeRefused(refusal: { status: number; cause: string }): void
  messageRefused(code: string): void
  questionEnded(question: MeteredQuestion): void
  /** Between two pieces of one answer, as visitors get them. */
  textGap(ms: number): void
  attemptEnded(attempt: MeteredAttempt): void
  storeCalled(operation: string, ms: number, ok: boolean): void
  proof(step: ProofStep): void
}

/** Tells two meters the same. */
export const both = (a: Meter, b: Meter): Meter => ({
  connectionOpened: inTurn(a.connectionOpened, b.connectionOpened),
  connectionClosed: inTurn(a.connectionClosed, b.connectionClosed),
  greeted: inTurn(a.greeted, b.greeted),
  upgradeRefused: inTurn(a.upgradeRefused, b.upgradeRefused),
  messageRefused: inTurn(a.messageRefused, b.messageRefused),
  questionEnded: inTurn(a.questionEnded, b.questionEnded),
  textGap: inTurn(a.textGap, b.textGap),
  attemptEnded: inTurn(a.attemptEnded, b.attemptEnded),
  storeCalled: inTurn(a.storeCalled, b.storeCalled),
  proof: inTurn(a.proof, b.proof),
})

const inTurn =
  <Told extends unknown[]>(a: (...told: Told) => void, b: (...told: Told) => void) =>
  (...told: Told): void => {
    a(...told)
    b(...told)
  }
