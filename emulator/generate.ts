import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Random } from '../server/clock.ts'
import { type Answer, answerOf, type Call, countAll, said } from './answer.ts'
import { type Answered, json } from './errors.ts'
import { send } from './http.ts'
import type { Ledger, Line, NewEntry } from './ledger.ts'
import type { ScenarioOrder } from './order.ts'
import { after, either, flushed, type Gate, hang, paceOf, play, type Wait, type Write } from './play.ts'
import type { GenerateRequest } from './request.ts'
import { type AnsweredScenario, type Ending, type StreamScenario, scenarios } from './scenarios.ts'
import { arrayWrites, eventWrites, stampedWrites, wholeAnswer } from './stream.ts'

const SLOW_MS = 3000

/** What the emulated API is made of. */
export type House = {
  clock: Clock
  random: Random
  speed: number
  key: string | undefined
  gate: Gate
  ledger: Ledger
  /** The order for a question to `model`; asking uses up one of its `times`. */
  nextOrder(model: string, question: string): ScenarioOrder
  demo(question: string): string
  url(): string
}
export type Target = { version: string; model: string; method: string; sse: boolean }
export type Exchange = { req: IncomingMessage; res: ServerResponse; target: Target; key: string; house: House }

/** Answers with an error of the request's own making; nothing is billed. */
export function refuse(exchange: Exchange, body: string, error: Answered): void {
  book(exchange, { scenario: 'refused', status: error.status, body })
  send(exchange.res, error)
}

/** Answers a request that Google would accept, by the scenario in force. */
export async function perform(exchange: Exchange, body: string, request: GenerateRequest): Promise<void> {
  const call = callOf(exchange, request)
  const scenario = scenarios[call.order.name]
  if (scenario.kind === 'answered') return reply(exchange, body, call, scenario)
  const answer = answerOf(scenario.draft(call), call)
  const line = book(exchange, { ...billOf(call, answer), status: 200, body })
  if (scenario.before === 'never') return hang(exchange.res)
  if (exchange.target.method === 'generateContent') return whole(exchange, scenario, answer, line)
  return stream(exchange, scenario, answer, line)
}

function callOf({ target, key, house }: Exchange, request: GenerateRequest): Call {
  const { texts, question, instruction, maxOutputTokens } = request
  const order = house.nextOrder(target.model, question)
  return {
    order,
    model: target.model,
    key,
    instruction,
    promptTokens: countAll(texts, order),
    maxOutputTokens,
    demo: () => house.demo(question),
    elsewhere: `${house.url()}/emulator/elsewhere`,
  }
}

/** Everything is billed at dispatch: Google's meter does not stop when a client leaves. */
function billOf({ order, maxOutputTokens }: Call, { promptTokens, outputTokens, thoughtTokens }: Answer) {
  return { scenario: order.name, promptTokens, outputTokens: outputTokens + thoughtTokens, maxOutputTokens }
}

function book({ req, res, target, house }: Exchange, entry: Omit<NewEntry, 'model' | 'method' | 'headers'>): Line {
  const { model, method } = target
  const line = house.ledger.open({ model, method, headers: Object.keys(req.headers), ...entry })
  if (res.closed) line.close('client')
  res.once('close', () => line.close(res.writableFinished ? 'served' : 'client'))
  return line
}

function reply(exchange: Exchange, body: string, call: Call, { answer, billed }: AnsweredScenario): void {
  const answered = answer(call)
  const bill = billOf(call, answerOf({ pieces: said(call, call.demo) }, call))
  const free = { ...bill, promptTokens: 0, outputTokens: 0 }
  book(exchange, { ...(billed ? bill : free), status: answered.status, body })
  send(exchange.res, answered)
}

async function whole(exchange: Exchange, scenario: StreamScenario, answer: Answer, line: Line): Promise<void> {
  const { res, target, house } = exchange
  const { body, ending } = wholeAnswer(scenario.play(answer), target.model, house.random.token(16))
  if (ending !== 'end') return finish(res, ending, line)
  send(res, typeof body === 'string' ? { ...json(200, null), body } : json(200, body))
}

async function stream(exchange: Exchange, scenario: StreamScenario, answer: Answer, line: Line): Promise<void> {
  const { res, target, house } = exchange
  const id = house.random.token(16)
  const type = target.sse ? 'text/event-stream' : 'application/json; charset=UTF-8'
  res.writeHead(200, { 'content-type': type, 'content-disposition': 'attachment', vary: 'Origin, X-Origin, Referer' })
  res.flushHeaders()
  const frames = scenario.play(answer)
  const writes = target.sse
    ? eventWrites(frames, target.model, id, scenario.split)
    : arrayWrites(frames, target.model, id)
  const before = pausesOf(exchange.house, answer.order, scenario)
  const timed = answer.order.stamped === true ? stampedWrites(writes) : writes
  const ending = await play(res, { frames: timed, before, written: line.chunk })
  if (ending !== 'left') await finish(res, ending, line)
}

async function finish(res: ServerResponse, ending: Ending, line: Line): Promise<void> {
  if (ending === 'end') res.end()
  if (ending === 'hang') await hang(res)
  if (ending !== 'reset') return
  await flushed(res)
  line.close('emulator')
  res.socket?.resetAndDestroy()
}

function pausesOf({ clock, gate, speed, random }: House, order: ScenarioOrder, { before }: StreamScenario) {
  const pace = paceOf(order, speed, random)
  return (i: number, write: Write): Wait | undefined => {
    if (order.gated === true) return gate.take
    if (i === 0 && before === 'slow') return either(after(clock, order.delayMs ?? SLOW_MS), gate.take)
    const ms = pace(i, write)
    return ms > 0 ? after(clock, ms) : undefined
  }
}
