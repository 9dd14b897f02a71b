// A copy of the store, whole and consistent, while the server runs:
//   node deploy/backup.mjs /var/lib/le-mecano/le-mecano.db /var/backups/le-mecano [how many to keep: 14]
// Prints the copy's name. Conversations in it stay unreadable without their visitors' tokens.
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import Database from 'libsql'

const [database = '', folder = '', keep = '14'] = process.argv.slice(2)
if (!database || !folder || !/^[1-9]\d{0,3}$/.test(keep))
  fail('usage: node deploy/backup.mjs DATABASE FOLDER [KEEP]', 64)
process.umask(0o077)

try {
  await access(database)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = `${basename(database, '.db')}-${new Date().toISOString().replace(/[:.]/g, '-')}.db`
  const unfinished = join(folder, `.${name}`)
  await copy(unfinished)
  await rename(unfinished, join(folder, name))
  await forgetOld()
  console.log(join(folder, name))
} catch (error) {
  fail(`no backup was made: ${error.message}`, 1)
}

async function copy(to) {
  const source = new Database(database, { timeout: 10_000 })
  source.prepare('VACUUM INTO ?').run(to)
  source.close()
  const made = new Database(to)
  const { integrity_check: verdict } = made.prepare('PRAGMA integrity_check').get()
  made.close()
  if (verdict === 'ok') return
  await rm(to)
  throw new Error(`the copy is damaged (${verdict})`)
}

async function forgetOld() {
  const ours = (file) => file.startsWith(`${basename(database, '.db')}-`) && file.endsWith('.db')
  const copies = (await readdir(folder)).filter(ours).sort()
  for (const file of copies.slice(0, -Number(keep))) await rm(join(folder, file))
}

function fail(sentence, code) {
  console.error(sentence)
  process.exit(code)
}
