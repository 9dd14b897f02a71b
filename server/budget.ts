import { budgetCommand } from './budget-command.ts'
import { runHere } from './command.ts'

await runHere(budgetCommand)
