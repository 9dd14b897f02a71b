import type { Inbox, Read } from './inbox.ts'

type Step<T> = (read: Read<T>) => unknown
type Report = (error: unknown) => unknown
/** As much of a stream's reader as the loop in Google's SDK uses for the text of an answer. */
export type LeanReader<T> = { read(): { then(step: Step<T>): { catch(report: Report): Promise<never> } } }

/**
 * A reader for that loop, whose every step ends with `return reader.read().then(step).catch(report)`: with promises, each
 * would wait for the next one, and all of them be kept until the answer's end. Here a step runs as soon as its piece is there,
 * and they share one promise, rejected with what `report` throws.
 */
export function leanReader<T>(inbox: Inbox<T>): LeanReader<T> {
  let fail: Report = () => undefined
  const broken = new Promise<never>((_, reject) => {
    fail = reject
  })
  const tell = (report: Report, error: unknown) => {
    try {
      report(error)
    } catch (told) {
      fail(told)
    }
  }
  const take = (step: Step<T>, report: Report): void =>
    inbox.take({
      resolve(read) {
        try {
          step(read)
        } catch (error) {
          tell(report, error)
        }
      },
      reject: (error) => tell(report, error),
    })
  const read = (step: Step<T>) => ({
    catch(report: Report) {
      take(step, report)
      return broken
    },
  })
  // biome-ignore lint/suspicious/noThenProperty: the SDK's loop calls it by this name
  return { read: () => ({ then: read }) }
}
