import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { safeHref } from '../../client/links.ts'
import { Markdown } from '../../client/markdown.ts'
import type { Verbs } from '../../client/markdown-verbs.ts'

type Node = { kind: string; attribute: string; children: (Node | string)[] }

const textOf = (node: Node | string): string => (typeof node === 'string' ? node : htmlOf(node))

function htmlOf({ kind, attribute, children }: Node): string {
  const inner = children.map(textOf).join('')
  return kind === 'br' ? '<br>' : `<${kind}${attribute}>${inner}</${kind}>`
}

/** A tree of the same verbs that the page draws with; links lead to `shop` alone. */
function tree(): { root: Node; verbs: Verbs; deepest(): number } {
  const root: Node = { kind: 'root', attribute: '', children: [] }
  const open: Node[] = [root]
  let deepest = 0
  const top = () => open.at(-1) ?? root
  const unwrap = (level: number, marker: string) => {
    const at = open.length - 1 - level
    const [node] = open.splice(at, 1)
    const parent = open[at - 1]
    assert.ok(node && parent, 'unwraps an open element')
    if (node && parent) parent.children.splice(parent.children.indexOf(node), 1, marker, ...node.children)
  }
  const verbs: Verbs = {
    open(kind, detail) {
      const node: Node = { kind, attribute: detail === undefined || detail === 1 ? '' : ` ${detail}`, children: [] }
      top().children.push(node)
      open.push(node)
      deepest = Math.max(deepest, open.length)
    },
    text: (text) => top().children.push(text),
    lineBreak: () => top().children.push({ kind: 'br', attribute: '', children: [] }),
    close: () => assert.ok(open.length > 1 && open.pop(), 'closes an open element'),
    link(url) {
      const to = safeHref(url, ['shop.example'])
      if (to === undefined) return unwrap(0, '')
      const node = open.pop()
      if (node) node.attribute = ` href=${to}`
    },
    unwrap,
  }
  return { root, verbs, deepest: () => deepest }
}

function render(...chunks: string[]): string {
  const { root, verbs } = tree()
  const markdown = new Markdown(verbs)
  for (const chunk of chunks) markdown.write(chunk)
  markdown.end()
  return root.children.map(textOf).join('')
}

const cases: [name: string, text: string, html: string][] = [
  ['a paragraph', 'Bonjour marin !', '<p>Bonjour marin !</p>'],
  ['breaks and paragraphs', 'a\nb\n\n\nc\n', '<p>a<br>b</p><p>c</p>'],
  ['strong and em', '**450 €** et *doux*', '<p><strong>450 €</strong> et <em>doux</em></p>'],
  ['both at once', '***a*** b', '<p><em><strong>a</strong></em> b</p>'],
  ['nested', '**a *b* c**', '<p><strong>a <em>b</em> c</strong></p>'],
  ['underscores', '_a_ __b__', '<p><em>a</em> <strong>b</strong></p>'],
  ['part numbers stay whole', 'CBL_101_X et 2*3*4 et a**b**c', '<p>CBL_101_X et 2*3*4 et a**b**c</p>'],
  ['emphasis ends with its word', '**vélo**s', '<p>**vélo**s</p>'],
  ['spaced stars are text', '2 * 3 * 4', '<p>2 * 3 * 4</p>'],
  ['a footnote star is text', '*Prix hors pose\nmerci', '<p>*Prix hors pose<br>merci</p>'],
  ['an end that never comes', '**a *b', '<p>**a *b</p>'],
  ['an inner end that never comes', '**a *b** c', '<p><strong>a *b</strong> c</p>'],
  ['emphasis ends with its paragraph', '**a\n\nb**', '<p>**a</p><p>b**</p>'],
  ['after an apostrophe', 'l’**atelier**, ici', '<p>l’<strong>atelier</strong>, ici</p>'],
  ['escapes', '\\*a\\* \\b \\[x](y)', '<p>*a* \\b [x](y)</p>'],
  ['a list', '- a\n- b\n', '<ul><li>a</li><li>b</li></ul>'],
  ['a list after text', 'Voici :\n- a\n* b', '<p>Voici :</p><ul><li>a</li><li>b</li></ul>'],
  ['strong in items', '* **VTT** : 450\n* x', '<ul><li><strong>VTT</strong> : 450</li><li>x</li></ul>'],
  ['numbers', '1. a\n2. b\n\n3) c', '<ol><li>a</li><li>b</li><li>c</li></ol>'],
  ['a first number', '4. a', '<ol 4><li>a</li></ol>'],
  ['a year is no list', 'depuis\n2019. Bref', '<p>depuis<br>2019. Bref</p>'],
  ['nested lists', '- a\n  - b\n  - c\n- d', '<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul>'],
  ['bullets in numbers', '1. a\n   - b\n2. c', '<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>'],
  ['another kind of list', '- a\n1. b', '<ul><li>a</li></ul><ol><li>b</li></ol>'],
  ['text after a list', '- a\nb\n\nc', '<ul><li>a<br>b</li></ul><p>c</p>'],
  ['a paragraph in an item', '- a\n\n  b\n- c', '<ul><li>a<p>b</p></li><li>c</li></ul>'],
  ['a heading', 'x\n## Nos **prix**\ny', '<p>x</p><h>Nos <strong>prix</strong></h><p>y</p>'],
  ['a hash is text', '#1 du vélo', '<p>#1 du vélo</p>'],
  ['a dash is text', '-5 °C', '<p>-5 °C</p>'],
  ['our link', '[vélos](https://shop.example/v?a=1)', '<p><a href=https://shop.example/v?a=1>vélos</a></p>'],
  ['a titled link', '[a](https://shop.example/ "t") b', '<p><a href=https://shop.example/>a</a> b</p>'],
  [
    'mail and phone',
    '[m](mailto:a@b.fr) [t](tel:+33298000000)',
    '<p><a href=mailto:a@b.fr>m</a> <a href=tel:+33298000000>t</a></p>',
  ],
  ['a link in strong', '**[a](tel:1)**', '<p><strong><a href=tel:1>a</a></strong></p>'],
  ['strong in a link', '[**a** *b](tel:1)', '<p><a href=tel:1><strong>a</strong> *b</a></p>'],
  ['a foreign link is text', '[a](https://evil.example/)!', '<p>a!</p>'],
  ['brackets are text', '[a] [b](c d', '<p>[a] [b](c d</p>'],
  ['an open bracket', '[a **b**', '<p>[a <strong>b</strong></p>'],
  [
    'a table',
    '| Vélo | Prix |\n|:---|---:|\n| **VTT** | 450 € |\n| Ville | 300 |\n\nFin',
    '<table><tr><th>Vélo </th><th right>Prix </th></tr><tr><td><strong>VTT</strong> </td><td right>450 € </td></tr><tr><td>Ville </td><td right>300 </td></tr></table><p>Fin</p>',
  ],
  [
    'a table after text',
    'a\n|b|c\n-|:-:\n|d\ne',
    '<p>a</p><table><tr><th>b</th><th center>c</th></tr><tr><td>d</td></tr></table><p>e</p>',
  ],
  ['pipes are text', 'a | b\n| c\nd', '<p>a | b<br>| c<br>d</p>'],
  ['an escaped pipe', '|a\\|b|\n|-|', '<table><tr><th>a|b</th></tr></table>'],
  ['a head too long to wait for', `|${'a'.repeat(1500)}|\n|-|`, `<p>|${'a'.repeat(1500)}|<br>|-|</p>`],
  ['html is text', '<img src=x onerror=alert(1)>', '<p><img src=x onerror=alert(1)></p>'],
]

