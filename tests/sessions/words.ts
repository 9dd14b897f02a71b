/** What a script may say about a value: text with $NAMEs in it, or any JSON. `times` repeats a text. */
export type Value = { text: string; times: number } | { json: unknown }
export type Operator = '=' | '!=' | '~' | '>' | '>=' | '<' | '<=' | 'absent'
/** `field` is a dotted path. */
export type Condition = { field: string; operator: Operator; value: Value }
export type Variables = ReadonlyMap<string, unknown>

/** Splits at blanks, but not inside "…", […] or {…}. Throws when one of these stays open. */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  let word = ''
  let quoted = false
  let depth = 0
  for (let i = 0; i < line.length; i += 1) {
    const char = line.charAt(i)
    if (quoted && char === '\\') {
      word += char + line.charAt(i + 1)
      i += 1
      continue
    }
    if (char === '"') quoted = !quoted
    else if (!quoted && /[[{]/.test(char)) depth += 1
    else if (!quoted && /[\]}]/.test(char)) depth -= 1
    if (/\s/.test(char) && !quoted && depth === 0) {
      if (word !== '') words.push(word)
      word = ''
    } else word += char
  }
  if (quoted || depth !== 0) throw new Error('a quote or a bracket stays open')
  return word === '' ? words : [...words, word]
}

/** `"a"*3`, `"text"`, a number, JSON, $NAME or a bare word. */
export function parseValue(word: string): Value {
  const repeated = /^(".*")\*(\d{1,7})$/s.exec(word)
  if (repeated) return { text: textOf(repeated[1] ?? ''), times: Number(repeated[2]) }
  if (word.startsWith('"')) return { text: textOf(word), times: 1 }
  if (/^(-?\d|\[|\{|true$|false$|null$)/.test(word)) return jsonOr(word)
  return { text: word, times: 1 }
}

function textOf(word: string): string {
  const text: unknown = JSON.parse(word)
  if (typeof text !== 'string') throw new Error(`${word} is not a text`)
  return text
}

// A bare word may well begin with a digit.
function jsonOr(word: string): Value {
  try {
    return { json: JSON.parse(word) }
  } catch {
    return { text: word, times: 1 }
  }
}

export function conditionOf(word: string): Condition {
  const absent = /^!([\w.-]+)$/.exec(word)
  if (absent) return { field: absent[1] ?? '', operator: 'absent', value: { json: null } }
  const [, field, operator, value] = /^([\w.-]+)(!=|>=|<=|=|~|>|<)(.*)$/s.exec(word) ?? []
  if (field === undefined || !isOperator(operator)) throw new Error(`"${word}" is not field=value`)
  return { field, operator, value: parseValue(value ?? '') }
}

const isOperator = (text: string | undefined): text is Operator => /^(!=|>=|<=|=|~|>|<)$/.test(text ?? '')

/** The value with its $NAMEs filled in; a lone $NAME keeps its type. Throws for a name that was never saved. */
export function fill(value: Value, variables: Variables): unknown {
  if ('json' in value) return value.json
  const lone = /^\$([A-Za-z]\w*)$/.exec(value.text)
  if (lone && value.times === 1) return lookUp(lone[1] ?? '', variables)
  return fillText(value.text, variables).repeat(value.times)
}

export const fillText = (text: string, variables: Variables): string =>
  text.replace(/\$([A-Za-z]\w*)/g, (_, name) => String(lookUp(name, variables)))

function lookUp(name: string, variables: Variables): unknown {
  if (!variables.has(name)) throw new Error(`nothing was saved as ${name}`)
  return variables.get(name)
}
