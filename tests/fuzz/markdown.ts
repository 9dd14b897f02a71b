import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { draw, render } from '../unit/client-markdown-tree.ts'
import { type Target, target } from './target.ts'
import { cutAt, cuts, made } from './texts.ts'

// biome-ignore format: one line a kind
const PIECES = [
  '*', '**', '_', '__', '***',
  '[', ']', '](', ')', '](tel:1)', '![', '(', '"',
  '\\', '\n', '\n\n', ' ', '\t', '    ',
  '- ', '  - ', '1. ', '2) ', '# ', '+', '-', '> ', '>', '\n---\n', '===', '\n```\n', '`', '``', '```', '~~~',
  '|', '\n|-|\n', '| a | b |\n|-|-:|\n| c', ':',
  'a', 'é', '🚲', '\u00a0', 'vélo', '!', '12', 'h', '0', '02 98 00 00 00', '\ud83d', '\udeb2',
  '<', '&', '&eacute;', '&#42;', '<br>', '<a@b.fr>', 'https://shop.example/x',
]
const text = made(PIECES, 40)
const letters = (html: string) => html.replace(/<[^>]*>|[^aélov]/g, '')

function assertKept(whole: string): void {
  // A fence's first line is no text, and an entity is another one.
  if (/```|~~~|[&<>/]/.test(whole)) return
  assert.is(letters(render(whole)), letters(whole))
}

/** Steps of drawing per character, and how deep it gets: both bounded whatever the text. */
function assertFlat([piece, other, times]: [string, string, number]): void {
  const text = (piece + other).repeat(times)
  const tree = draw([text])
  assert.ok(tree.deepest <= 24, `${tree.deepest} deep`)
  assert.ok(tree.steps <= 10 * text.length + 100, `${tree.steps} steps for ${text.length} characters`)
}

const words = (text: string) => text.match(/\p{L}/gu)?.join('')

function assertAny([text, places]: [string, number[]]): void {
  const html = render(text)
  assert.is(render(...cutAt(text, places)), html)
  // What has no mark of Markdown's in it, nor of HTML's, is all there.
  if (!/[`~&<>[\]\\]/.test(text)) assert.is(words(html.replace(/<[^>]*>/g, '')), words(text))
}

export const markdownTargets: Target[] = [
  target(
    { name: 'markdown', title: '[MD] any cutting of any text draws the same', short: 600 },
    fc.tuple(text, cuts),
    ([whole, places]) => assert.is(render(...cutAt(whole, places)), render(whole)),
  ),
  target(
    { name: 'markdown-kept', title: '[MD] no text is lost, whatever it is', short: 400, weight: 0.5 },
    made(PIECES, 60).map((text) => text.replaceAll('](', '')),
    assertKept,
  ),
  target(
    { name: 'markdown-any', title: '[MD] any characters at all are drawn without a throw', short: 400, weight: 0.5 },
    fc.tuple(fc.string({ unit: 'binary', maxLength: 200, size: 'max' }), cuts),
    assertAny,
  ),
  target(
    {
      name: 'markdown-flat',
      title: '[MD] what repeats stays flat and costs no more than its length',
      short: 200,
      weight: 0.1,
    },
    fc.tuple(made(PIECES, 4), made(PIECES, 2), fc.integer({ min: 1, max: 300 })),
    assertFlat,
  ),
]
