import { test } from 'uvu'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { buildApp } from '../helpers/built-app.ts'
import { startRedis } from '../helpers/redis.ts'
import { longForm } from '../helpers/trial.ts'
import { fault, times } from './fault.ts'
import { openFaulty } from './faulty.ts'
import { outage } from './outage.ts'

const app = buildApp()
const redis = await startRedis()
if (redis) {
  const open = async () => {
    await redis.empty()
    await initStore(redis.url, silentLog)
    return openFaulty({ app: await app, env: { STORE_URL: redis.url } })
  }

  fault('Redis is killed while answers are on their way, and started again', open, (target, toll) =>
    outage(target, toll, async () => {
      await redis.kill()
      return () => redis.start()
    }),
  )

  fault('Redis has no memory left while answers are on their way', open, (target, toll) =>
    outage(target, toll, async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '1')
      return async () => void (await redis.command('CONFIG', 'SET', 'maxmemory', '0'))
    }),
  )

  // Each command is waited for: few ask in vain.
  fault('Redis hangs while answers are on their way', open, (target, toll) =>
    outage(
      target,
      toll,
      () => {
        redis.signal('SIGSTOP')
        return () => redis.signal('SIGCONT')
      },
      times(1, 5),
    ),
  )

  fault(
    'Redis is flushed while answers are on their way: nothing goes on before the admin acts',
    open,
    (target, toll) =>
      outage(target, toll, async () => {
        await redis.command('FLUSHALL')
        return async () => void (await target.budget('--init'))
      }),
  )

  if (longForm)
    fault('Redis is flushed again and again', open, async (target, toll) => {
      for (let n = 0; n < 10; n++)
        await outage(target, toll, async () => {
          await redis.command('FLUSHALL')
          return async () => void (await target.budget('--init'))
        })
    })
}

test('Redis ends', async () => redis?.close())
test('the built copy is removed', async () => (await app).remove())

test.run()
