/**
 * An iterable of what `run` yields. `run` gets a signal of its own, aborted with `outer` and as soon as the iterator
 * is left, even while a `next()` is pending (a bare generator's `return()` would wait behind it).
 */
export function leavable<T>(run: (signal: AbortSignal) => AsyncGenerator<T>, outer: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = new AbortController()
      const events = run(inner.signal)
      const relay = () => inner.abort()
      const off = () => outer.removeEventListener('abort', relay)
      outer.addEventListener('abort', relay, { once: true })
      if (outer.aborted) relay()
      return {
        // Handed on as it is: a generator around the generator would cost each token three more promises.
        next() {
          const step = events.next()
          step.then(({ done }) => done && off(), off)
          return step
        },
        async return() {
          relay()
          off()
          await events.return(undefined)
          return { done: true, value: undefined }
        },
      }
    },
  }
}
