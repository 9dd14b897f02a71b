import type { Chat } from './chat.ts'
import { busyTurn } from './chat.ts'
import type { Status } from './connection.ts'
import { attribute, need, on, say } from './dom.ts'
import type { Locale } from './locales/locale.ts'

export type ComposerVerbs = { typed(text: string): void; submit(): boolean; stop(): void }

/** The draft and its one button: Send, its countdown, or Stop. */
export class Composer {
  readonly #verbs: ComposerVerbs
  readonly #locale: Locale
  readonly #input = need(document, '#question', HTMLTextAreaElement)
  readonly #send = need(document, '#send', HTMLButtonElement)
  readonly #count = need(document, '#count', HTMLElement)
  #fitted: string | undefined

  constructor(verbs: ComposerVerbs, locale: Locale) {
    this.#verbs = verbs
    this.#locale = locale
    on(this.#input, 'input', () => verbs.typed(this.#input.value))
    on(this.#input, 'keydown', (event) => event instanceof KeyboardEvent && this.#key(event))
    on(need(document, '#composer', HTMLFormElement), 'submit', (event) => event.preventDefault())
    on(window, 'resize', () => this.#fit())
    on(this.#send, 'click', (event) => event instanceof MouseEvent && this.#press(event))
    on(document, 'keydown', (event) => {
      const escapes = event instanceof KeyboardEvent && event.key === 'Escape' && !event.isComposing
      if (escapes && !document.querySelector('dialog[open]')) verbs.stop()
    })
  }

  /** To the draft; on a touch screen, where that calls up the keyboard over the answer, to `other`. */
  focus(other?: HTMLElement): void {
    const fine = matchMedia('(pointer: fine)').matches
    const target = fine ? this.#input : other
    target?.focus({ preventScroll: true })
  }

  /** What stood there before the script did, such as a draft that the browser kept over a reload. */
  get text(): string {
    return this.#input.value
  }

  /** At once, not with the next frame: what is typed before that would else be added to an older text. */
  write(draft: string): void {
    if (this.#input.value !== draft) this.#input.value = draft
  }

  draw(chat: Chat, status: Status, waitMs: number): void {
    const { limits, persona, draft } = chat
    if (persona) attribute(this.#input, 'placeholder', persona.placeholder)
    if (this.#fitted !== draft) this.#fit()
    const seconds = Math.ceil(waitMs / 1000)
    const mode = busyTurn(chat) ? 'stop' : seconds > 0 ? 'wait' : 'send'
    const length = draft.trim().length
    const possible = length > 0 && length <= (limits?.maxChars ?? length) && status !== 'ended' && !chat.forgetting
    const { stop, send, sendIn, countdown } = this.#locale
    attribute(this.#send, 'data-mode', mode)
    attribute(this.#send, 'aria-label', { stop, send, wait: sendIn(countdown(seconds)) }[mode])
    attribute(this.#send, 'aria-disabled', String(mode === 'wait' || (mode === 'send' && !possible)))
    say(this.#count, mode === 'wait' ? countdown(seconds) : '')
  }

  #key(event: KeyboardEvent): void {
    // While an input method composes, Enter chooses a word; Safari says so by 229 alone.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
    event.preventDefault()
    this.#verbs.submit()
  }

  #press(event: MouseEvent): void {
    // The second half of a double click on Send must not stop what the first began.
    if (event.detail > 1) return
    if (this.#send.dataset.mode === 'stop') this.#verbs.stop()
    else this.#verbs.submit()
    this.focus()
  }

  // Measures, which costs a layout: only when the text or the window has changed.
  #fit(): void {
    this.#fitted = this.#input.value
    this.#input.style.height = 'auto'
    this.#input.style.height = `${this.#input.scrollHeight}px`
  }
}
