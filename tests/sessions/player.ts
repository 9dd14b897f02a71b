import { solveProof } from '../helpers/solve-proof.ts'
import { control } from './control.ts'
import { expect, type Meeting } from './expect.ts'
import { Link, type LinkOptions } from './link.ts'
import { fieldOf } from './match.ts'
import { describe, Proof } from './received.ts'
import type { Action, Frame, Script, Step } from './script.ts'
import { type Condition, fill, fillText, type Variables } from './words.ts'

export type PlayerOptions = {
  /** ws://host:port/ws */
  url: string
  /** http://host:port of the emulator, for scripts with `emulator` lines. */
  emulator?: string
  /** How long each expected thing may take. */
  timeoutMs: number
  /** Told each line of the transcript as it happens. */
  say(line: string): void
}
export type Played = { ok: true } | { ok: false; number: number; expected: string; got: string }

type Place = { options: LinkOptions; meeting: Meeting | undefined }
type Stage = PlayerOptions & { places: Map<string, Place>; variables: Map<string, unknown> }

/** Plays a script against a server up to the first difference. Closes what it opened; rejects only for a bug. */
export async function play(script: Script, options: PlayerOptions): Promise<Played> {
  const timeoutMs = script.timeoutMs ?? options.timeoutMs
  const stage: Stage = {
    ...options,
    timeoutMs,
    places: new Map(),
    variables: new Map([['ORIGIN', originOf(options.url)]]),
  }
  try {
    const reset = await resetEmulator(stage)
    if (reset !== undefined) return { ok: false, number: 0, expected: `an emulator at ${stage.emulator}`, got: reset }
    for (const step of script.steps) {
      const got = await playStep(step, stage)
      if (got !== undefined) return { ok: false, number: step.number, expected: step.text, got }
    }
    return { ok: true }
  } finally {
    await Promise.all([...stage.places.values()].map(({ meeting }) => meeting?.link.close()))
  }
}

const originOf = (url: string): unknown => new URL(url.replace(/^ws/, 'http')).origin

// A script begins with an emulator that the one before it no longer steers.
async function resetEmulator({ emulator, variables, timeoutMs }: Stage): Promise<string | undefined> {
  if (emulator === undefined) return undefined
  return control(emulator, { order: 'reset', conditions: [], words: [] }, variables, timeoutMs)
}

async function playStep(step: Step, stage: Stage): Promise<string | undefined> {
  if (step.action.kind !== 'expect') stage.say(step.text)
  for (let i = 0; i < step.times; i += 1) {
    const got = await act(step.action, stage)
    if (got !== undefined) return step.times > 1 ? `(time ${i + 1} of ${step.times}) ${got}` : got
  }
  return undefined
}

async function act(action: Action, stage: Stage): Promise<string | undefined> {
  try {
    return await carryOut(action, stage)
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
}

async function carryOut(action: Action, stage: Stage): Promise<string | undefined> {
  const { variables, timeoutMs } = stage
  switch (action.kind) {
    case 'socket':
      open(action.socket, linkOptions(stage.url, action.options, variables), stage)
      return undefined
    case 'send':
      return sendFrame(await meetingOf(action.socket, stage), action.frame, stage)
    case 'expect':
      return expect(await meetingOf(action.socket, stage), action.expectation, stage)
    case 'drop':
      ;(await meetingOf(action.socket, stage)).link.drop()
      return undefined
    case 'return':
      open(action.socket, stage.places.get(action.socket)?.options ?? linkOptions(stage.url, [], variables), stage)
      return undefined
    case 'save':
      return save(action, stage)
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, action.ms))
      return undefined
    case 'emulator':
      if (stage.emulator === undefined) return 'the emulator is not known: give its address with --emulator'
      return control(stage.emulator, action, variables, timeoutMs)
  }
}

function open(name: string, options: LinkOptions, stage: Stage): Meeting {
  void stage.places.get(name)?.meeting?.link.close()
  const meeting = { name, link: new Link(options), proof: new Proof(), last: undefined }
  stage.places.set(name, { options, meeting })
  return meeting
}

/** The socket of that name; the first line that names it opens it. */
async function meetingOf(name: string, stage: Stage): Promise<Meeting> {
  return stage.places.get(name)?.meeting ?? open(name, linkOptions(stage.url, [], stage.variables), stage)
}

function linkOptions(url: string, options: readonly Condition[], variables: Variables): LinkOptions {
  const link: LinkOptions = { url, headers: {} }
  for (const { field, value } of options) {
    const text = String(fill(value, variables))
    if (field === 'subprotocol') link.subprotocol = text
    else if (field === 'path') link.url = new URL(text, url).href
    else link.headers[field.replace(/^header\./, '')] = text
  }
  return link
}

async function sendFrame({ link }: Meeting, frame: Frame, stage: Stage): Promise<string | undefined> {
  if (!(await link.opened(stage.timeoutMs))) return describe(await link.next(0))
  link.send(...payloadOf(await withProofs(frame, stage.variables), stage.variables))
  return undefined
}

/** `proof=solve($CHALLENGE)` does the work and stands for its proof. */
async function withProofs(frame: Frame, variables: Variables): Promise<Frame> {
  if (frame.kind !== 'json') return frame
  const fields = frame.fields.map(async (condition): Promise<Condition> => {
    const wanted = 'text' in condition.value ? /^solve\((.+)\)$/.exec(condition.value.text)?.[1] : undefined
    if (wanted === undefined) return condition
    return { ...condition, value: { json: await solveProof(fillText(wanted, variables)) } }
  })
  return { ...frame, fields: await Promise.all(fields) }
}

export function payloadOf(frame: Frame, variables: Variables): [data: string | Uint8Array, binary?: boolean] {
  if (frame.kind === 'binary') return [frame.bytes, true]
  if (frame.kind === 'bytes') return [frame.bytes]
  if (frame.kind === 'raw') return [fillText(frame.text, variables)]
  return [JSON.stringify(messageOf(frame.type, frame.fields, variables))]
}

/** `answer.id=q1` becomes a field in an object `answer`. */
function messageOf(type: string, fields: readonly Condition[], variables: Variables): object {
  const message: Record<string, unknown> = { type }
  for (const { field, value } of fields) {
    const [name = '', inner] = field.split('.')
    const filled = fill(value, variables)
    const outer = message[name]
    message[name] = inner === undefined ? filled : { ...(typeof outer === 'object' ? outer : {}), [inner]: filled }
  }
  return message
}

function save({ socket, field, name }: Extract<Action, { kind: 'save' }>, stage: Stage): string | undefined {
  const value = fieldOf(stage.places.get(socket)?.meeting?.last, field)
  if (value === undefined) return `the last message has no ${field}`
  stage.variables.set(name, value)
  return undefined
}
