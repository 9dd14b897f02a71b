import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { type Chat, type ChatEvent, emptyChat, reduce } from '../../client/chat.ts'
import { safeHref } from '../../client/links.ts'
import { endReasons, sources } from '../../protocol/messages.ts'
import { render } from '../unit/client-markdown-tree.ts'
import { type Target, target } from './target.ts'
import { edited, made } from './texts.ts'

const HOSTS = ['shop.example', 'www.shop.example']
const PARTS = [
  'https://',
  'HTTPS://',
  'http://',
  '//',
  'https:',
  'javascript:',
  'data:text/html,',
  'mailto:',
  'tel:',
  'shop.example',
  'SHOP.example',
  'shop%2Eexample',
  'ｓhop.example',
  'shоp.example',
  'xn--shp-2ed.example',
  'shop.example.',
  'evil.example',
  '.evil.example',
  '1.2.3.4',
  '[::1]',
  'user@',
  'user:pass@',
  ':443',
  ':8443',
  '/',
  '\\',
  '?',
  '#',
  '%2f',
  '%00',
  '\t',
  '\n',
  ' ',
  '\u200B',
  '\u00AD',
  '\u3002',
  '\u2044',
  '02 98 00 00 00',
  'a@b.fr',
]
const schemes = ['https://', 'HTTPS://', 'http://', 'https:', '//', 'ftp://', '']
const users = ['', '', '', 'user@', 'user:pass@', ':pass@', 'shop.example@', '%40']
const hosts = [
  'shop.example',
  'Shop.Example',
  'evil.example',
  'evilshop.example',
  'shop.example.evil.example',
  'shоp.example',
  'shop%2Eexample',
  'xn--shp-2ed.example',
]
const rests = [
  '',
  '/',
  ':443/',
  ':8443/',
  '/a?b=https://shop.example#c',
  '\\@evil.example',
  '/\t',
  '@evil.example/',
  '#@evil.example',
  '?@evil.example',
]
const whole = fc
  .tuple(...[schemes, users, hosts, rests].map((list) => fc.constantFrom(...list)))
  .map((parts) => parts.join(''))
const address = fc.oneof(
  { weight: 3, arbitrary: whole },
  { weight: 3, arbitrary: made(PARTS, 6) },
  { weight: 1, arbitrary: edited(fc.constant('https://shop.example/prix?a=1'), PARTS) },
  { weight: 1, arbitrary: fc.webUrl() },
)

/** A browser that follows it comes to the shop, or dials, or writes a mail; and it says so in letters. */
function assertHref(url: string): void {
  const to = safeHref(url, HOSTS)
  if (to === undefined) return
  assert.is(safeHref(to, HOSTS), to, 'what is safe stays as it is')
  if (/^(mailto|tel):/i.test(to)) return assert.match(to, /^(mailto:[\w.+-]+@[\w.-]+|tel:\+?[\d().\-/]+)$/i)
  const { protocol, hostname, port, username, password, href } = new URL(to)
  assert.equal([protocol, port, username, password, href], ['https:', '', '', '', to])
  assert.ok(HOSTS.includes(hostname), hostname)
  assert.not.match(url, /[\s\\]/)
}

/** Where the drawn links lead is one of the shop's hosts, however they are written. */
function assertLinks([parts, texts]: [string[], string[]]): void {
  const ways = parts.flatMap((url, i) => [
    `[${texts[i] ?? 'x'}](${url})`,
    `<${url}>`,
    `[a](<${url}>)`,
    url,
    `![x](${url} "t")`,
  ])
  const html = render(ways.join(' et '))
  for (const [, to = ''] of html.matchAll(/<a href=([^>]*)>/g))
    assert.ok(/^(mailto|tel):/i.test(to) || /^https:\/\/shop\.example(\/|$)/.test(to), to)
}

