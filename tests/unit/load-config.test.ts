import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type LoadedConfig, loadConfig } from '../../server/load-config.ts'

const KEY = 'a-key-for-tests-0123456789'

/** A folder of its own with these files; `.env` is 0600 unless `mode` says otherwise. */
async function inFolder(
  files: Record<string, string>,
  run: (dir: string) => Promise<void>,
  mode = 0o600,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-config-'))
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
    if (files['.env'] !== undefined) await chmod(join(dir, '.env'), mode)
    await run(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}
const configOf = (loaded: LoadedConfig) => {
  if (!loaded.ok) throw new Error(loaded.errors.join('\n'))
  return loaded.config
}
const errorsOf = (loaded: LoadedConfig) => (loaded.ok ? [] : loaded.errors)

test('the environment wins over .env, but an empty variable does not hide it', () =>
  inFolder({ '.env': 'MAX_STREAMS=7\nMAX_CONNECTIONS=70\nDRAIN_MS=700 # short\nPERSONA_DIR="a b"\n' }, async (dir) => {
    const config = configOf(await loadConfig({ MAX_STREAMS: '8', MAX_CONNECTIONS: ' ' }, join(dir, '.env')))
    assert.equal([config.maxStreams, config.maxConnections, config.drainMs, config.personaDir], [8, 70, 700, 'a b'])
  }))

test('no .env is fine, and nothing is put into the environment', () =>
  inFolder({}, async (dir) => {
    const env = { PATH: 'x' }
    assert.equal((await loadConfig(env, join(dir, '.env'))).warnings, [])
    assert.equal(env, { PATH: 'x' })
  }))

test('a byte order mark or Windows line ends do not matter', () =>
  inFolder({ '.env': '\uFEFFMAX_STREAMS=7\r\nMAX_CONNECTIONS=70\r\n' }, async (dir) => {
    const config = configOf(await loadConfig({}, join(dir, '.env')))
    assert.equal([config.maxStreams, config.maxConnections], [7, 70])
  }))

test('a .env that others can read is warned about', async () => {
  const warnings = async (dir: string) => (await loadConfig({}, join(dir, '.env'))).warnings
  for (const mode of [0o644, 0o604, 0o602])
    await inFolder({ '.env': '' }, async (dir) => assert.match((await warnings(dir)).join(), 'chmod 600'), mode)
  for (const mode of [0o600, 0o640, 0o400])
    await inFolder({ '.env': '' }, async (dir) => assert.equal(await warnings(dir), []), mode)
})

test('a .env that cannot be read is a mistake like the others', () =>
  inFolder({}, async (dir) => {
    await mkdir(join(dir, '.env'))
    const errors = errorsOf(await loadConfig({ PORT: 'x' }, join(dir, '.env')))
    assert.is(errors.length, 2)
    assert.match(errors.join('\n'), /\.env: is a folder; name a file/)
    assert.match(errors.join('\n'), 'PORT: "x"')
  }))

test('a key file is trimmed, and may be named in .env', () =>
  inFolder({ key: `${KEY}\r\n`, '.env': '' }, async (dir) => {
    await writeFile(join(dir, '.env'), `GEMINI_API_KEY_FILE=${join(dir, 'key')}`)
    assert.is(configOf(await loadConfig({}, join(dir, '.env'))).gemini.apiKey, KEY)
  }))

test('a key file that is missing, empty, huge or no file is a mistake beside the others', () =>
  inFolder({ empty: '\n', huge: 'x'.repeat(100_000) }, async (dir) => {
    const load = (file: string) => loadConfig({ GEMINI_API_KEY_FILE: join(dir, file), PORT: 'x' }, join(dir, '.env'))
    const wrong = { missing: 'put the key into it', '.': 'is a folder', empty: 'is an empty file', huge: 'no key has' }
    for (const [file, why] of Object.entries(wrong)) {
      const errors = errorsOf(await load(file))
      assert.is(errors.length, 2, file)
      assert.match(errors.join('\n'), `GEMINI_API_KEY_FILE: `)
      assert.match(errors.join('\n'), why)
      assert.not.match(errors.join('\n'), 'xxx')
    }
  }))

test('both ways to give the key are too many, even where the file is missing', () =>
  inFolder({}, async (dir) => {
    const env = { GEMINI_API_KEY: KEY, GEMINI_API_KEY_FILE: join(dir, 'missing') }
    const errors = errorsOf(await loadConfig(env, join(dir, '.env')))
    assert.ok(errors.some((error) => error.startsWith('GEMINI_API_KEY: ')))
    assert.not.match(errors.join('\n'), KEY)
  }))

test.run()
