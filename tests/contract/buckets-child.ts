import { systemClock } from '../../server/clock.ts'
import { silentLog } from '../../server/log.ts'
import { openStore } from '../../server/stores/open.ts'

/** Takes `times` from one bucket of a shared store and prints how many were admitted. */
const [url = '', burst, times] = process.argv.slice(2)
const store = await openStore(url, { clock: systemClock, log: silentLog })
const rule = { name: 'shared', burst: Number(burst), perMinute: 0.001 }
let admitted = 0
for (let asked = 0; asked < Number(times); asked++) {
  if ((await store.buckets.take([{ rule, key: 'k' }])).ok) admitted += 1
}
await store.close()
process.stdout.write(String(admitted))
