import type { ChatTurn } from './chat.ts'
import { isChecked } from './chat.ts'
import { attribute, need, on, say, translate } from './dom.ts'
import type { Locale } from './locales/locale.ts'
import { Markdown } from './markdown.ts'
import { domVerbs } from './markdown-dom.ts'
import { Pace } from './pace.ts'

export type TurnParts = {
  template: HTMLTemplateElement
  locale: Locale
  href(url: string): string | undefined
  retry(id: string): void
  /** Whether the visitor wants things still: then text comes as it comes. */
  calm(): boolean
  /** Where the browser lends its clipboard. */
  copy?(text: string): Promise<void>
}

const isOver = ({ state }: ChatTurn) => state !== 'asking' && state !== 'streaming'

/** One question and its answer on the page. */
export class TurnCard {
  readonly node: HTMLElement
  readonly #parts: TurnParts
  readonly #part: (selector: string) => HTMLElement
  readonly #text: HTMLElement
  readonly #pace = new Pace()
  #markdown: Markdown
  #turn: ChatTurn | undefined
  #shown = ''
  #fresh = true
  #ended = false

  constructor(id: string, parts: TurnParts) {
    this.#parts = parts
    const copy = document.importNode(parts.template.content, true)
    translate(copy, parts.locale)
    const node = need(copy, '.turn', HTMLElement)
    this.node = node
    this.#part = (selector) => need(node, selector, HTMLElement)
    this.#text = this.#part('.text')
    this.#markdown = this.#draft()
    on(this.#part('.end button'), 'click', () => parts.retry(id))
    const button = this.#part('.copy')
    on(button, 'click', () => parts.copy?.(this.words).then(() => say(button, parts.locale.copied)))
    on(button, 'blur', () => say(button, parts.locale.copy))
  }

  /** The whole answer is drawn. */
  get ended(): boolean {
    return this.#ended
  }

  /** The answer as it reads. */
  get words(): string {
    // innerText, not textContent: the line breaks between blocks are heard as pauses
    return this.#text.innerText
  }

  /** Draws what is due at `now` (milliseconds); true when another frame is needed. */
  draw(turn: ChatTurn, name: string, connected: boolean, now: number): boolean {
    // A long conversation is drawn at each frame, and most of it stands.
    if (this.#ended && turn === this.#turn) return false
    this.#turn = turn
    const part = this.#part
    attribute(this.node, 'data-state', turn.state)
    say(part('.ask'), turn.question)
    say(part('h3'), name)
    part('.source').hidden = turn.source !== 'knowledge'
    const more = this.#drawText(turn, now)
    this.#drawEnd(turn, connected)
    part('.copy').hidden = !this.#parts.copy || !this.#ended || !turn.answer
    return more
  }

  #drawText(turn: ChatTurn, now: number): boolean {
    const { answer } = turn
    // A replay that goes over what stands already is no news.
    if (!isOver(turn) && answer.length < this.#shown.length && this.#shown.startsWith(answer)) return false
    if (!answer.startsWith(this.#shown) || (this.#ended && answer !== this.#shown)) this.#restart()
    if (this.#fresh || this.#parts.calm()) this.#pace.jump(answer.length)
    this.#fresh = false
    this.#pace.grew(answer.length, now)
    const due = this.#pace.shown(now)
    const next = answer.slice(this.#shown.length, isHigh(answer, due - 1) ? due + 1 : due)
    this.#shown += next
    this.#markdown.write(next)
    if (isOver(turn) && !this.#ended && this.#shown === answer) {
      this.#markdown.end()
      this.#ended = true
    }
    return this.#shown !== answer
  }

  #drawEnd(turn: ChatTurn, connected: boolean): void {
    const { locale } = this.#parts
    const word = endOf(turn, connected, locale)
    const button = this.#part('.end button')
    say(this.#part('.end span'), word)
    say(button, turn.state === 'stopped' ? locale.askAgain : locale.retry)
    button.hidden = !['stopped', 'interrupted', 'failed'].includes(turn.state)
    this.#part('.end').hidden = word === '' || (isOver(turn) && !this.#ended)
  }

  #draft(): Markdown {
    return new Markdown(domVerbs(this.#text, this.#parts.href))
  }

  #restart(): void {
    this.#text.replaceChildren()
    this.#markdown = this.#draft()
    this.#shown = ''
    this.#ended = false
    this.#fresh = true
  }
}

const isHigh = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xd800

function endOf(turn: ChatTurn, connected: boolean, locale: Locale): string {
  const { state, error } = turn
  if (state === 'failed') return error ?? ''
  if (state === 'asking') return connected ? (isChecked(turn) ? locale.checking : '') : locale.unsent
  return state === 'streaming' || state === 'complete' ? '' : locale[state]
}
