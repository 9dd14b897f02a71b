import type { Contact, ErrorCode } from '../../protocol/messages.ts'

export const langs = ['fr', 'en', 'br'] as const
export type Lang = (typeof langs)[number]

/** A visitor's BCP 47 tag ("fr-CA", "en_GB") -> the language we speak with the same prefix, or `fallback`. */
export function pickLang(wanted: string | undefined, fallback: Lang): Lang {
  const prefix = wanted?.trim().slice(0, 35).toLowerCase().split(/[-_]/, 1)[0]
  return langs.find((lang) => lang === prefix) ?? fallback
}

/** What a sentence may tell: how long to wait (ms from now) and how else to reach the shop. */
export type SentenceFacts = { retryAfterMs?: number; contact: Contact }

/** The visitor's sentence for a refusal: what happened and what to do next, never an upstream text. */
export function sentence(code: ErrorCode, lang: Lang, facts: SentenceFacts): string {
  const words = phrases[lang]
  return words[code]({
    wait: facts.retryAfterMs === undefined ? words.soon : waitWords(facts.retryAfterMs, words),
    contact: contactWords(facts.contact, words),
  })
}

type Slots = { wait: string; contact: string }
type Units = { seconds(n: number): string; minutes(n: number): string; hours(n: number): string }
type Phrases = Record<ErrorCode, (slots: Slots) => string> &
  Units & { soon: string; phone(n: string): string; email(a: string): string; or: string; other: string }

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

// Rounded up: waiting as long as the sentence says is always enough.
function waitWords(ms: number, units: Units): string {
  if (!Number.isFinite(ms) || ms <= SECOND) return units.seconds(1)
  if (ms <= 90 * SECOND) return units.seconds(Math.ceil(ms / SECOND))
  if (ms <= 90 * MINUTE) return units.minutes(Math.ceil(ms / MINUTE))
  return units.hours(Math.ceil(ms / HOUR))
}

function contactWords(contact: Contact, words: Phrases): string {
  const ways: string[] = []
  if (contact.phone) ways.push(words.phone(contact.phone))
  if (contact.email) ways.push(words.email(contact.email))
  return ways.join(words.or) || words.other
}

const plural = (n: number, one: string, many: string) => `${n}\u00A0${n === 1 ? one : many}`

