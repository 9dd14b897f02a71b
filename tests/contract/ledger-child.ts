import { systemClock } from '../../server/clock.ts'
import { silentLog } from '../../server/log.ts'
import { openStore } from '../../server/stores/open.ts'

/** Spends 30, holds 400, says so, and waits to be killed. */
const { ledger } = await openStore(process.argv[2] ?? '', { clock: systemClock, log: silentLog })
const caps = { dayNano: 1000, monthNano: 6000 }
const window = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
const order = { ...window, owner: 'child', caps, scopes: [], at: Date.now(), hour: 0 }
await ledger.reserve({ ...order, id: 'spent', nano: 50 })
await ledger.settle('spent', { nano: 30, outputTokens: 1, overrun: false })
await ledger.reserve({ ...order, id: 'held', nano: 400 })
process.stdout.write('held')
setInterval(() => undefined, 1000)
