import * as v from 'valibot'
import type { Interval } from './hours.ts'
import { type Lang, langs } from './sentences.ts'

// What the webmaster reads when a field is wrong: short, without a programmer's words.
const quoted = (issue: { input: unknown }) => JSON.stringify(issue.input) ?? 'nothing'

const text = (max: number) =>
  v.pipe(
    v.string(),
    v.check((value) => value.trim() !== '', 'is empty'),
    v.maxLength(max, `is longer than ${max} characters`),
  )

const isPlainObject = (input: unknown) => typeof input === 'object' && input !== null && !Array.isArray(input)

/** One value for the persona's own language, or an object of values by language. */
const localized = <Schema extends v.GenericSchema>(schema: Schema) => {
  const one = v.pipe(
    schema,
    v.transform((own) => ({ own })),
  )
  const byLang = v.strictObject({
    fr: v.exactOptional(schema),
    en: v.exactOptional(schema),
    br: v.exactOptional(schema),
  })
  return v.lazy((input) => (isPlainObject(input) ? byLang : one))
}

const CLOCK = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/

function toMinutes(clock: string): number | undefined {
  const [, hour, minute] = CLOCK.exec(clock) ?? []
  if (clock === '24:00') return 1440
  return hour === undefined ? undefined : Number(hour) * 60 + Number(minute)
}

const interval = v.pipe(
  v.string(),
  v.rawTransform<string, Interval>(({ dataset, addIssue, NEVER }) => {
    const [first = '', last, ...more] = dataset.value.split(/\s*[-–]\s*/)
    const shown = JSON.stringify(dataset.value)
    if (last === undefined || more.length > 0) {
      addIssue({ message: `${shown} is not HH:MM-HH:MM, such as "09:30-12:30"` })
      return NEVER
    }
    const from = toMinutes(first)
    const to = toMinutes(last)
    if (from === undefined || to === undefined) {
      addIssue({ message: `${JSON.stringify(from === undefined ? first : last)} is not HH:MM` })
      return NEVER
    }
    if (from < to) return { from, to }
    addIssue({ message: `${shown} ends before it begins; past midnight, split it at 24:00 and go on the next day` })
    return NEVER
  }),
)

const day = v.pipe(
  v.array(interval),
  v.maxLength(8, 'has more than 8 intervals'),
  v.check(
    (list) => list.every((next, i) => i === 0 || next.from >= (list[i - 1]?.to ?? 0)),
    'intervals overlap or are out of order',
  ),
)

const DATE =
  /^(?:\d{4}-)?(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))$/
const date = v.pipe(
  v.string(),
  v.regex(DATE, (issue) => `${quoted(issue)} is not a date such as 2026-12-24, or 12-25 for every year`),
)

const openingHours = v.strictObject({
  timeZone: v.pipe(
    v.string(),
    v.check(isTimeZone, (issue) => `${quoted(issue)} is not a time zone such as Europe/Paris`),
  ),
  monday: day,
  tuesday: day,
  wednesday: day,
  thursday: day,
  friday: day,
  saturday: day,
  sunday: day,
  exceptions: v.optional(v.record(date, day), {}),
})

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== ''
  } catch {
    return false
  }
}

const contact = v.strictObject({
  phone: v.exactOptional(
    v.pipe(
      text(40),
      v.regex(/^\+?[\d\s().-]{3,}$/u, (issue) => `${quoted(issue)} is not a phone number`),
    ),
  ),
  email: v.exactOptional(
    v.pipe(
      text(200),
      v.regex(/^[^\s@<>]+@[^\s@<>]+$/u, (issue) => `${quoted(issue)} is not an e-mail address`),
    ),
  ),
  address: v.exactOptional(text(300)),
  url: v.exactOptional(
    v.pipe(
      text(300),
      v.check(isWebPage, (issue) => `${quoted(issue)} is not an https:// address`),
    ),
  ),
  hours: v.exactOptional(localized(text(300))),
})

function isWebPage(address: string): boolean {
  return URL.canParse(address) && new URL(address).protocol === 'https:'
}

const host = v.pipe(
  v.string(),
  v.regex(
    /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/,
    (issue) => `${quoted(issue)} is not a host name such as shop.example`,
  ),
)

/** The shape of persona.json; unknown fields are refused. */
export const personaSchema = v.strictObject({
  $schema: v.exactOptional(v.string()),
  name: text(60),
  shop: v.exactOptional(text(60)),
  lang: v.picklist(langs, (issue) => `${quoted(issue)} is not one of ${langs.join(', ')}`),
  greeting: localized(text(1000)),
  placeholder: localized(text(120)),
  suggestions: localized(v.pipe(v.array(text(120)), v.maxLength(8, 'has more than 8 entries'))),
  notice: localized(text(500)),
  contact,
  linkHosts: v.pipe(v.array(host), v.maxLength(50, 'has more than 50 entries')),
  openingHours,
})
export type PersonaJson = v.InferOutput<typeof personaSchema>
export type Localized<T> = { own?: T } & { [lang in Lang]?: T }

/** "persona.json: openingHours.monday[0]: …" for each issue. */
export function issueWords(issue: v.BaseIssue<unknown>): string {
  const place = (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${nameWords(String(key))}`))
    .join('')
  return `persona.json: ${place ? `${place.replace(/^\./, '')}: ` : ''}${reasonWords(issue)}`
}

// A name that nobody expects may hold anything.
const nameWords = (name: string): string => (/^[\w$-]+$/.test(name) ? name : JSON.stringify(name))

function reasonWords(issue: v.BaseIssue<unknown>): string {
  if (issue.kind !== 'schema' || issue.type === 'picklist') return issue.message
  if (issue.expected === 'never') return 'unknown field'
  if (issue.received === 'undefined') return 'missing'
  const wanted = typeWords[issue.type] ?? issue.type
  return `${JSON.stringify(issue.input)?.slice(0, 60)} is not ${wanted}`
}
const typeWords: Record<string, string> = {
  string: 'a text in double quotes',
  array: 'a list in [ ]',
  record: 'an object in { }',
  strict_object: 'an object in { }',
}
