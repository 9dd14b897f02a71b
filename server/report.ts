import { systemClock } from './clock.ts'
import { reportCommand } from './report-command.ts'

const { code, out, err } = await reportCommand({
  args: process.argv.slice(2),
  env: process.env,
  envFile: '.env',
  clock: systemClock,
})
process.stdout.write(out)
process.stderr.write(err)
process.exitCode = code
