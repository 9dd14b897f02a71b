import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { welcome } from './messages.ts'

const client = join(import.meta.dirname, '../../client')
const at = (...names: string[]) => names.map((name) => join(client, name))
const langs = ['fr', 'en', 'br']

export type ClientPage = { type: string; body: string | Uint8Array; headers?: Record<string, string> }

/** The client as it is built for release, but under plain names, and with the words of `welcome()` in its page. */
export async function buildPages(): Promise<Map<string, ClientPage>> {
  const options = { outdir: client, bundle: true, minify: true, write: false, target: 'es2022' } as const
  const locales = Object.fromEntries(langs.map((lang) => [lang, `/locales/${lang}.js`]))
  const parts = JSON.stringify({ frame: '/frame.js', save: '/save.js' })
  const define = { PROOF_WORKER: '"/proof-worker.js"', LOCALES: JSON.stringify(locales), PARTS: parts }
  const modules = [
    'page.ts',
    'page.css',
    'print.css',
    'frame.ts',
    'save.ts',
    ...langs.map((lang) => `locales/${lang}.ts`),
  ]
  const { outputFiles: css } = await build({ ...options, entryPoints: at('embed.css') })
  const [page, scripts] = await Promise.all([
    build({ ...options, entryPoints: at(...modules), outbase: client, format: 'esm', define }),
    build({
      ...options,
      entryPoints: at('proof-worker.ts', 'embed.ts'),
      format: 'iife',
      define: { EMBED_CSS: JSON.stringify(css[0]?.text) },
    }),
  ])
  const pages = new Map<string, ClientPage>([
    ['/', { type: 'text/html; charset=utf-8', body: fill(await readFile(join(client, 'index.html'), 'utf8')) }],
    ['/favicon.svg', { type: 'image/svg+xml', body: await readFile(join(client, 'favicon.svg')) }],
  ])
  for (const { path, contents } of [...page.outputFiles, ...scripts.outputFiles]) {
    const name = path.slice(client.length)
    const type = name.endsWith('.js') ? 'text/javascript' : 'text/css'
    const shared = name === '/embed.js' && { headers: { 'cross-origin-resource-policy': 'cross-origin' } }
    pages.set(name, { type, body: contents, ...shared })
  }
  return pages
}

/** What the server fills in from the persona. */
function fill(html: string): string {
  const { name, greeting, placeholder, notice, contact } = welcome().persona
  const { phone = '', email = '' } = contact
  const words: Record<string, string> = {
    lang: 'fr',
    langs: 'fr en',
    locale: '/locales/fr.js',
    title: 'Le Mécano (IA) – Breizh Vélos',
    shop: 'Breizh Vélos',
    name,
    greeting,
    placeholder,
    notice,
    phone,
    tel: phone.replaceAll(' ', ''),
    email,
    noscript: 'L’assistant a besoin de JavaScript.',
    reach: 'Contact et horaires',
    contact: '<p>Téléphone\u00a0: <a href="tel:+33298000000">02 98 00 00 00</a></p>',
  }
  return html.replace(/\{\{(\w+)\}\}/g, (_, key: string) => words[key] ?? '')
}
