import { budgetCommand } from './budget-command.ts'
import { systemClock } from './clock.ts'

const { code, out, err } = await budgetCommand({
  args: process.argv.slice(2),
  env: process.env,
  envFile: '.env',
  clock: systemClock,
})
process.stdout.write(out)
process.stderr.write(err)
process.exitCode = code
