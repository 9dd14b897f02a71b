import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { logsCommand } from './logs-command.ts'

const { stdin, stdout, stderr, env } = process
// `| head` is no fault.
let left = false
stdout.on('error', () => {
  left = true
})

process.exitCode = await logsCommand({
  args: process.argv.slice(2),
  now: Date.now(),
  style: { colour: stdout.isTTY === true && !env.NO_COLOR },
  read(file) {
    if (file === undefined && stdin.isTTY) return undefined
    return linesOf(file === undefined ? stdin : createReadStream(file))
  },
  async write(text) {
    if (!left && !stdout.write(text)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {})
    return !left
  },
  complain: (text) => void stderr.write(text),
})
// Whoever still pipes in must not keep it.
stdin.destroy()

/** readline alone would leave a file's error to nobody. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let failure: unknown
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  stream.once('error', (error) => {
    failure = error
    lines.close()
  })
  yield* lines
  if (failure) throw failure
}
