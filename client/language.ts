import type { Locale } from './locales/locale.ts'

/** Where each language's sentences are; the build knows the hashed names. */
declare const LOCALES: Readonly<Record<string, string>>

/** Language tags: `asked` by the page, `browser` the visitor's in order, `persona` what the assistant has words in. */
export type Wishes = { asked: string | null; browser: readonly string[]; persona: readonly string[]; own: string }

const prefix = (tag: string) => tag.toLowerCase().split(/[-_]/)[0] ?? ''

/** What the page asks for if it is in `known`; else the visitor's first that the persona has; else the persona's own. */
export function pickLanguage({ asked, browser, persona, own }: Wishes, known: readonly string[]): string {
  const wanted = prefix(asked ?? '')
  if (known.includes(wanted)) return wanted
  return browser.map(prefix).find((lang) => known.includes(lang) && persona.includes(lang)) ?? own
}

/** The sentences of the visitor's language, fetched; rejects when the network does. */
export async function loadLocale(wishes: Wishes): Promise<Locale> {
  const module: { default: Locale } = await import(LOCALES[pickLanguage(wishes, Object.keys(LOCALES))] ?? '')
  return module.default
}
