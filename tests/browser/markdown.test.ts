import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserTests } from './browser.ts'
import type { Peer } from './fake-server.ts'
import { delta, done, start } from './messages.ts'
import { arrive } from './visit.ts'

const { test, run } = browserTests()

const CODE = 'window.hacked=1'
const LINKS = [
  `javascript:${CODE}`,
  `JaVaScRiPt:${CODE}`,
  `\u0001javascript:${CODE}`,
  `java\tscript:${CODE}`,
  `java&#10;script:${CODE}`,
  `&#106;avascript&colon;${CODE}`,
  `&#x6A;avascript:${CODE}`,
  `javascript&#58;${CODE}`,
  `%6Aavascript:${CODE}`,
  `vbscript:${CODE}`,
  `data:text/html,<script>${CODE}</script>`,
  `data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+`,
  `blob:https://evil.example/x`,
  `file:///etc/passwd`,
  `http://breizh-velos.example/`,
  `//evil.example/x`,
  `/\\evil.example/x`,
  `https:evil.example`,
  `https:/\\evil.example`,
  `https://breizh-velos.example@evil.example/`,
  `https://breizh-velos.example%2eevil.example/`,
  `https://breizh-velos.example\\@evil.example/`,
  `https://evil.example/"onmouseover="${CODE}`,
  `https://breizh-vélos.example/`,
  `mailto:a@b.fr?body=${CODE}`,
  `tel:1" onfocus="${CODE}`,
  `ws://evil.example/`,
  `x:${CODE}`,
]
const MARKUP = [
  `<script>${CODE}</script>`,
  `<img src=x onerror="${CODE}">`,
  `<img src="https://evil.example/pixel.gif">`,
  `<svg/onload=${CODE}>`,
  `<svg><script href="https://evil.example/x.js"/></svg>`,
  `<iframe srcdoc="<script>parent.${CODE}</script>">`,
  `<iframe src="javascript:${CODE}">`,
  `<details open ontoggle=${CODE}>`,
  `<body onload=${CODE}>`,
  `<style>@import "https://evil.example/x.css"</style>`,
  `<link rel=stylesheet href=https://evil.example/x.css>`,
  `<link rel=preconnect href=https://evil.example>`,
  `<meta http-equiv=refresh content="0;url=https://evil.example/">`,
  `<base href=https://evil.example/>`,
  `<form action=https://evil.example/><input name=q><button autofocus onfocus=${CODE}>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${CODE}&gt;">`,
  `<noscript><p title="</noscript><img src=x onerror=${CODE}>">`,
  `<template><script>${CODE}</script></template>`,
  `<a href="javascript:${CODE}" target=_self>clic</a>`,
  `<object data=https://evil.example/x.swf><embed src=https://evil.example/x>`,
  `<video poster=https://evil.example/x.png><source onerror=${CODE}></video>`,
  `&lt;img src=x onerror=${CODE}&gt;`,
  `&#60;script&#62;${CODE}&#60;/script&#62;`,
  `\`<img src=x onerror=${CODE}>\``,
  `\`\`\`html" onmouseover="${CODE}\n<script>${CODE}</script>\n\`\`\``,
  `| <img src=x onerror=${CODE}> |\n|:-:|\n| <script>${CODE}</script> |`,
  `1234567890. <svg onload=${CODE}>`,
  `{{constructor.constructor('${CODE}')()}}`,
  `\${${CODE}}`,
]
const inLinks = LINKS.flatMap((url) => [
  `[a](${url})`,
  `[a](<${url}> "t")`,
  `<${url}>`,
  `![a](${url})`,
  `[![a](${url})](${url} "${url}")`,
  url,
])
const CORPUS = [...inLinks, ...MARKUP].join('\n\n')

/** Asks, and plays `answer` in chunks of `size`; resolves when the page has drawn the whole of it. */
const answered = async (page: Page, peer: Peer, answer: string, size: number): Promise<void> => {
  await page.locator('#question').fill('?')
  await page.locator('#question').press('Enter')
  const { id } = await peer.expect('ask')
  peer.send(start(id, '?'))
  for (let at = 0; at < answer.length; at += size) peer.send(delta(id, at, answer.slice(at, at + size)))
  peer.send(done(id, answer.length))
  await page.locator('#status').filter({ hasText: 'Réponse reçue' }).waitFor({ state: 'attached' })
}

