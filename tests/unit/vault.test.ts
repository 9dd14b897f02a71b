import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { vault } from '../../server/vault.ts'

const TOKEN = `lm_${'A'.repeat(43)}`
const OTHER = `lm_${'A'.repeat(42)}B`
const safe = vault.safe(TOKEN)
const TEXT = 'Un vélo bleu 🚲, s’il vous plaît'

test('what is sealed opens under its own token, whole', () => {
  for (const text of [TEXT, '', 'x'.repeat(100_000)]) assert.is(vault.safe(TOKEN).open(safe.seal(text)), text)
})

test('under another token, flipped, cut or lengthened it does not open', () => {
  const blob = safe.seal(TEXT)
  assert.is(vault.safe(OTHER).open(blob), undefined)
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const flipped = Uint8Array.from(blob)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.is(safe.open(flipped), undefined, `bit ${bit}`)
  }
  for (let length = 0; length < blob.length; length++) assert.is(safe.open(blob.slice(0, length)), undefined)
  assert.is(safe.open(Uint8Array.of(...blob, 0)), undefined)
})

test('neither contents nor token are in a blob, and the same text never looks the same', () => {
  const blobs = [safe.seal(TEXT), safe.seal(TEXT)]
  for (const blob of blobs)
    for (const word of ['vélo', TOKEN, vault.keyOf(TOKEN)]) assert.is(Buffer.from(blob).indexOf(word), -1)
  assert.is.not(Buffer.compare(Buffer.from(blobs[0] ?? []), Buffer.from(blobs[1] ?? [])), 0)
})

test('a store’s key is the same for the same token alone, and gives nothing of it away', () => {
  assert.is(vault.keyOf(TOKEN), vault.keyOf(TOKEN))
  assert.is.not(vault.keyOf(TOKEN), vault.keyOf(OTHER))
  assert.is(vault.keyOf(TOKEN).length, 43)
  assert.not.ok(vault.keyOf(TOKEN).includes('AAAA'))
})

test.run()
