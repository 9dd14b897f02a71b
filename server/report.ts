import { runHere } from './command.ts'
import { reportCommand } from './report-command.ts'

await runHere(reportCommand)