const phrases: Record<Lang, Phrases> = {
  fr: {
    soon: 'dans un instant',
    seconds: (n) => `dans ${plural(n, 'seconde', 'secondes')}`,
    minutes: (n) => `dans ${plural(n, 'minute', 'minutes')}`,
    hours: (n) => `dans ${plural(n, 'heure', 'heures')}`,
    phone: (n) => `par téléphone au ${n}`,
    email: (a) => `par e-mail à ${a}`,
    or: ' ou ',
    other: 'directement à la boutique',
    bad_message: () => 'Ce message n’a pas pu être lu. Rechargez la page, puis reposez votre question.',
    hello_first: () => 'La conversation n’est pas encore ouverte. Rechargez la page, puis reposez votre question.',
    too_long: () => 'Votre question est trop longue. Raccourcissez-la un peu, puis renvoyez-la.',
    empty: () => 'Votre message est vide. Écrivez votre question, puis envoyez-la.',
    busy: () => 'Une réponse est déjà en cours. Attendez sa fin, ou arrêtez-la pour poser une autre question.',
    rate_limited: ({ wait }) => `Vous allez un peu vite pour nous. Renvoyez votre question ${wait}.`,
    proof_required: () =>
      'Une courte vérification est nécessaire. Renvoyez votre question\u202F: elle se fera toute seule.',
    budget_exhausted: ({ contact }) =>
      `L’assistant a assez répondu pour le moment. Revenez un peu plus tard, ou joignez-nous ${contact}.`,
    model_unavailable: ({ wait, contact }) =>
      `L’assistant est injoignable. Réessayez ${wait}, ou joignez-nous ${contact}.`,
    // Many visitors, or a store out of order: true of both.
    overloaded: ({ wait, contact }) =>
      `L’assistant ne peut pas répondre tout de suite. Réessayez ${wait}, ou joignez-nous ${contact}.`,
    internal: ({ contact }) =>
      `Quelque chose a mal tourné de notre côté. Réessayez\u202F; si cela continue, joignez-nous ${contact}.`,
  },
  en: {
    soon: 'in a moment',
    seconds: (n) => `in ${plural(n, 'second', 'seconds')}`,
    minutes: (n) => `in ${plural(n, 'minute', 'minutes')}`,
    hours: (n) => `in ${plural(n, 'hour', 'hours')}`,
    phone: (n) => `by phone on ${n}`,
    email: (a) => `by e-mail at ${a}`,
    or: ' or ',
    other: 'at the shop',
    bad_message: () => 'That message could not be read. Reload the page, then ask again.',
    hello_first: () => 'The conversation is not open yet. Reload the page, then ask again.',
    too_long: () => 'Your question is too long. Shorten it a little, then send it again.',
    empty: () => 'Your message is empty. Write your question, then send it.',
    busy: () => 'An answer is already on its way. Wait for its end, or stop it to ask something else.',
    rate_limited: ({ wait }) => `That is a little fast for us. Send your question again ${wait}.`,
    proof_required: () => 'A short check is needed. Send your question again: the check runs by itself.',
    budget_exhausted: ({ contact }) =>
      `The assistant has answered enough for now. Come back a little later, or reach us ${contact}.`,
    model_unavailable: ({ wait, contact }) =>
      `The assistant can’t be reached. Try again ${wait}, or reach us ${contact}.`,
    overloaded: ({ wait, contact }) =>
      `The assistant can’t answer right now. Try again ${wait}, or reach us ${contact}.`,
    internal: ({ contact }) => `Something went wrong on our side. Try again; if it goes on, reach us ${contact}.`,
  },
  br: {
    soon: 'a-benn nebeud',
    seconds: (n) => `a-benn ${n}\u00A0eilenn`,
    minutes: (n) => `a-benn ${n}\u00A0munut`,
    hours: (n) => `a-benn ${n}\u00A0eur`,
    phone: (n) => `dre bellgomz: ${n}`,
    email: (a) => `dre bostel: ${a}`,
    or: ' pe ',
    other: 'er stal',
    bad_message: () => 'N’eus ket bet gallet lenn ar gemennadenn. Adkargit ar bajenn ha goulennit en-dro.',
    hello_first: () => 'N’eo ket digor an diviz c’hoazh. Adkargit ar bajenn ha goulennit en-dro.',
    too_long: () => 'Re hir eo ho koulenn. Berrait anezhi un tamm ha kasit anezhi en-dro.',
    empty: () => 'Goullo eo ho kemennadenn. Skrivit ho koulenn ha kasit anezhi.',
    busy: () => 'Ur respont a zo o vont. Gortozit ma vo echu, pe ehanit anezhañ a-raok goulenn un dra all.',
    rate_limited: ({ wait }) => `Un tamm re vuan eo evidomp. Kasit ho koulenn en-dro ${wait}.`,
    proof_required: () => 'Ret eo ober ur gwiriadenn verr. Kasit ho koulenn en-dro: ober a raio he-unan.',
    budget_exhausted: ({ contact }) =>
      `Respontet en deus a-walc’h ar skoazeller evit poent. Distroit diwezhatoc’h, pe kit e darempred ganeomp ${contact}.`,
    model_unavailable: ({ wait, contact }) =>
      `N’haller ket tizhout ar skoazeller. Klaskit en-dro ${wait}, pe kit e darempred ganeomp ${contact}.`,
    overloaded: ({ wait, contact }) =>
      `N’hall ket ar skoazeller respont diouzhtu. Klaskit en-dro ${wait}, pe kit e darempred ganeomp ${contact}.`,
    internal: ({ contact }) =>
      `Ur fazi a zo bet en tu diouzhimp. Klaskit en-dro; ma talc’h, kit e darempred ganeomp ${contact}.`,
  },
}
