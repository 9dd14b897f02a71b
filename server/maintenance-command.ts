import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Clock } from './clock.ts'
import { command, type Flags, requireThere, sqliteFile } from './command.ts'
import { CannotStart } from './exit.ts'
import { silentLog } from './log.ts'
import { openStore } from './stores/open.ts'
import { StoreError } from './stores/port.ts'
import { restore } from './stores/sqlite-restore.ts'
import { backUp, emptyLog, newestCopy, sweepAsides } from './stores/sqlite-upkeep.ts'

export const MAINTENANCE_USAGE = `What a night does for the store: expired conversations go, the log is emptied, and a copy is made
that has everything but conversations.

  npm run maintenance -- [--out FOLDER] [--keep N] [--if-due]
  npm run maintenance -- --restore FILE

  --out FOLDER  where the copies are kept. Without it: backups, beside the database
  --keep N      how many of them (14)
  --if-due      no copy while the newest one is younger than 20 hours: starts are not to push out older copies
  --restore FILE  puts this copy back, with the server stopped; the present database is kept beside it
  --help        this text

It reads the same environment and .env as the server, and may run beside it, but for --restore.`

// Less than a night, also when clocks change.
const DUE_MS = 20 * 3_600_000

type Night = { kind: 'run'; out: string | undefined; keep: number; ifDue: boolean }
type Restore = { kind: 'run'; restore: string }
type Wanted = Night | Restore

/** The store's upkeep. */
export const maintenanceCommand = command<Wanted>({
  usage: MAINTENANCE_USAGE,
  readFlags,
  run: ({ storeUrl }, wanted, clock) =>
    'restore' in wanted ? putBack(wanted.restore, storeUrl, clock) : lookAfter(storeUrl, wanted, clock),
})

async function lookAfter(storeUrl: string, { out, keep, ifDue }: Night, clock: Clock): Promise<string> {
  await requireThere(storeUrl)
  const said = [`${await sweep(storeUrl, clock)} expired conversations erased.`]
  const file = sqliteFile(storeUrl)
  if (file === undefined) said.push('Redis writes and expires by itself; its append-only file is the backup.')
  else {
    said.push((await emptyLog(file)) ? 'The log is empty.' : 'A reader kept the log: the next night empties it.')
    for (const aside of await sweepAsides(file, clock.now()))
      said.push(`${aside} can’t be read, and may hold conversations that have expired: remove it.`)
    const folder = out ?? join(dirname(file), 'backups')
    const newest = ifDue ? await newestCopy(file, folder) : undefined
    const due = newest === undefined || clock.now() - newest.at >= DUE_MS
    said.push(due ? await copyTo(folder, file, keep, clock) : `No copy is due: ${newest.path} is fresh.`)
  }
  return `${said.join('\n')}\n`
}

async function putBack(copy: string, storeUrl: string, clock: Clock): Promise<string> {
  const file = sqliteFile(storeUrl)
  if (file === undefined)
    throw new CannotStart(['--restore: is for SQLite; Redis is put back from its append-only file'])
  try {
    const aside = await restore(copy, file, new Date(clock.now()))
    // Opened once: it is brought up to date, and halted from now on.
    await (await openStore(storeUrl, { clock, log: silentLog })).close()
    const said = [
      ...(aside === undefined ? [] : [`What was there is kept as ${aside}; remove it when all is well.`]),
      `${file} is the copy ${copy}, checked.`,
      'What was spent since it was made is not in it, so no question is admitted until you accept that:',
      'look at Google’s bill, start the server, then npm run budget -- --resume.',
    ]
    return `${said.join('\n')}\n`
  } catch (error) {
    if (error instanceof StoreError) throw new CannotStart([`--restore: ${error.message}`])
    throw error
  }
}

async function sweep(url: string, clock: Clock): Promise<number> {
  const store = await openStore(url, { clock, log: silentLog })
  try {
    await store.questions.sweep(clock.now())
    return await store.conversations.sweep(clock.now())
  } finally {
    await store.close()
  }
}

async function copyTo(folder: string, file: string, keep: number, clock: Clock): Promise<string> {
  try {
    return await backUp(file, folder, keep, new Date(clock.now()))
  } catch (error) {
    if (error instanceof StoreError || !(error instanceof Error && 'code' in error)) throw error
    throw new CannotStart([`--out: no copy could be made in ${folder} (${String(error.code)}); the copies there stay`])
  }
}

const options = {
  out: { type: 'string' },
  keep: { type: 'string', default: '14' },
  'if-due': { type: 'boolean', default: false },
  restore: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

function readFlags(args: string[]): Flags<Wanted> {
  const wrong = (mistake: string): Flags<Wanted> => ({ kind: 'wrong', mistakes: [mistake] })
  try {
    const { values } = parseArgs({ args, options })
    if (values.help) return { kind: 'help' }
    if (values.restore !== undefined) {
      if (values.restore === '') return wrong('--restore: names no file')
      const alone = args.filter((arg) => arg.startsWith('--')).length === 1
      return alone ? { kind: 'run', restore: values.restore } : wrong('--restore: goes with no other flag')
    }
    if (values.out === '') return wrong('--out: names no folder')
    if (!/^[1-9]\d{0,3}$/.test(values.keep)) return wrong('--keep: a whole number from 1 to 9999')
    return { kind: 'run', out: values.out, keep: Number(values.keep), ifDue: values['if-due'] }
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
}
