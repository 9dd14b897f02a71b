import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ledgerContract } from './ledger.ts'
import { adminContract } from './ledger-admin.ts'
import { storeKinds } from './stores.ts'

for (const kind of storeKinds) {
  ledgerContract(kind)
  adminContract(kind)
}

for (const kind of storeKinds.filter(({ shared }) => shared)) {
  test(`${kind.name}: what a killed process held stays counted`, () =>
    kind.use(async ({ url, open }) => {
      const script = fileURLToPath(new URL('./ledger-child.ts', import.meta.url))
      const child = spawn(process.execPath, ['--import', 'tsx', script, url], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
      await once(child, 'exit')
      const { ledger } = await open()
      const window = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
      const { spent } = await ledger.snapshot(window, { dayNano: 1000, monthNano: 6000 })
      assert.equal([spent.spent, spent.held, spent.requests], [30, 400, 2])
    }))
}

test.run()
