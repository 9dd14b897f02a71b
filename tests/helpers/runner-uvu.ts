import * as uvu from 'uvu'

/** What a file registered, and what its `.run()` calls took up. */
export const book = {
  registered: new Set<string>(),
  taken: new Set<string>(),
  twice: new Set<string>(),
  skipped: [] as string[],
  leftOut: [] as string[],
}

/** Told of each test by the process that runs it; set before the file is loaded. */
export const watcher = {
  begin(_test: string): void {},
  /** True when the test's failure is not one: a tool it asked for is missing. */
  end(_test: string, _ms: number, _error?: unknown): boolean {
    return false
  },
}

type Handler<T> = uvu.Callback<T>

/** uvu's own `suite`, watched: it knows the running test, refuses hooks and sees a forgotten `.run()`. */
export function suite<T = Record<string, unknown>>(title = '', state?: T): uvu.Test<T> {
  const real = uvu.suite<T>(title, state)
  const waiting = { tests: [] as string[], only: [] as string[] }
  const register = (name: string, into: string[]): string => {
    const full = title === '' ? name : `${title}: ${name}`
    if (book.registered.has(full)) book.twice.add(full)
    book.registered.add(full)
    into.push(full)
    return full
  }
  return Object.assign(
    (name: string, handler: Handler<T>) => real(name, watched(register(name, waiting.tests), handler)),
    {
      only: (name: string, handler: Handler<T>) => real.only(name, watched(register(name, waiting.only), handler)),
      skip: (name = 'a test without a name') => void book.skipped.push(name),
      before: refusedHook('before'),
      after: refusedHook('after'),
      run() {
        const chosen = waiting.only.length > 0 ? waiting.only : waiting.tests
        for (const name of chosen) book.taken.add(name)
        if (chosen === waiting.only) book.leftOut.push(...waiting.tests)
        waiting.tests = []
        waiting.only = []
        real.run()
      },
    },
  )
}

function watched<T>(name: string, handler: Handler<T>): Handler<T> {
  return async (context) => {
    const from = performance.now()
    watcher.begin(name)
    try {
      await handler(context)
    } catch (error) {
      if (!watcher.end(name, performance.now() - from, error)) throw error
      return
    }
    watcher.end(name, performance.now() - from)
  }
}

function refusedHook(name: string) {
  const refuse = (): never => {
    throw new Error(`${name} hooks are refused, for uvu passes over their failures: set up inside the test`)
  }
  return Object.assign(refuse, { each: refuse })
}

export const test = suite()
export const exec = uvu.exec
