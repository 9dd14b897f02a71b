import { access } from 'node:fs/promises'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { CannotStart, EX_CONFIG } from './exit.ts'
import { loadConfig } from './load-config.ts'
import type { Env } from './settings.ts'
import { StoreError } from './stores/port.ts'

/** What an admin's command is given. */
export type CommandParts = { args: string[]; env: Env; envFile: string; clock: Clock }
/** What to print, and the exit code: 0; 64 for wrong flags; 78 for what the admin has to change first. */
export type CommandResult = { code: number; out: string; err: string }
export type Command = (parts: CommandParts) => Promise<CommandResult>

/** Command line arguments, read: what to do, or every mistake in them. */
export type Flags<Wanted> = { kind: 'help' } | { kind: 'wrong'; mistakes: readonly string[] } | Wanted
export type CommandWords<Wanted> = {
  usage: string
  readFlags(args: string[]): Flags<Wanted>
  /** Does it, and returns what to say. What it throws, but for CannotStart and StoreError, is a bug. */
  run(config: Config, wanted: Wanted, clock: Clock): Promise<string>
}

const EX_USAGE = 64

/** A command over the server's own settings, beside a server that may be running. Rejects only on bugs and full disks. */
export const command =
  <Wanted extends { kind: 'run' }>({ usage, readFlags, run }: CommandWords<Wanted>): Command =>
  async ({ args, env, envFile, clock }) => {
    const flags = readFlags(args)
    if (flags.kind === 'help') return { code: 0, out: `${usage}\n`, err: '' }
    if (flags.kind === 'wrong') return { code: EX_USAGE, out: '', err: `${flags.mistakes.join('\n')}\nSee --help.\n` }
    try {
      const loaded = await loadConfig(env, envFile)
      if (!loaded.ok) throw new CannotStart(loaded.errors)
      return { code: 0, out: await run(loaded.config, flags, clock), err: '' }
    } catch (error) {
      if (error instanceof CannotStart) return { code: EX_CONFIG, out: '', err: `${error.lines.join('\n')}\n` }
      if (error instanceof StoreError) return { code: EX_CONFIG, out: '', err: `STORE_URL: ${error.message}\n` }
      throw error
    }
  }

/** Runs it as this process, with what the admin typed. */
export async function runHere(command: Command): Promise<void> {
  const { argv, env } = process
  const { code, out, err } = await command({ args: argv.slice(2), env, envFile: '.env', clock: systemClock })
  process.stdout.write(out)
  process.stderr.write(err)
  process.exitCode = code
}

/** The file of a SQLite store's URL; undefined: it is another kind of store. */
export const sqliteFile = (storeUrl: string): string | undefined => /^sqlite:(?:\/\/)?(.+)$/.exec(storeUrl)?.[1]

/** A store that was never used is not made by looking at it. */
export async function requireThere(storeUrl: string): Promise<void> {
  if (storeUrl === 'memory:')
    throw new CannotStart(['STORE_URL: memory: lives in the server’s own process and can’t be looked at from here'])
  const path = sqliteFile(storeUrl)
  if (path === undefined) return
  const there = await access(path).then(
    () => true,
    () => false,
  )
  if (!there) throw new CannotStart([`STORE_URL: there is no ${path} yet: it is made when the server first starts`])
}
