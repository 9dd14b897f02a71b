import * as v from 'valibot'
import type { Contact, PersonaView } from '../../protocol/messages.ts'
import type { OpeningHours } from './hours.ts'
import { weekWords } from './hours-words.ts'
import { parseSections, type Section } from './knowledge-sections.ts'
import { parseJson } from './persona-json.ts'
import { issueWords, type Localized, type PersonaJson, personaSchema } from './persona-schema.ts'
import { type Lang, langs } from './sentences.ts'

/** What a visitor reads of the persona in one language; `notice` says that an AI answers. */
export type PersonaTexts = {
  greeting: string
  placeholder: string
  suggestions: readonly string[]
  notice: string
  hours: string
}

/** The shop's assistant as the webmaster wrote it. Every language has its texts: those not given are `lang`'s. */
export type Persona = {
  name: string
  /** The business that it speaks for; the assistant's own name where none is given. */
  shop: string
  lang: Lang
  /** Those that it greets in. */
  langs: readonly Lang[]
  texts: Readonly<Record<Lang, PersonaTexts>>
  contact: Omit<Contact, 'hours'>
  linkHosts: readonly string[]
  openingHours: OpeningHours
  instructions: string
  sections: readonly Section[]
}

export type PersonaFiles = {
  personaJson: string
  instructions: string
  knowledge: readonly { name: string; text: string }[]
}
export type PersonaResult = { ok: true; persona: Persona; warnings: string[] } | { ok: false; errors: string[] }

export const MAX_INSTRUCTIONS_CHARS = 12_000

/** The webmaster's files -> a persona, or every mistake at once, each naming its file and field. */
export function parsePersona(files: PersonaFiles): PersonaResult {
  const json = parseJson(files.personaJson.replace(/^\uFEFF/, ''))
  const instructions = files.instructions.replace(/^\uFEFF|<!--[\s\S]*?-->/g, '').trim()
  const errors = instructionErrors(instructions)
  if (!json.ok) {
    const { line, column, why } = json.fault
    return { ok: false, errors: [`persona.json: line ${line}, column ${column}: ${why}`, ...errors] }
  }
  const parsed = v.safeParse(personaSchema, json.value)
  errors.unshift(...(parsed.issues ?? []).map(issueWords), ...missingOwn(json.value))
  if (!parsed.success || errors.length > 0) return { ok: false, errors }
  const read = files.knowledge.map(({ name, text }) => parseSections(name, text.replace(/^\uFEFF/, '')))
  const persona = toPersona(
    parsed.output,
    instructions,
    read.flatMap(({ sections }) => sections),
  )
  return { ok: true, persona, warnings: [...read.flatMap(({ warnings }) => warnings), ...warningsOf(persona)] }
}

function instructionErrors(instructions: string): string[] {
  if (instructions === '') return ['instructions.md: is empty']
  if (instructions.length <= MAX_INSTRUCTIONS_CHARS) return []
  return [`instructions.md: is longer than ${MAX_INSTRUCTIONS_CHARS} characters; facts belong into knowledge/*.md`]
}

