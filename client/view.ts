import type { Chat, ChatTurn } from './chat.ts'
import { busyTurn, isChecked } from './chat.ts'
import type { Status } from './connection.ts'
import { attribute, need, say } from './dom.ts'
import { safeHref } from './links.ts'
import type { Locale } from './locales/locale.ts'
import type { TurnParts } from './turn.ts'
import { TurnCard } from './turn.ts'

export type ViewVerbs = {
  ask(text: string): void
  retry(id: string): void
  calm(): boolean
  copy?(text: string): Promise<void>
}

const endings = (locale: Locale): Partial<Record<ChatTurn['state'], string>> => ({
  ...locale,
  complete: locale.received,
})
const byId = (id: string) => need(document, `#${id}`, HTMLElement)

/** Everything on the page but the composer. */
export class View {
  readonly #verbs: ViewVerbs
  readonly #locale: Locale
  readonly #turnParts: TurnParts
  readonly #cards = new Map<string, TurnCard>()
  #awaited: string | undefined
  #word = ''
  #persona: Chat['persona']
  #blocked = false

  constructor(verbs: ViewVerbs, locale: Locale) {
    this.#verbs = verbs
    this.#locale = locale
    this.#turnParts = {
      template: need(document, '#turn', HTMLTemplateElement),
      locale,
      href: (url) => safeHref(url, this.#persona?.linkHosts ?? []),
      retry: verbs.retry,
      calm: verbs.calm,
      ...(verbs.copy && { copy: (text: string) => this.#copy(text) }),
    }
  }

  /** Draws the state at `now` (milliseconds); true when another frame is needed. */
  draw(chat: Chat, status: Status, now: number): boolean {
    this.#drawPersona(chat)
    this.#drawState(chat, status)
    const more = this.#drawTurns(chat, status, now)
    this.#announce(chat)
    return more
  }

  get name(): string {
    return (this.#persona?.name ?? byId('name').textContent).replace(/\s*\(.*$/, '')
  }

  #drawPersona(chat: Chat): void {
    const { persona } = chat
    byId('chips').hidden = chat.turns.length > 0
    byId('forget').hidden = chat.turns.length === 0
    byId('save').hidden = chat.turns.length === 0
    byId('demo').hidden = !chat.demo
    if (!persona || persona === this.#persona) return
    this.#persona = persona
    say(byId('name'), persona.name)
    say(byId('hail'), persona.greeting)
    say(byId('notice'), persona.notice)
    byId('chips').replaceChildren(...persona.suggestions.map((text) => this.#chip(text)))
  }

  #chip(text: string): HTMLElement {
    const chip = document.createElement('button')
    chip.type = 'button'
    chip.className = 'pill'
    chip.textContent = text
    chip.onclick = () => this.#verbs.ask(text)
    return chip
  }

  #drawState(chat: Chat, status: Status): void {
    const lost = status === 'offline' || status === 'waiting' || status === 'ended'
    const state = byId('state')
    attribute(state, 'data-at', status)
    say(state, this.#locale[status])
    byId('contact').classList.toggle('on', status === 'ended' || (lost && !chat.persona))
    const text = this.#alertText(chat, status)
    const alert = byId('alert')
    say(alert, text)
    alert.hidden = text === ''
    // A short cut isn't worth a word.
    alert.classList.toggle('late', !chat.notice && (status === 'waiting' || status === 'connecting'))
  }

  #alertText({ notice, limits, draft, forgetting }: Chat, status: Status): string {
    const length = draft.trim().length
    const { tooLong, offlineLong, waitingLong, endedLong, forgetting: erasing } = this.#locale
    if (status === 'ended') return endedLong
    if (limits && length > limits.maxChars) return tooLong(length, limits.maxChars)
    if (notice) return notice
    if (forgetting) return erasing
    if (status === 'offline') return offlineLong
    return status === 'waiting' || status === 'connecting' ? waitingLong : ''
  }

  #drawTurns(chat: Chat, status: Status, now: number): boolean {
    this.#removeGone(new Set(chat.turns.map(({ id }) => id)))
    let more = false
    for (const [at, turn] of chat.turns.entries()) {
      const card = this.#cards.get(turn.id) ?? new TurnCard(turn.id, this.#turnParts)
      this.#cards.set(turn.id, card)
      more = card.draw(turn, this.name, status === 'open', now) || more
      this.#place(card.node, at)
    }
    return more
  }

  #removeGone(ids: ReadonlySet<string>): void {
    for (const [id, card] of this.#cards) {
      if (ids.has(id)) continue
      card.node.remove()
      this.#cards.delete(id)
      if (ids.size > 0 || !card.ended) continue
      byId('log').replaceChildren()
      this.#status(this.#locale.forgotten)
    }
  }

  #place(node: HTMLElement, at: number): void {
    const turns = byId('turns')
    if (turns.children[at] !== node) turns.insertBefore(node, turns.children[at] ?? null)
  }

  /** A short status while it goes on, and the whole message in the log once it is there. */
  #announce(chat: Chat): void {
    const busy = busyTurn(chat)
    if (this.#blocked && chat.blockedUntil === 0) this.#status(this.#locale.ready)
    this.#blocked = chat.blockedUntil > 0
    const word = busy && isChecked(busy) ? this.#locale.checking : this.#locale.answering(this.name)
    if (busy && (busy.id !== this.#awaited || word !== this.#word)) {
      this.#awaited = busy.id
      this.#word = word
      this.#status(word)
    }
    const turn = chat.turns.find(({ id }) => id === this.#awaited)
    const card = this.#cards.get(this.#awaited ?? '')
    if (this.#awaited === undefined || (turn && !card?.ended)) return
    this.#awaited = undefined
    if (!turn || !card || turn.state === 'failed') this.#status(turn?.error ?? chat.notice ?? '')
    else {
      this.#status(endings(this.#locale)[turn.state] ?? '')
      if (card.words) this.#log(this.#locale.says(this.name, card.words))
    }
  }

  async #copy(text: string): Promise<void> {
    await this.#verbs.copy?.(text)
    this.#status(this.#locale.copied)
  }

  #status(text: string): void {
    say(byId('status'), text)
  }

  // Only the latest: whoever reads the page finds the others in the conversation itself.
  #log(text: string): void {
    const line = document.createElement('p')
    line.textContent = text
    byId('log').replaceChildren(line)
  }
}
