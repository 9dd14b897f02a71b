import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8')
const { dependencies } = JSON.parse(read('package.json'))

test('every package that the server runs on has its line in docs/dependencies.md, and no other has', () => {
  const listed = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
  assert.equal(listed.sort(), Object.keys(dependencies).sort())
})

test('the lock names each package by its checksum', () => {
  const { packages } = JSON.parse(read('package-lock.json'))
  const unchecked = Object.entries<{ integrity?: string; link?: boolean }>(packages)
    .filter(([name, { integrity, link }]) => name !== '' && !link && !integrity?.startsWith('sha512-'))
    .map(([name]) => name)
  assert.equal(unchecked, [])
})

test.run()
