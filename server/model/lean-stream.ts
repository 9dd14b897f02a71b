import { createInbox, type Inbox } from './inbox.ts'

type Controller<T> = { enqueue(value: T): void; close(): void; error(error: unknown): void }

/**
 * As much of ReadableStream as Google's SDK uses for its chunks. `tee` gives no second copy: nobody reads it, and the
 * SDK would keep the whole answer in it.
 */
export class LeanStream<T> {
  private readonly inbox: Inbox<T> = createInbox()

  constructor(source?: { start(controller: Controller<T>): unknown }) {
    const { push, end, fail } = this.inbox
    if (!source) end()
    else Promise.resolve(source.start({ enqueue: push, close: end, error: fail })).catch(fail)
  }

  tee(): [LeanStream<T>, LeanStream<T>] {
    return [this, new LeanStream()]
  }

  getReader(): Pick<Inbox<T>, 'read'> {
    return this.inbox
  }
}