for (const size of [100_000, 7]) {
  test(`[MD] hostile answers stay inert, in chunks of ${size}: nothing runs, nothing is fetched`, async ({
    server,
    page,
  }) => {
    const peer = await arrive(server, page)
    const requests: string[] = []
    await page.context().route('**', (route) => {
      requests.push(route.request().url())
      return route.abort()
    })
    page.on('request', (request) => requests.push(request.url()))
    page.on('dialog', (dialog) => void requests.push(dialog.message()))
    page.on('popup', (popup) => void requests.push(popup.url()))
    await answered(page, peer, CORPUS, size)
    for (const link of await page.locator('.text a').all()) await link.hover()
    assert.equal(requests, [])
    const found = await page.locator('.text').evaluate((text) => ({
      tags: [...new Set([...text.querySelectorAll('*')].map((node) => node.localName))].sort(),
      attributes: [...new Set([...text.querySelectorAll('*')].flatMap((node) => node.getAttributeNames()))].sort(),
      links: [...text.querySelectorAll('a')].map((node) => node.href),
      hacked: 'hacked' in window,
    }))
    assert.is(found.hacked, false)
    assert.equal(found.tags, ['code', 'p', 'pre', 'table', 'td', 'th', 'tr'])
    assert.equal(found.attributes, ['align', 'tabindex'])
    assert.equal(found.links, [])
  })
}

test('[MD] an answer with everything, drawn by the page', async ({ server, page }) => {
  const peer = await arrive(server, page)
  const answer = [
    'Titre\n===\n\nUn **VTT** `CBL_101_X`  \nà [voir](https://breizh-velos.example/v_(1) "VTT"), 02 98 00 00 00.',
    '4. un\n   - deux\n\n     > trois\n5. quatre',
    '| a | b |\n|---|--:|\n| 1 | 2 |',
    '---\n\n```js\n<b>\n```\n\n<ohe@breizh-velos.example> ![alt](x.png)',
  ].join('\n\n')
  await answered(page, peer, answer, 5)
  const rel = 'rel="noopener noreferrer nofollow"'
  assert.is(
    await page.locator('.text').innerHTML(),
    [
      '<h4>Titre</h4><p>Un <strong>VTT</strong> <code>CBL_101_X</code><br>à ',
      `<a href="https://breizh-velos.example/v_(1)" ${rel} target="_blank">voir</a>, `,
      `<a href="tel:0298000000" ${rel}>02 98 00 00 00</a>.</p>`,
      '<ol start="4"><li>un<ul><li>deux<blockquote><p>trois</p></blockquote></li></ul></li><li>quatre</li></ol>',
      '<table tabindex="0"><tr><th>a</th><th align="right">b</th></tr><tr><td>1</td><td align="right">2</td></tr></table>',
      '<hr><pre><code>&lt;b&gt;\n</code></pre>',
      `<p><a href="mailto:ohe@breizh-velos.example" ${rel}>ohe@breizh-velos.example</a> alt</p>`,
    ].join(''),
  )
})

test('[MD] code, quotes and long words stay within a phone of 320 px', async ({ server, open }) => {
  const page = await open({ viewport: { width: 320, height: 640 } })
  const peer = await arrive(server, page)
  const long = 'x'.repeat(200)
  await answered(
    page,
    peer,
    `\`\`\`\n${long} ${'mot '.repeat(40)}\n\`\`\`\n\n> > ${long}\n\n\`${long}\`\n\n# ${long}`,
    50,
  )
  const widths = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.querySelector('.reply')?.scrollWidth ?? 0,
    document.querySelector('.reply')?.clientWidth ?? 1,
  ])
  assert.is(widths[0], 320)
  assert.is(widths[1], widths[2], 'nothing overflows')
})

await run()
