/** One read of a stream, in the words of the platform's own readers. */
export type Read<T> = { done: false; value: T } | { done: true; value: undefined }
/** A queue between one writer and one reader. After `end` or `fail` nothing is taken any more; what came before is read. */
export type Inbox<T> = {
  push(value: T): void
  end(): void
  fail(error: unknown): void
  /** One at a time. Rejects after `fail`. */
  read(): Promise<Read<T>>
  /** The same without a promise: calls back at once when there is something to read. */
  take(waiting: Waiting<T>): void
}

export type Waiting<T> = { resolve(read: Read<T>): void; reject(error: unknown): void }

export function createInbox<T>(): Inbox<T> {
  const queue: T[] = []
  let state: { at: 'open' } | { at: 'ended' } | { at: 'failed'; error: unknown } = { at: 'open' }
  let waiting: Waiting<T> | undefined

  const settle = ({ resolve, reject }: Waiting<T>) => {
    const value = queue.shift()
    if (value !== undefined) resolve({ done: false, value })
    else if (state.at === 'ended') resolve({ done: true, value: undefined })
    else if (state.at === 'failed') reject(state.error)
    else waiting = { resolve, reject }
  }
  const wake = () => {
    const reader = waiting
    waiting = undefined
    if (reader) settle(reader)
  }
  const stop = (how: typeof state) => {
    if (state.at !== 'open') return
    state = how
    wake()
  }
  return {
    push(value) {
      if (state.at !== 'open') return
      queue.push(value)
      wake()
    },
    end: () => stop({ at: 'ended' }),
    fail: (error) => stop({ at: 'failed', error }),
    read: () => new Promise((resolve, reject) => settle({ resolve, reject })),
    take: settle,
  }
}
