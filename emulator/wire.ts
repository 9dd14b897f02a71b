/** What Google's API writes, byte for byte: compact JSON in events, pretty JSON in errors. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

export type Part = { text: string; thought?: true; thoughtSignature?: string }
export type Usage = { promptTokens: number; outputTokens: number; thoughtTokens: number }

/** One event before it is bytes. `parts: null` is a candidate without content. */
export type Chunk = { parts: readonly Part[] | null; finish?: string; usage: Usage | Json; members?: Json }
/** `raw` replaces the whole event, framing included. */
export type Frame = Chunk | { raw: string }

const ESCAPED = /[<>\u2028\u2029]/g
const escaped = (json: string): string =>
  json.replace(ESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** JSON on one line as Google spaces it: `{"a": 1,"b": [2,3]}`, with `<`, `>`, U+2028 and U+2029 escaped. */
export function compact(value: Json): string {
  if (typeof value === 'string') return escaped(JSON.stringify(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(compact).join(',')}]`
  return `{${membersOf(value)}}`
}

/** Indented by two, with the same escapes and a line end, as errors and single answers come. */
export function pretty(value: Json): string {
  return `${escaped(JSON.stringify(value, null, 2))}\n`
}

/** The JSON of a chunk's usage: Google's names, cumulative; thoughts only where there were any. */
export function usageJson({ promptTokens, outputTokens, thoughtTokens }: Usage): Json {
  return {
    promptTokenCount: promptTokens,
    candidatesTokenCount: outputTokens > 0 ? outputTokens : undefined,
    totalTokenCount: promptTokens + outputTokens + thoughtTokens,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokens }],
    thoughtsTokenCount: thoughtTokens > 0 ? thoughtTokens : undefined,
  }
}

/** One chunk as a GenerateContentResponse. */
export function responseJson(chunk: Chunk, modelVersion: string, responseId: string): Json {
  const usageMetadata = isUsage(chunk.usage) ? usageJson(chunk.usage) : chunk.usage
  return {
    ...(isMembers(chunk.members) ? chunk.members : { candidates: [candidateJson(chunk)] }),
    usageMetadata: usageMetadata ?? undefined,
    modelVersion,
    responseId,
  }
}

/** `data: ` + one line of JSON + CRLF CRLF. */
export const eventOf = (json: string): string => `data: ${json}\r\n\r\n`

/**
 * The encoder of one response. Plain text chunks, nearly all of the traffic, are put together from
 * prebuilt pieces; everything else goes by `compact`.
 */
export function encoderOf(modelVersion: string, responseId: string): (frame: Frame) => string {
  const tail = `,"modelVersion": ${compact(modelVersion)},"responseId": ${compact(responseId)}}\r\n\r\n`
  return (frame) => {
    if ('raw' in frame) return frame.raw
    const text = plainText(frame)
    if (text === undefined || !isUsage(frame.usage))
      return eventOf(compact(responseJson(frame, modelVersion, responseId)))
    return `${plainHead(text)}${plainUsage(frame.usage)}${tail}`
  }
}

const HEADS = 1000
const heads = new Map<string, string>()

function plainHead(text: string): string {
  const found = heads.get(text)
  if (found !== undefined) return found
  const candidates = compact([candidateJson({ parts: [{ text }], usage: null })])
  const head = `data: {"candidates": ${candidates},"usageMetadata": `
  if (heads.size >= HEADS) heads.clear()
  if (text.length <= HEADS) heads.set(text, head)
  return head
}

function plainUsage({ promptTokens, outputTokens }: Usage): string {
  const counts = `{"promptTokenCount": ${promptTokens},"candidatesTokenCount": ${outputTokens}`
  return `${counts},"totalTokenCount": ${promptTokens + outputTokens},"promptTokensDetails": [{"modality": "TEXT","tokenCount": ${promptTokens}}]}`
}

function plainText({ parts, finish, usage, members }: Chunk): string | undefined {
  const [part] = parts ?? []
  const plain = part !== undefined && parts?.length === 1 && Object.keys(part).length === 1
  if (!plain || finish !== undefined || members !== undefined) return undefined
  return isUsage(usage) && usage.thoughtTokens === 0 && usage.outputTokens > 0 ? part.text : undefined
}

function candidateJson({ parts, finish }: Chunk): Json {
  const content = parts === null ? undefined : parts.length === 0 ? { role: 'model' } : { parts, role: 'model' }
  return { content, finishReason: finish, index: 0 }
}

const membersOf = (value: { readonly [key: string]: Json | undefined }): string =>
  Object.entries(value)
    .flatMap(([key, member]) => (member === undefined ? [] : [`${compact(key)}: ${compact(member)}`]))
    .join(',')

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const isMembers = (value: Json | undefined): value is { readonly [key: string]: Json | undefined } =>
  typeof value === 'object' && value !== null && !isList(value)
const isUsage = (usage: Usage | Json): usage is Usage =>
  typeof usage === 'object' && usage !== null && 'promptTokens' in usage && 'thoughtTokens' in usage

/** An event in two writes, cut inside its first character of several bytes (whole when there is none). */
export function splitInCharacter(event: string): Uint8Array[] {
  const bytes = Buffer.from(event)
  const at = bytes.findIndex((byte) => byte >= 0xc0)
  return at === -1 ? [bytes] : [bytes.subarray(0, at + 1), bytes.subarray(at + 1)]
}

/** An event in many writes: inside `data:`, inside its JSON, and between every byte of its CRLF CRLF. */
export function splitInLine(event: string): Uint8Array[] {
  const bytes = Buffer.from(event)
  const end = bytes.length
  const cuts = [0, 3, 6, Math.floor(end / 2), end - 4, end - 3, end - 2, end - 1, end]
  return cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut))
}