const id = fc.constantFrom('q1', 'q2', 'q3')
const words = fc.constantFrom('', 'a', 'bon', '🚲', '\ud83d')
const state = fc.constantFrom('streaming' as const, ...endReasons)
const source = fc.constantFrom(...sources)
const turn = fc.record({ id, question: words, answer: words, state, source })
const turns = fc.uniqueArray(turn, { selector: (one) => one.id, maxLength: 3 })
const persona = { name: 'x', greeting: '', placeholder: '', suggestions: [], notice: '', linkHosts: [] }
const message = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    session: words,
    resumed: fc.boolean(),
    demo: fc.boolean(),
    persona: fc.constant(persona),
    limits: fc.constant({ maxChars: 1000 }),
    turns,
  }),
  fc.record({ type: fc.constant('start' as const), id, question: words, source }),
  fc.record({ type: fc.constant('delta' as const), id, offset: fc.nat(6), text: fc.constantFrom('a', 'bon', '🚲') }),
  fc.record({ type: fc.constant('done' as const), id, reason: fc.constantFrom(...endReasons), length: fc.nat(8) }),
  fc.record(
    {
      type: fc.constant('error' as const),
      code: fc.constantFrom('busy', 'rate_limited', 'internal', 'of-tomorrow'),
      message: words,
      id,
      retryAfterMs: fc.constantFrom(-1, 0, 500, 1e300),
    },
    { requiredKeys: ['type', 'code', 'message'] },
  ),
  fc.record({ type: fc.constant('forgotten' as const) }),
)
const event: fc.Arbitrary<ChatEvent> = fc.oneof(
  { weight: 6, arbitrary: message.map((one) => ({ type: 'received' as const, message: one, now: 0 })) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('typed' as const), text: words }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('checking' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<ChatEvent>(
      { type: 'stop' },
      { type: 'withdraw' },
      { type: 'forget' },
      { type: 'unblocked' },
    ),
  },
)

/** Whatever a server says in whatever order, no turn stands twice, and none is whole with another length than was said. */
function assertTalk(events: ChatEvent[]): void {
  let chat: Chat = emptyChat
  let asked = 0
  for (const event of events) {
    const before = chat
    // The page asks only when nothing is on its way.
    if (event.type === 'typed' && chat.turns.every(({ state }) => state !== 'asking' && state !== 'streaming'))
      chat = reduce(chat, { type: 'asked', id: `a${++asked}`, text: 'x', draft: event.text })
    else chat = reduce(chat, event)
    const ids = chat.turns.map((turn) => turn.id)
    assert.is(new Set(ids).size, ids.length, 'a turn stands twice')
    assert.ok(chat.blockedUntil <= 120_000)
    if (event.type === 'received') assertReceived(before, chat, event.message)
  }
}

function assertReceived(before: Chat, after: Chat, message: Extract<ChatEvent, { type: 'received' }>['message']): void {
  if (message.type !== 'delta' && message.type !== 'done') return
  const [old, now] = [before, after].map((chat) => chat.turns.find(({ id }) => id === message.id))
  if (!old || !now) return assert.is(old, now, 'a turn comes from nowhere')
  if (message.type === 'delta') {
    const follows = message.offset <= old.answer.length
    if (follows) assert.is(now.answer, old.answer.slice(0, message.offset) + message.text)
    else assert.ok(now.answer === old.answer && (after.gap || now.state === 'interrupted'), 'a gap is drawn')
  } else if (old.answer.length === message.length) assert.is(now.state, message.reason)
  else assert.ok(after.gap || now.state === 'interrupted', 'it ends whole, and something is missing')
}

export const pageTargets: Target[] = [
  target(
    {
      name: 'href',
      title: '[MD] any address leads to the shop over https, to a mail or to a phone, or nowhere',
      short: 1000,
    },
    address,
    assertHref,
  ),
  target(
    { name: 'links', title: '[MD] in any Markdown a link leads to the shop or is text', short: 300, weight: 0.3 },
    fc.tuple(
      fc.array(address, { maxLength: 3 }),
      fc.array(fc.oneof(made(PARTS, 2), made(['[', ']', '*', '`', 'a', '!'], 4)), { maxLength: 3 }),
    ),
    assertLinks,
  ),
  target(
    {
      name: 'talk',
      title: '[RES] whatever a server says in whatever order, the page draws no gap and no turn twice',
      short: 500,
    },
    fc.array(event, { maxLength: 30 }),
    assertTalk,
  ),
]
