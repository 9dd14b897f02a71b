import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Case, type Measured, measure } from '../../bench/wallet-case.ts'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { buildApp } from '../helpers/built-app.ts'
import { startWatched } from '../helpers/sentinel.ts'
import { requireNginx, requireOpenssl } from '../helpers/tools.ts'
import { DOMAIN, deployedConf, startNginx } from './deploy-nginx.ts'

// Hostile visitors without a pause, through a real nginx, on nodes that share a real Redis; a third hang up at the first
// words. The emulator's books are the only truth about what was spent.
const [nginx, openssl, watched] = [await requireNginx(), await requireOpenssl(), await startWatched()]
const app = await buildApp()

const load = {
  scheme: 'ours',
  store: 'redis',
  capHolds: 60,
  clients: 24,
  maxStreams: 12,
  program: [app.main],
} as const

if (nginx && openssl && watched) {
  const { primary, replica, url, takeOver } = watched
  const front = async (ports: readonly number[]) => {
    const { https, ca, close } = await startNginx(await deployedConf(ports.length), {
      binary: nginx,
      openssl,
      upstream: ports,
    })
    return { ws: `wss://${DOMAIN}:${https}/ws`, ca, close }
  }
  const measured = async (
    more: Pick<Case, 'processes' | 'days' | 'daySeconds' | 'killEveryMs' | 'trouble'>,
  ): Promise<Measured> => {
    await primary.empty()
    await initStore(url, silentLog)
    const seen = await measure({ ...load, front, storeUrl: url, ...more })
    const [over, used] = [seen.overshoot, seen.utilisation].map((part) => `${(100 * part).toFixed(1)} %`)
    const calls = seen.days.reduce((sum, day) => sum + day.calls, 0)
    console.log(
      `${more.processes} nodes: overshoot ${over}, used ${used}, ${calls} calls, ${seen.kills} kills`,
      seen.seen,
    )
    assert.is(seen.overshoot, 0)
    assert.ok(calls > 0 && seen.seen.hungUp > 0)
    return seen
  }

  for (const processes of [2, 4])
    test(`${processes} nodes behind nginx, one killed -9 again and again: the budget is never passed`, async () => {
      const { kills } = await measured({ processes, days: 1, daySeconds: 3, killEveryMs: 1000 })
      assert.ok(kills > 0)
    })

  const scriptsRun = async () =>
    Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(String(await primary.command('INFO', 'commandstats')))?.[1] ?? 0)

  // It hangs, so that it wakes up as a primary, with the nodes' connections, when another is it already.
  test('the primary hangs under load, a replica that is behind takes over: the budget is never passed', async () => {
    const switched = async () => {
      replica.signal('SIGSTOP')
      await primary.command('CLIENT', 'KILL', 'TYPE', 'replica')
      const before = await scriptsRun()
      while ((await scriptsRun()) < before + 60) await setImmediate()
      primary.signal('SIGSTOP')
      replica.signal('SIGCONT')
      await takeOver()
      primary.signal('SIGCONT')
      await primary.command('REPLICAOF', '127.0.0.1', String(replica.port))
    }
    const trouble = { afterMs: 300, cause: switched }
    const { days } = await measured({ processes: 2, days: 2, daySeconds: 6, trouble })
    assert.ok(days.at(-1)?.calls, 'questions are answered again')
  })
}

test('what was started ends', async () => {
  await watched?.close()
  await app.remove()
})

test.run()
