import type { ScenarioOrder } from '../../emulator/emulator.ts'
import type { ClientKind } from './clients.ts'

/** What a generator does: each is bounded in count and in time. */
export type Job =
  /** Questions asked again and again, answers paced by the upstream; measured for `windowMs` after everybody has begun. */
  | { at: 'streams'; streams: number; answerMs: number; windowMs: number }
  /** The same for one step of a climb: listened to for `stepMs` at a time until it is clear whether text comes late. */
  | { at: 'step'; streams: number; answerMs: number; stepMs: number; lateMs: number }
  /** Each stream asks once; the window is cut where the answers pass `marks` (chunks). */
  | { at: 'long'; streams: number; marks: readonly number[]; chunks: number }
  /** Connections that greet and stay, told when there are as many as each of `counts`. */
  | { at: 'idle'; counts: readonly number[]; addresses: number; holdMs: number }
  /** Connections opened, greeted and closed, `atOnce` at a time. */
  | { at: 'upgrades'; atOnce: number; windowMs: number }
  /** Streams as above, beside one reader who asks for much and reads nothing. */
  | { at: 'slow-reader'; streams: number; answerMs: number; windowMs: number; slow: boolean; order: ScenarioOrder }
  /** Visitors' pages that come back by themselves; ends when all are back after the restart or the time is over. */
  | { at: 'herd'; clients: number; addresses: number; mostMs: number }
  /** Asks that one address fires at several servers at once: how many are admitted. */
  | { at: 'burst'; asks: number }
  /**
   * Upgrades at `rate` a second, `atOnce` at a time, from so many loopback addresses, `first` being the number of the
   * first; begun at SIGUSR2. `origin`: what they say where they come from.
   */
  | { at: 'flood'; rate: number; atOnce: number; addresses: number; first: number; windowMs: number; origin?: string }
  /** One visitor who asks again and again, listened to from SIGUSR2 on. */
  | { at: 'visitor'; windowMs: number }

export type Load = { kind: ClientKind; urls: readonly string[]; upstream: string; job: Job }

/** Times in ms. `delays`: from the upstream's write to the visitor's ear, each piece; `firsts`: from ask to first text. */
export type Heard = { tokens: number; ms: number; firsts: number[]; delayP50: number; delayP99: number; failed: number }
