import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import { visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { fillDisk, onSmallDisk, requireSmallDisk } from '../helpers/small-disk.ts'
import { fault, leave } from './fault.ts'
import { openFaulty } from './faulty.ts'
import { outage } from './outage.ts'

const app = buildApp()
const BYTES = 4 << 20

if (await requireSmallDisk()) {
  const disk = await mkdtemp(join(tmpdir(), 'le-mecano-disk-'))
  const onDisk = async () =>
    openFaulty({
      app: await app,
      through: onSmallDisk(disk, BYTES),
      env: { STORE_URL: `sqlite:${disk}/data/x.db` },
    })

  fault('the disk is full while answers are on their way', onDisk, async (target, toll) =>
    outage(target, toll, () => fillDisk(target.pid, disk)),
  )

  fault('the disk fills up bit by bit', onDisk, async (target, toll) => {
    const visitor = await visit(target)
    for (let left = 32; left >= 0; left -= 4) {
      const free = fillDisk(target.pid, disk, left * 1024)
      for (let n = 0; n < 4; n++) {
        const end = await visitor.ask(`q${left}-${n}`)
        toll.tried()
        if (end?.type !== 'done' && !(end?.type === 'error' && end.code === 'overloaded'))
          toll.lost(`${left} KB: ${JSON.stringify(end)}`)
      }
      free()
    }
    leave(visitor)
  })

  test('the folder is removed', () => rm(disk, { recursive: true }))
}

fault(
  'the database may only be read from some moment on',
  async () => openFaulty({ app: await app }),
  async (target, toll) =>
    outage(target, toll, () => {
      target.order({ does: 'fail', times: 1e9, kinds: ['sqlite'], code: 'SQLITE_READONLY' })
      return () => target.order(null)
    }),
)

test('the built copy is removed', async () => (await app).remove())

test.run()
