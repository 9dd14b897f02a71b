import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { play } from './player.ts'
import { record } from './record.ts'
import { parseScript } from './script.ts'

const usage = `npm run session -- <ws://host:port/ws> <file.session | folder> …
npm run session -- <ws://host:port/ws> --record out.session
  --emulator <http://host:port>   where scripts find the emulator they steer
  --timeout <seconds>             how long each expected thing may take (5)
  --quiet                         differences only
Exits 0 when all went as written, 1 at a difference, 2 when it could not begin.`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const options = readOptions(args)
  if ('wrong' in options) return refuse(`${options.wrong}\n\n${usage}`)
  if (options.record !== undefined) {
    const lines = createInterface({ input: process.stdin })
    const script = await record({ url: options.url, lines, say: console.log })
    await writeFile(options.record, script)
    console.log(`written to ${options.record}`)
    return 0
  }
  const files = await sessionFiles(options.paths)
  if (typeof files === 'string') return refuse(files)
  let worst = 0
  for (const file of files) worst = Math.max(worst, await playFile(file, options))
  return worst
}

type Options = { url: string; paths: string[]; record?: string; emulator?: string; timeoutMs: number; quiet: boolean }

function readOptions(args: string[]): Options | { wrong: string } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        record: { type: 'string' },
        emulator: { type: 'string' },
        timeout: { type: 'string', default: '5' },
        quiet: { type: 'boolean', default: false },
      },
    })
    const [url = '', ...paths] = positionals
    const { record, emulator, timeout, quiet } = values
    if (!/^wss?:\/\//.test(url))
      return { wrong: 'first comes the address of the server, such as ws://localhost:8080/ws' }
    if (!(Number(timeout) > 0)) return { wrong: '--timeout takes seconds' }
    if (paths.length === 0 && record === undefined) return { wrong: 'which session?' }
    return {
      url,
      paths,
      timeoutMs: Number(timeout) * 1000,
      quiet,
      ...(record !== undefined && { record }),
      ...(emulator !== undefined && { emulator: emulator.replace(/\/+$/, '') }),
    }
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

/** The files named, and those in the folders named; or the sentence that says what is missing. */
async function sessionFiles(paths: readonly string[]): Promise<string[] | string> {
  const files: string[] = []
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) return `there is no ${path}`
    if (!found.isDirectory()) files.push(path)
    else
      files.push(...(await readdir(path)).filter((name) => name.endsWith('.session')).map((name) => join(path, name)))
  }
  return files.length > 0 ? files.sort() : `no *.session in ${paths.join(', ')}`
}

async function playFile(file: string, { url, emulator, timeoutMs, quiet }: Options): Promise<number> {
  const parsed = parseScript(await readFile(file, 'utf8'))
  if (!parsed.ok) return refuse(`${file}: ${parsed.errors.join('\n')}`)
  const { title, needs } = parsed.script
  console.log(`\n${file}: ${title}`)
  const settings = Object.entries(needs).map(([name, value]) => `${name}=${value}`)
  if (settings.length > 0) console.log(`  (for a server started with ${settings.join(' ')})`)
  const say = (line: string) => quiet || console.log(`  ${line}`)
  const played = await play(parsed.script, { url, timeoutMs, say, ...(emulator !== undefined && { emulator }) })
  if (played.ok) {
    console.log('  as written')
    return 0
  }
  console.log(`  DIFFERENCE at line ${played.number}\n  expected: ${played.expected}\n  got:      ${played.got}`)
  return 1
}

function refuse(why: string): number {
  console.error(why)
  return 2
}
