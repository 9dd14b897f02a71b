import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { contactSection, type Persona } from '../chat/persona.ts'
import { etagOf, type Page, type Pages } from './pages.ts'

const brotli = promisify(brotliCompress)
const zip = promisify(gzip)

/**
 * The pages with the persona's words in `/`, so that the first paint needs neither script nor socket; `logo`, an SVG,
 * stands in for ours.
 */
export async function withPersona(pages: Pages, persona: Persona, logo?: string): Promise<Pages> {
  const template = pages.get('/')
  if (!template) return pages
  const locale = [...pages.keys()].find((path) => path.startsWith(`/locale-${persona.lang}-`))
  const html = template.bodies.identity.toString('utf8')
  const picture = [...pages.keys()].find((path) => path.startsWith('/favicon-')) ?? '/favicon.svg'
  const identity = Buffer.from(fillTemplate(logo ? html.replaceAll(picture, LOGO) : html, persona, locale))
  const [br, gz] = await Promise.all([brotli(identity), zip(identity)])
  const index: Page = { ...template, etag: etagOf(identity), bodies: { identity, br, gzip: gz } }
  return new Map([...pages, ...(logo ? [logoPage(logo)] : []), ['/', index]])
}

// Its name stays, because each new persona may bring another.
const LOGO = '/logo.svg'

function logoPage(svg: string): [path: string, page: Page] {
  const identity = Buffer.from(svg)
  return [LOGO, { type: 'image/svg+xml', cache: 'no-cache', etag: etagOf(identity), bodies: { identity } }]
}

/**
 * Puts the persona's words, escaped, in place of {{lang}}, {{title}}, {{name}}, {{shop}}, {{greeting}}, …; `locale` is
 * where the page's own sentences in the persona's language are, to be fetched early.
 */
export function fillTemplate(html: string, persona: Persona, locale = ''): string {
  const { greeting, placeholder, notice } = persona.texts[persona.lang]
  const { name, shop, lang } = persona
  const { phone = '', email = '' } = persona.contact
  const title = shop === name ? name : `${name} – ${shop}`
  const words = {
    lang,
    langs: persona.langs.join(' '),
    locale,
    title,
    name,
    shop,
    greeting,
    placeholder,
    notice,
    noscript: withoutScript[lang],
    phone,
    tel: dialled(phone),
    email,
    reach: contactSection(persona).path.join(' '),
  }
  const escaped = Object.entries(words).map(([key, value]) => [key, escapeHtml(value)] as const)
  const values = new Map([...escaped, ['contact', contactHtml(persona)] as const])
  return html.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => values.get(key) ?? whole)
}

const withoutScript: Readonly<Record<Persona['lang'], string>> = {
  fr: 'L’assistant a besoin de JavaScript. Sans lui, la boutique reste à votre écoute\u00a0:',
  en: 'The assistant needs JavaScript. Without it, the shop is still here for you:',
  br: 'Ezhomm en deus ar skoazeller eus JavaScript. Heptañ e chom ar stal en ho servij:',
}

const dialled = (phone: string) => phone.replace(/[^+\d]/g, '')

/** The contact card's rows, with links that a phone can follow. */
function contactHtml(persona: Persona): string {
  const { phone, email, url } = persona.contact
  const hrefs = new Map([
    [phone, phone && `tel:${dialled(phone)}`],
    [email, email && `mailto:${email}`],
    [url, url],
  ])
  const rows = contactSection(persona).text.split('\n')
  return rows.map((row) => `<p>${linked(row.replace(/^- /, ''), hrefs)}</p>`).join('')
}

function linked(row: string, hrefs: ReadonlyMap<string | undefined, string | undefined>): string {
  for (const [text, href] of hrefs) {
    if (text === undefined || href === undefined || !row.endsWith(text)) continue
    return `${escapeHtml(row.slice(0, -text.length))}<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`
  }
  return escapeHtml(row)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)
