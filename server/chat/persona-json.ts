/** Where and why a text is not JSON: `line` and `column` count from 1. */
export type JsonFault = { line: number; column: number; why: string }
export type Json = { ok: true; value: unknown } | { ok: false; fault: JsonFault }

/**
 * JSON.parse with the place of the first mistake, which the engine's own messages often leave out.
 * A name twice in one object is a mistake too: the last would win in silence.
 */
export function parseJson(text: string): Json {
  const fault = findFault(text)
  if (!fault) return { ok: true, value: JSON.parse(text) }
  const lines = text.slice(0, fault.at).split('\n')
  return { ok: false, fault: { line: lines.length, column: (lines.at(-1) ?? '').length + 1, why: fault.why } }
}

const MAX_DEPTH = 50
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const STRING = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const SPACE = /[ \t\r\n]*/y

// Each inner function moves `at` past what it reads and returns nothing, or leaves it at the fault and says why.
function findFault(text: string): { at: number; why: string } | undefined {
  let at = 0
  const why = value(0) ?? rest()
  return why === undefined ? undefined : { at, why }

  function rest(): string | undefined {
    read(SPACE)
    return at < text.length ? unexpected('the end') : undefined
  }

  function value(depth: number): string | undefined {
    read(SPACE)
    if (depth > MAX_DEPTH) return 'nested too deep'
    if (text[at] === '[') return list(']', () => value(depth + 1))
    if (text[at] === '{') {
      const names = new Set<string>()
      return list('}', () => member(names, depth + 1))
    }
    if (text[at] === '"') return read(STRING) === undefined ? 'a text that is not closed on its line' : undefined
    return read(SCALAR) === undefined ? unexpected('a value') : undefined
  }

  function list(end: ']' | '}', item: () => string | undefined): string | undefined {
    at++
    read(SPACE)
    if (text[at] === end) return void at++
    for (;;) {
      const fault = item()
      if (fault !== undefined) return fault
      read(SPACE)
      if (text[at] === end) return void at++
      if (text[at] !== ',') return unexpected(`"," or "${end}"`)
      at++
    }
  }

  function member(names: Set<string>, depth: number): string | undefined {
    read(SPACE)
    const start = at
    const name = read(STRING)
    if (name === undefined) return unexpected('a name in double quotes')
    if (names.has(name)) {
      at = start
      return `${name} stands twice`
    }
    names.add(name)
    read(SPACE)
    if (text[at] !== ':') return unexpected('":"')
    at++
    return value(depth)
  }

  function read(pattern: RegExp): string | undefined {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    at += found?.length ?? 0
    return found
  }

  function unexpected(wanted: string): string {
    const char = text.slice(at, at + 2).match(/^./su)?.[0]
    return char === undefined ? `the file ends before ${wanted}` : `${JSON.stringify(char)} instead of ${wanted}`
  }
}