// An object of languages must hold the persona's own: the others fall back to it.
function missingOwn(json: unknown): string[] {
  const own = v.safeParse(v.object({ lang: v.picklist(langs) }), json)
  if (!own.success) return []
  const anything = v.record(v.string(), v.unknown())
  const root = v.parse(anything, json)
  const contact = v.safeParse(anything, root.contact)
  const fields = ['greeting', 'placeholder', 'suggestions', 'notice'].map((name) => ({ name, value: root[name] }))
  if (contact.success) fields.push({ name: 'contact.hours', value: contact.output.hours })
  return fields
    .filter(({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value))
    .filter(({ value }) => !v.is(v.object({ [own.output.lang]: v.unknown() }), value))
    .map(({ name }) => `persona.json: ${name}.${own.output.lang}: missing (it is the persona's own language)`)
}

function toPersona(json: PersonaJson, instructions: string, sections: Section[]): Persona {
  const { timeZone, exceptions, sunday, monday, tuesday, wednesday, thursday, friday, saturday } = json.openingHours
  const week = [sunday, monday, tuesday, wednesday, thursday, friday, saturday]
  const openingHours = { timeZone, week, exceptions: new Map(Object.entries(exceptions)) }
  const { hours, ...contact } = json.contact
  const inLang = (lang: Lang): PersonaTexts => {
    const pick = <T>(value: Localized<T>, empty: T) => value[lang] ?? value[json.lang] ?? value.own ?? empty
    return {
      greeting: pick(json.greeting, ''),
      placeholder: pick(json.placeholder, ''),
      suggestions: pick(json.suggestions, []),
      notice: pick(json.notice, ''),
      hours: hours ? pick(hours, '') : weekWords(openingHours, lang),
    }
  }
  const texts = { fr: inLang('fr'), en: inLang('en'), br: inLang('br') }
  return {
    name: json.name,
    shop: json.shop ?? json.name,
    lang: json.lang,
    langs: langs.filter((lang) => lang === json.lang || lang in json.greeting),
    texts,
    contact,
    linkHosts: json.linkHosts,
    openingHours,
    instructions,
    sections,
  }
}

function warningsOf({ contact, linkHosts, sections, texts, lang }: Persona): string[] {
  const warnings: string[] = []
  if (sections.length === 0) warnings.push('knowledge: no section; the assistant knows only its instructions')
  if (!contact.phone && !contact.email) warnings.push('persona.json: contact: neither phone nor email')
  if (contact.url && !linkHosts.includes(new URL(contact.url).hostname))
    warnings.push('persona.json: linkHosts: the host of contact.url is not in it; links there are shown as text')
  if (!/\b(?:IA|AI|artifici\p{L}*|automa\p{L}*)\b/iu.test(texts[lang].notice))
    warnings.push('persona.json: notice: does not seem to say that an AI answers, as the EU AI Act (art. 50) asks')
  const seen = new Set<string>()
  for (const { file, path } of sections) {
    const title = path.join(' › ')
    if (seen.has(`${file}\n${title}`)) warnings.push(`knowledge/${file}: "${title}" stands twice`)
    seen.add(`${file}\n${title}`)
  }
  return warnings
}

/** The persona as a client of `lang` gets it; what it doesn't say in `lang` comes in the persona's own language. */
export function personaView(persona: Persona, lang: Lang): PersonaView {
  const { hours, suggestions, ...texts } = persona.texts[lang]
  const contact = { ...persona.contact, hours }
  return { name: persona.name, ...texts, suggestions: [...suggestions], contact, linkHosts: [...persona.linkHosts] }
}

/** How to reach the shop and when it is open, as a section that every answer may draw on. */
export function contactSection(persona: Persona, lang: Lang = persona.lang): Section {
  const { phone, email, address, url } = persona.contact
  const words = contactWords[lang]
  const rows = [
    [words.phone, phone],
    [words.email, email],
    [words.address, address],
    [words.url, url],
    [words.hours, persona.texts[lang].hours],
  ]
  const lines = rows.filter(([, value]) => value).map(([label, value]) => `- ${label}${words.colon}${value}`)
  return { file: 'persona.json', path: [words.title], text: lines.join('\n'), keywords: '' }
}

const contactWords = {
  fr: {
    title: 'Contact et horaires',
    phone: 'Téléphone',
    email: 'E-mail',
    address: 'Adresse',
    url: 'Site',
    hours: 'Horaires',
    colon: '\u202F: ',
  },
  en: {
    title: 'Contact and opening hours',
    phone: 'Phone',
    email: 'E-mail',
    address: 'Address',
    url: 'Website',
    hours: 'Opening hours',
    colon: ': ',
  },
  br: {
    title: 'Darempred hag eurioù',
    phone: 'Pellgomz',
    email: 'Postel',
    address: 'Chomlec’h',
    url: 'Lec’hienn',
    hours: 'Eurioù digeriñ',
    colon: ': ',
  },
} satisfies Record<Lang, Record<string, string>>
