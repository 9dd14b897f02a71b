import { systemClock } from './clock.ts'
import { maintenanceCommand } from './maintenance-command.ts'

// The copy is its owner's alone.
process.umask(0o077)
const { code, out, err } = await maintenanceCommand({
  args: process.argv.slice(2),
  env: process.env,
  envFile: '.env',
  clock: systemClock,
})
process.stdout.write(out)
process.stderr.write(err)
process.exitCode = code
