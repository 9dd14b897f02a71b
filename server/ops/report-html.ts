import { escapeXml } from './budget-svg.ts'
import { costSvg, questionsSvg } from './report-svg.ts'
import type { ReportView } from './report-view.ts'
import { headline, type Part, partsOf, type Row } from './report-words.ts'

/** Marks a report that holds visitors' words, which are to leave it when they expire. */
export const WITH_WORDS = '<section class="words">'

/** The report as one page that needs nothing else: no script, no other file; for screens, light and dark, and for paper. */
export function reportHtml(view: ReportView): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Le Mécano, ${escapeXml(view.day)}</title>
<style>${STYLE}</style>
<main>
<header><h1>Le Mécano</h1><p>${longDay(view.day)} · ${escapeXml(view.timeZone)}</p></header>
<dl class="figures">${headline(view).map(figure).join('')}</dl>
<figure><figcaption>Questions by hour</figcaption>${questionsSvg(view)}</figure>
<figure><figcaption>Spent (line) and what the day may cost at the most (dashes)</figcaption>${costSvg(view)}</figure>
<div class="parts">
${partsOf(view).map(section).join('\n')}
</div>
${words(view)}
</main>
</html>
`
}

const figure = ({ label, value }: Row): string => `<div><dt>${escapeXml(label)}</dt><dd>${escapeXml(value)}</dd></div>`

function section({ title, rows, none }: Part): string {
  const told = rows.length > 0 ? `<table>${rows.map(rowOf).join('')}</table>` : `<p>${escapeXml(none)}</p>`
  return `<section><h2>${escapeXml(title)}</h2>${told}</section>`
}

function rowOf({ label, value, share }: Row): string {
  const bar = share === undefined ? '' : `<meter value="${share.toFixed(3)}" aria-hidden="true"></meter>`
  return `<tr><th scope="row">${escapeXml(label)}${bar}</th><td>${escapeXml(value).replace(/ (?=%)/g, '\u00a0')}</td></tr>`
}

function words({ questions }: ReportView): string {
  if (questions === undefined) return ''
  const title = '<h2>Questions on which the notes seem to say nothing</h2>'
  if (questions.length === 0) return `<section>${title}<p>None.</p></section>`
  return `${WITH_WORDS}${title}<ul>${questions.map((text) => `<li>${escapeXml(text)}</li>`).join('')}</ul></section>`
}

const longDay = (day: string): string =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' }).format(Date.parse(day))

const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2933; --soft: #5b6773; --line: #dde3e8; --curve: #0b6bb8; --cap: #b42318 }
@media (prefers-color-scheme: dark) { :root { --paper: #11181f; --ink: #e6edf3; --soft: #9aa8b5; --line: #2a343e; --curve: #5cb3ff; --cap: #ff8a7a } }
* { box-sizing: border-box; margin: 0 }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px 48px }
h1 { font-size: 1.6rem } h2 { font-size: 1.05rem; margin-bottom: 6px } header p, dt, figcaption { color: var(--soft) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 20px 0 }
.figures div { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; display: flex; flex-direction: column-reverse; justify-content: flex-end }
dt { font-size: .85rem } dd { font-size: 1.35rem; font-weight: 650 }
figure { margin: 20px 0 } svg { display: block; width: 100%; height: auto }
text { font: 12px system-ui, sans-serif; fill: var(--soft) } .end { text-anchor: end } .middle { text-anchor: middle }
rect { fill: var(--curve) } path { fill: none } .grid { stroke: var(--line) }
.curve { stroke: var(--curve); stroke-width: 2.5; stroke-linejoin: round } .area { fill: var(--curve); opacity: .14 }
.cap { stroke: var(--cap); stroke-width: 2; stroke-dasharray: 6 4 }
.parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 24px 40px; margin: 28px 0 }
table { width: 100%; border-collapse: collapse } th, td { padding: 5px 0; border-top: 1px solid var(--line); vertical-align: top }
th { text-align: left; font-weight: 400; padding-right: 12px } td { text-align: right; overflow-wrap: normal; font-variant-numeric: tabular-nums }
meter { display: block; width: 100%; height: 6px; margin-top: 2px; appearance: none; border: 0; background: none }
meter::-webkit-meter-bar { background: none; border: 0; height: 6px } meter::-webkit-meter-optimum-value { background: var(--curve); border-radius: 3px }
meter::-moz-meter-bar { background: var(--curve); border-radius: 3px }
li { margin: 4px 0 }
@media (max-width: 600px) { text { font-size: 22px } }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #ccc; --curve: #0b6bb8; --cap: #b42318 } main { max-width: none; padding: 0 } section, figure, .figures div { break-inside: avoid } * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
`
