import { on } from './dom.ts'

const NEAR = 48

/** Keeps the end in sight while the visitor is there; else `button` offers the way. */
export class StickyScroll {
  readonly #box: HTMLElement
  readonly #button: HTMLElement
  #stuck = true
  #top = 0
  #height = 0

  constructor(box: HTMLElement, button: HTMLElement) {
    this.#box = box
    this.#button = button
    on(box, 'scroll', () => this.#moved())
    on(button, 'click', () => this.stick())
    new ResizeObserver(() => this.follow()).observe(box)
  }

  /** To the end, and stay there. */
  stick(): void {
    this.#stuck = true
    this.follow()
  }

  /** After something was drawn. */
  follow(): void {
    const { scrollHeight } = this.#box
    // Before the first question the greeting is read from its beginning.
    if (this.#stuck) this.#box.scrollTop = this.#box.querySelector('.turn') ? scrollHeight : 0
    else if (scrollHeight > this.#height) this.#button.hidden = false
    this.#height = scrollHeight
  }

  // Only a way up leaves the end: text that grows below would else look like it.
  #moved(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#box
    if (scrollHeight - scrollTop - clientHeight < NEAR) {
      this.#stuck = true
      this.#button.hidden = true
    } else if (scrollTop < this.#top) this.#stuck = false
    this.#top = scrollTop
  }
}