for (const [name, text, html] of cases) {
  test(`[MD] ${name}`, () => {
    assert.is(render(text), html)
    assert.is(render(...text), html, 'character by character')
  })
}

const hostile = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'vbscript:x',
  'data:text/html,x',
  'http://shop.example/',
  '//shop.example/',
  '/path',
  'https://shop.example@evil.example/',
  'https://a:b@shop.example/',
  'https://a@shop.example/',
  'https://shop.example.evil.example/',
  'https://evil.example/shop.example',
  'blob:https://shop.example/x',
  'file:///etc/passwd',
  'https://shop.example:8443/',
  'mailto:a@b.fr?bcc=c@d.fr',
  'tel:1;ext=javascript',
  'https:\\\\evil.example',
  '',
]

test('[MD] hostile addresses lead nowhere', () => {
  for (const url of hostile) assert.is(safeHref(url, ['shop.example']), undefined, url)
})

const pieces = fc.constantFrom(
  '*',
  '**',
  '_',
  '__',
  '***',
  '[',
  ']',
  '](',
  ')',
  '](tel:1)',
  '\\',
  '\n',
  '\n\n',
  '- ',
  '  - ',
  '1. ',
  '2) ',
  '# ',
  '|',
  '\n|-|\n',
  '| a | b |\n|-|-:|\n| c',
  ':',
  ' ',
  '\t',
  'a',
  'é',
  '🚲',
  '\u00a0',
  'vélo',
  '!',
  '-',
  '12',
  '(',
  '"',
)

test('[MD] any cutting of any text draws the same', () => {
  const text = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(8), { maxLength: 30 }), (whole, cuts) => {
      const chunks: string[] = []
      let at = 0
      for (const cut of cuts) {
        chunks.push(whole.slice(at, at + cut))
        at += cut
      }
      assert.is(render(...chunks, whole.slice(at)), render(whole))
    }),
    { numRuns: 600 },
  )
})

test('[MD] no text is lost, whatever it is', () => {
  const letters = (text: string) => text.replace(/<[^>]*>|[^a-zé]/g, '')
  const text = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('').replaceAll('](', ''))
  fc.assert(
    fc.property(text, (whole) => assert.is(letters(render(whole)), letters(whole))),
    { numRuns: 400 },
  )
})

test('[MD] nesting is bounded, and hostile text costs no more than its length', () => {
  const pieces = ['**a ', '_a ', '[', '[a](', '- ', '*a **b ', '](', '|', '|-|\n', '\\', '1. ', '*']
  const nested = Array.from({ length: 100 }, (_, depth) => `${' '.repeat(2 * depth)}- **a _b\n`).join('')
  for (const text of [nested, ...pieces.map((piece) => piece.repeat(20_000 / piece.length))]) {
    const { verbs, deepest } = tree()
    const markdown = new Markdown(verbs)
    markdown.write(text)
    markdown.end()
    assert.ok(deepest() <= 20, `${text.slice(0, 10)}: ${deepest()} deep`)
  }
})

test.run()
