/**
 * An iterable of what `run` yields. `run` gets a signal of its own, aborted with `outer` and as soon as the iterator
 * is left, even while a `next()` is pending (a bare generator's `return()` would wait behind it).
 */
export function leavable<T>(run: (signal: AbortSignal) => AsyncGenerator<T>, outer: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = new AbortController()
      const events = relayed(run, outer, inner)
      return {
        next: () => events.next(),
        async return() {
          inner.abort()
          await events.return(undefined)
          return { done: true, value: undefined }
        },
      }
    },
  }
}

async function* relayed<T>(
  run: (signal: AbortSignal) => AsyncGenerator<T>,
  outer: AbortSignal,
  inner: AbortController,
): AsyncGenerator<T> {
  const relay = () => inner.abort()
  outer.addEventListener('abort', relay, { once: true })
  if (outer.aborted) relay()
  try {
    yield* run(inner.signal)
  } finally {
    outer.removeEventListener('abort', relay)
  }
}
