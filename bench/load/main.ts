// A load generator: one job, given as JSON; what it says of it are lines of JSON.
import { burst } from './burst.ts'
import { flood } from './flood.ts'
import { herd } from './herd.ts'
import { idle, upgrades } from './idle.ts'
import type { Load } from './job.ts'
import { long, steady, step } from './paced.ts'
import { slowReader } from './slow.ts'
import { visitor } from './visitor.ts'

const load: Load = JSON.parse(process.argv[2] ?? '')
for (const url of [...load.urls, load.upstream])
  if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(url)) throw new Error('loopback only')

const say = (word: Record<string, unknown>) => void process.stdout.write(`${JSON.stringify(word)}\n`)
const { job } = load
say({ at: 'started', url: load.urls[0] })
switch (job.at) {
  case 'streams':
    await steady(load, job, say)
    break
  case 'step':
    await step(load, job, say)
    break
  case 'long':
    await long(load, job, say)
    break
  case 'slow-reader':
    await slowReader(load, job, say)
    break
  case 'idle':
    await idle(load, job, say)
    break
  case 'upgrades':
    await upgrades(load, job, say)
    break
  case 'herd':
    await herd(load, job, say)
    break
  case 'flood':
    await flood(load, job, say)
    break
  case 'visitor':
    await visitor(load, job, say)
    break
  case 'burst':
    await burst(load, job, say)
    break
}
process.exit(0)
