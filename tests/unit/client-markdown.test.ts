import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { safeHref } from '../../client/links.ts'
import { draw, render } from './client-markdown-tree.ts'

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
  ['a list after text', 'Voici :\n- a\n- b', '<p>Voici :</p><ul><li>a</li><li>b</li></ul>'],
  ['strong in items', '* **VTT** : 450\n* x', '<ul><li><strong>VTT</strong> : 450</li><li>x</li></ul>'],
  ['numbers', '1. a\n2. b\n\n3. c', '<ol><li>a</li><li>b</li><li>c</li></ol>'],
  [
    'another mark, another list',
    '1. a\n3) b\n- c\n* d',
    '<ol><li>a</li></ol><ol 3><li>b</li></ol><ul><li>c</li></ul><ul><li>d</li></ul>',
  ],
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
    '<table><tr><th>Vélo</th><th right>Prix</th></tr><tr><td><strong>VTT</strong></td><td right>450 €</td></tr><tr><td>Ville</td><td right>300</td></tr></table><p>Fin</p>',
  ],
  [
    'a table after text',
    'a\n|b|c\n-|:-:\n|d\ne',
    '<p>a</p><table><tr><th>b</th><th center>c</th></tr><tr><td>d</td></tr></table><p>e</p>',
  ],
  ['an empty cell', '|a|\n|-|\n|| \n', '<table><tr><th>a</th></tr><tr><td></td></tr></table>'],
  ['pipes are text', 'a | b\n| c\nd', '<p>a | b<br>| c<br>d</p>'],
  ['an escaped pipe', '|a\\|b|\n|-|', '<table><tr><th>a|b</th></tr></table>'],
  ['a head too long to wait for', `|${'a'.repeat(1500)}|\n|-|`, `<p>|${'a'.repeat(1500)}|<br>|-|</p>`],
  ['hard breaks', 'a  \nb\\\nc', '<p>a<br>b<br>c</p>'],
  [
    'a break tag',
    '| a |\n|---|\n| b<br>c<BR /> d |',
    '<table><tr><th>a</th></tr><tr><td>b<br>c<br> d</td></tr></table>',
  ],
  ['a code span', 'le `CBL_101_X *` ici', '<p>le <code>CBL_101_X *</code> ici</p>'],
  ['code with ticks', '`` a ` b `` c', '<p><code>a ` b</code> c</p>'],
  ['a tick is text', '5` et **6**', '<p>5` et <strong>6</strong></p>'],
  ['a fence', 'a\n```js\nx *y*\n\n    <b>\n```\nc', '<p>a</p><pre><code>x *y*\n\n    <b>\n</code></pre><p>c</p>'],
  ['a fence without end', '~~~\na\n```\nb', '<pre><code>a\n```\nb</code></pre>'],
  [
    'a fence in an item',
    '1. a\n   ```\n   b\n     c\n   ```\n2. d',
    '<ol><li>a<pre><code>b\n  c\n</code></pre></li><li>d</li></ol>',
  ],
  ['an underlined title', 'Nos **prix**\n===\nx', '<h>Nos <strong>prix</strong></h><p>x</p>'],
  ['a closed heading', '## Nos prix ##\nC # D #\n', '<h>Nos prix</h><p>C # D #</p>'],
  ['a rule', 'a\n\n---\n* * *\nb', '<p>a</p><hr><hr><p>b</p>'],
  ['a quote', '> a\n> b\nc\n\nd', '<blockquote><p>a<br>b<br>c</p></blockquote><p>d</p>'],
  [
    'a list in a quote',
    '> - a\n>   - b\n>\n> c',
    '<blockquote><ul><li>a<ul><li>b</li></ul></li></ul><p>c</p></blockquote>',
  ],
  ['a quote in an item', '- a\n  > b\n\n  c', '<ul><li>a<blockquote><p>b</p></blockquote><p>c</p></li></ul>'],
  ['a heading in an item', '- # a\n  b', '<ul><li><h>a</h><p>b</p></li></ul>'],
  [
    'a table in an item',
    '- a\n\n  |b|\n  |-|\n  |c|\n- d',
    '<ul><li>a<table><tr><th>b</th></tr><tr><td>c</td></tr></table></li><li>d</li></ul>',
  ],
  ['a careless bullet in a number', '1. a\n  - b\n2. c', '<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>'],
  ['wide bullets', '*   a\n    *   b\n*   c', '<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>'],
  ['tabs', '- a\n\t- b\n\n\tc', '<ul><li>a<ul><li>b</li></ul><p>c</p></li></ul>'],
  ['an item that begins with nothing', '-\n  a\n- b', '<ul><li>a</li><li>b</li></ul>'],
  ['an image is its text', 'Le ![VTT *rouge*](https://evil.example/x.png "t") !', '<p>Le VTT <em>rouge</em> !</p>'],
  ['an image in a link', '[![VTT](x.png)](tel:1)', '<p><a href=tel:1>VTT</a></p>'],
  ['brackets in a link', '[a [b] c](tel:1)', '<p><a href=tel:1>a [b] c</a></p>'],
  [
    'parentheses in an address',
    '[a](https://shop.example/x_(y)) [b](<tel:2>)',
    '<p><a href=https://shop.example/x_(y)>a</a> <a href=tel:2>b</a></p>',
  ],
  [
    'autolinks',
    '<https://shop.example/a_b_c> <a@b.fr> <b>',
    '<p><a href=https://shop.example/a_b_c>https://shop.example/a_b_c</a> <a href=mailto:a@b.fr>a@b.fr</a> <b></p>',
  ],
  [
    'a bare address',
    'Voir (https://shop.example/a_b_c), **https://shop.example/d**.',
    '<p>Voir (<a href=https://shop.example/a_b_c>https://shop.example/a_b_c</a>), <strong><a href=https://shop.example/d>https://shop.example/d</a></strong>.</p>',
  ],
  ['a foreign bare address', 'ah, https://evil.example/a_b_c !', '<p>ah, https://evil.example/a_b_c !</p>'],
  [
    'phone numbers',
    'Au 02 98 00 00 00, +33 298000000 ou 0,5 bar, 10 02 98 00 00 00 1',
    '<p>Au <a href=tel:0298000000>02 98 00 00 00</a>, <a href=tel:+33298000000>+33 298000000</a> ou 0,5 bar, 10 <a href=tel:0298000000>02 98 00 00 00</a> 1</p>',
  ],
  [
    'entities',
    'a&nbsp;&amp;&lt;b&gt; &euro;&#8364;&#x20AC; &#0; &unknown; & &quot',
    '<p>a\u00a0&<b> €€€ \ufffd &unknown; & &quot</p>',
  ],
  ['entities are no markup', '&#42;a&#42; [a](tel:1&#49;)', '<p>*a* <a href=tel:11>a</a></p>'],
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
  'https:shop.example',
  'https://shop.example\\@evil.example/',
  'https://shop.exa\tmple/',
  ' https://shop.example/',
  'https://sh\nop.example/',
  'https://shоp.example/',
  'https://xn--shp-2ed.example/',
  'https://ѕhор.example/',
  'https://evil%2Eexample/',
  'https://shop.example%2Eevil.example/',
  'https://shop.example%00.evil.example/',
  'https://shop.example%2F@evil.example/',
  'https://shop.example。evil.example/',
  'https://shop.example./',
  'https://0x7f.1/',
  '',
]

