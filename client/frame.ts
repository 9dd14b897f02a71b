import type { ToHost } from '../protocol/embed.ts'
import { embedFields } from '../protocol/embed.ts'
import { on } from './dom.ts'

/** The page's end of EMBED.md, where it stands in a frame of a shop's page. */
export class Frame {
  readonly #host: Window
  // Who may frame the page at all is the server's to say (frame-ancestors); who did is known from its first word.
  #origin: string | undefined
  #open = true
  #count = 0
  #seen = 0
  #told = 0
  onOpen = () => {}

  constructor(self: Window) {
    this.#host = self.parent
    on(self, 'message', (event) => event instanceof MessageEvent && this.#hear(event))
    const ready: ToHost = { leMecano: 'ready' }
    this.#host.postMessage(ready, '*')
  }

  /** Asks the shop's page to put the frame away. */
  close(): void {
    this.#tell({ leMecano: 'close' })
  }

  /** There are `count` whole answers; those that came while the frame was away are unread. */
  answers(count: number): void {
    this.#count = count
    if (this.#open) this.#seen = count
    const unread = Math.max(0, count - this.#seen)
    if (unread !== this.#told) this.#tell({ leMecano: 'unread', count: unread })
    this.#told = unread
  }

  #hear({ source, origin, data }: MessageEvent): void {
    const { leMecano: word } = embedFields(data)
    if (source !== this.#host || (word !== 'open' && word !== 'close')) return
    this.#origin = origin
    this.#open = word === 'open'
    if (!this.#open) return
    this.answers(this.#count)
    this.onOpen()
  }

  #tell(message: ToHost): void {
    if (this.#origin !== undefined) this.#host.postMessage(message, this.#origin)
  }
}
