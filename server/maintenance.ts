import { runHere } from './command.ts'
import { maintenanceCommand } from './maintenance-command.ts'

// The copy is its owner's alone.
process.umask(0o077)
await runHere(maintenanceCommand)