test('[MD] hostile addresses lead nowhere', () => {
  for (const url of hostile) assert.is(safeHref(url, ['shop.example']), undefined, url)
})

const HOSTILE = [
  '**a ',
  '_a ',
  '[',
  '[a](',
  '[a](b "',
  '- ',
  '*a **b ',
  '](',
  '|',
  '|-|\n',
  '\\',
  '1. ',
  '*',
  '`',
  '`a``',
  '> ',
  '<a',
  '&am',
  'h',
  'https://',
  '+',
  ' ',
  ' #',
  '#',
  '-',
  '=\n',
  'a\n-\n',
  '![',
  '0 0',
  '```\n',
  '|a\n|-\n',
  'a\t',
  '**a**\n\n',
]
const nested = Array.from({ length: 100 }, (_, depth) => `${' '.repeat(2 * depth)}- **a _b\n`).join('')

for (const piece of [nested, ...HOSTILE]) {
  test(`[MD] hostile text stays flat and costs no more than its length: ${JSON.stringify(piece.slice(0, 12))}`, () => {
    const cost = (length: number, cut: number) => {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
      const chunks = Array.from({ length: Math.ceil(length / cut) }, (_, at) => text.slice(at * cut, (at + 1) * cut))
      const tree = draw(chunks)
      assert.ok(tree.deepest <= 24, `${tree.deepest} deep`)
      return tree.steps
    }
    for (const cut of [20_000, 7]) {
      const [short, long] = [cost(5_000, cut), cost(20_000, cut)]
      assert.ok(long <= 20_000 * 10, `${long} steps`)
      assert.ok(long <= short * 4 + 1_000, `${short} steps for 5,000 characters, ${long} for 20,000`)
    }
  })
}

test.run()
