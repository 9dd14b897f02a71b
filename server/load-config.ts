import { readFile, stat } from 'node:fs/promises'
import { parse } from 'dotenv'
import { type ParsedConfig, parseConfig } from './config.ts'
import type { Env } from './settings.ts'

/** `warnings` are sentences for the log. */
export type LoadedConfig = ParsedConfig & { warnings: readonly string[] }

/** The environment over the file `.env`; an empty variable counts as missing, so it doesn't hide the file's. */
export async function loadConfig(env: Env, envFile: string): Promise<LoadedConfig> {
  const warnings: string[] = []
  const file = await read(envFile)
  const merged: Record<string, string | undefined> = file.ok ? parse(file.text) : {}
  for (const [name, value] of Object.entries(env)) if (value?.trim()) merged[name] = value
  if (file.ok && (await readableByOthers(envFile)))
    warnings.push(`${envFile} can be read by other users of this machine: chmod 600 ${envFile}`)
  const keyPath = merged.GEMINI_API_KEY_FILE?.trim()
  const key = keyPath ? await read(keyPath) : undefined
  const parsed = parseConfig(merged, key?.ok === false ? 'unread-key' : key?.text)
  const unread = [
    ...(file.ok || file.code === 'ENOENT' ? [] : [`${envFile}: ${unreadable(file.code)}`]),
    ...(key === undefined || key.ok ? [] : [`GEMINI_API_KEY_FILE: ${unreadable(key.code)}`]),
  ]
  if (unread.length === 0) return { ...parsed, warnings }
  return { ok: false, errors: [...unread, ...(parsed.ok ? [] : parsed.errors)], warnings }
}

/** The remedies say no path: the setting's name leads to it. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; put the key into it, or name another',
  EISDIR: 'is a folder; name a file',
  ENOTDIR: 'there is no such file; put the key into it, or name another',
  EACCES: 'this user may not read it; make the file its own (chown) with mode 400',
}
const unreadable = (code: string) => UNREADABLE[code] ?? `can't be read (${code}); look at its disk`

type Read = { ok: true; text: string } | { ok: false; code: string }

async function read(path: string): Promise<Read> {
  try {
    return { ok: true, text: await readFile(path, 'utf8') }
  } catch (error) {
    return { ok: false, code: error instanceof Error && 'code' in error ? String(error.code) : 'unknown error' }
  }
}

const readableByOthers = async (path: string) => ((await stat(path)).mode & 0o007) !== 0
