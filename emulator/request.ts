import { type Answered, invalid } from './errors.ts'
import { fieldsOf, integerOf, type Problem, unknownName, wrongType, wrongValue } from './fields.ts'
import { wrongConfig, wrongSafety } from './generation-config.ts'

/** What the emulator needs of a GenerateContentRequest that Google would accept. */
export type GenerateRequest = {
  /** Texts of the instruction and of every turn: what the prompt costs. */
  texts: readonly string[]
  instruction: string
  /** The last turn. */
  question: string
  maxOutputTokens: number | undefined
}
export type Checked = { ok: true; request: GenerateRequest } | { ok: false; error: Answered }

const COMMON = ['model', 'contents', 'systemInstruction', 'generationConfig', 'safetySettings', 'store']
const RARE = ['tools', 'toolConfig', 'cachedContent', 'labels', 'serviceTier']

/** A body's text -> what it asks for, or the 400 that Google answers it with. */
export function checkRequest(body: string, model: string): Checked {
  const top = fieldsOf(fromJson(body))
  if (top === undefined) return { ok: false, error: invalid('Invalid JSON payload received. Unexpected token.') }
  const turns = contentsOf(top.get('contents'))
  const instruction = contentOf(top.get('systemInstruction') ?? {})
  const config = top.get('generationConfig') ?? {}
  const error =
    unknownName(top, [...COMMON, ...RARE]) ??
    wrongInstruction(instruction, top.get('systemInstruction')) ??
    wrongConfig(config, model) ??
    wrongSafety(top.get('safetySettings')) ??
    wrongType(top, ['store'], 'TYPE_BOOL') ??
    wrongTurns(turns)
  if (error !== undefined) return { ok: false, error }
  const said = instruction?.texts ?? []
  const texts = [...said, ...(turns ?? []).flatMap((turn) => turn.texts)]
  const question = turns?.at(-1)?.texts.join('\n') ?? ''
  const maxOutputTokens = integerOf(fieldsOf(config)?.get('maxOutputTokens'))
  return { ok: true, request: { texts, instruction: said.join('\n'), question, maxOutputTokens } }
}

/** A CountTokensRequest's text: contents alone, or a whole request as `generateContentRequest`. */
export function checkCount(body: string, model: string): Checked {
  const inner = fieldsOf(fromJson(body))?.get('generateContentRequest')
  return checkRequest(inner === undefined ? body : JSON.stringify(inner), model)
}

type Turn = { role: string; texts: readonly string[] }
const ROLE = 'Please use a valid role: user, model.'

function wrongInstruction(instruction: Turn | undefined, given: unknown): Problem {
  if (instruction === undefined) return wrongValue('system_instruction', 'Content', given)
  return ['', 'user', 'system'].includes(instruction.role) ? undefined : invalid(ROLE)
}

function wrongTurns(turns: readonly Turn[] | undefined): Problem {
  if (turns === undefined) return wrongValue('contents', 'Content')
  if (turns.length === 0) return invalid('* GenerateContentRequest.contents: contents is not specified\n')
  for (const [i, { role, texts }] of turns.entries()) {
    if (!['', 'user', 'model'].includes(role)) return invalid(ROLE)
    const path = `* GenerateContentRequest.contents[${i}].parts`
    if (texts.length === 0) return invalid(`${path}: contents.parts must not be empty.\n`)
    const empty = texts.indexOf('')
    if (empty >= 0)
      return invalid(`${path}[${empty}].data: required oneof field 'data' must have one initialized field\n`)
  }
  return turns.at(-1)?.role === 'model' ? invalid('Requests ending with a model turn are not supported.') : undefined
}

function contentsOf(contents: unknown): Turn[] | undefined {
  const list = contents === undefined ? [] : Array.isArray(contents) ? contents : [contents]
  const turns = list.map(contentOf)
  return turns.every((turn) => turn !== undefined) ? turns : undefined
}

/** Content {role?, parts: [{text}]}; a part without text (an image, say) counts as ''. */
function contentOf(content: unknown): Turn | undefined {
  const fields = fieldsOf(content)
  const given = fields?.get('parts') ?? []
  const role = fields?.get('role') ?? ''
  if (fields === undefined || typeof role !== 'string') return undefined
  const texts = (Array.isArray(given) ? given : [given]).map((part) => fieldsOf(part)?.get('text') ?? '')
  return texts.every((text) => typeof text === 'string') ? { role, texts } : undefined
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
