import { startEmulator } from './emulator.ts'
import { readFlags, USAGE } from './flags.ts'

const BAD_USAGE = 64
const UNAVAILABLE = 69

const flags = readFlags(process.argv.slice(2))
if (flags.kind === 'help') console.log(USAGE)
if (flags.kind === 'wrong') {
  console.error(`${flags.mistakes.join('\n')}\nSee --help.`)
  process.exitCode = BAD_USAGE
}
if (flags.kind === 'start') {
  try {
    const emulator = await startEmulator(flags.options)
    console.log(`Gemini, emulated: ${emulator.url}\nGEMINI_BASE_URL=${emulator.url} GEMINI_API_KEY=demo npm start`)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close())
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = UNAVAILABLE
  }
}
