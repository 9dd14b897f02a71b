import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Persona, parsePersona } from '../../server/chat/persona.ts'
import { fillTemplate, withPersona } from '../../server/http/index-page.ts'
import type { Page } from '../../server/http/pages.ts'

const personaOf = async (change: (json: Record<string, unknown>) => void = () => {}): Promise<Persona> => {
  const json: unknown = JSON.parse(await readFile('persona/persona.json', 'utf8'))
  if (typeof json !== 'object' || json === null) throw new Error('no persona')
  const changed: Record<string, unknown> = { ...json }
  change(changed)
  const result = parsePersona({ personaJson: JSON.stringify(changed), instructions: 'x', knowledge: [] })
  if (!result.ok) throw new Error(result.errors.join('\n'))
  return result.persona
}

test('the page holds the persona before any script runs', async () => {
  const html = fillTemplate(await readFile('client/index.html', 'utf8'), await personaOf())
  assert.match(html, '<html lang="fr" data-langs="fr en br">')
  assert.match(html, '<title>Le Mécano (IA) – Breizh Vélos</title>')
  assert.match(html, 'Bonjour marin')
  assert.match(html, '<p class="card">L’assistant a besoin de JavaScript.')
  assert.match(html, '<h2 id="contact-title">Contact et horaires</h2>')
  assert.match(html, '<a href="tel:0261912935">02 61 91 29 35</a>')
  assert.match(html, '<a href="mailto:bonjour@breizh-velos.example">')
  assert.not.match(html, /\{\{/)
})

test('a persona text with markup stays text', async () => {
  const persona = await personaOf((json) => {
    json.name = `<script>alert("1")</script>`
    json.greeting = `"><img src=x onerror='x'> {{name}} & co`
  })
  const html = fillTemplate('<h1>{{name}}</h1><p title="{{greeting}}">', persona)
  assert.is(
    html,
    '<h1>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</h1>' +
      '<p title="&quot;&gt;&lt;img src=x onerror=&#39;x&#39;&gt; {{name}} &amp; co">',
  )
})

test('the filled page is packed anew and gets an ETag of its own', async () => {
  const built: Page = {
    type: 'text/html',
    cache: 'no-cache',
    etag: 'W/"old"',
    bodies: { identity: Buffer.from('<h1>{{name}}</h1>') },
  }
  const pages = await withPersona(new Map([['/', built]]), await personaOf())
  const page = pages.get('/')
  assert.is(String(page?.bodies.identity), '<h1>Le Mécano (IA)</h1>')
  assert.is(String(gunzipSync(page?.bodies.gzip ?? Buffer.of())), '<h1>Le Mécano (IA)</h1>')
  assert.is.not(page?.etag, 'W/"old"')
})

test.run()
