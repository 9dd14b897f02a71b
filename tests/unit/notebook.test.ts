import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createNotebook, withoutContacts } from '../../server/chat/notebook.ts'
import type { Turn } from '../../server/chat/turn.ts'
import { silentLog } from '../../server/log.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { vault } from '../../server/vault.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const SEAL = 'admin-token-for-tests'

function bench() {
  const clock = manualClock()
  const { questions: store } = memoryStore(clock)
  const assistant = () => ({ knows: (question: string) => question.includes('vélo') })
  const note = createNotebook({ store, vault, seal: SEAL, assistant, clock, ttlMs: 1000, log: silentLog })
  const ended = (question: string, state: Turn['state'] = 'complete') =>
    note('owner', { n: 0, id: 'q', question, at: 0, remaining: 0, source: 'model', answer: 'A', state })
  const blobs = () => store.between(0, clock.now() + 1)
  return { clock, ended, blobs, kept: async () => (await blobs()).map((blob) => vault.safe(SEAL).open(blob)) }
}

test('a question that the files do not answer is kept after its end, sealed, for the time of its conversation', async () => {
  const { clock, ended, blobs, kept } = bench()
  ended('Vendez-vous des skis ?', 'streaming')
  ended('Un vélo bleu ?')
  assert.equal(await kept(), [])
  ended('Vendez-vous des skis ?')
  assert.equal(await kept(), ['Vendez-vous des skis ?'])
  const [blob = new Uint8Array()] = await blobs()
  assert.not(Buffer.from(blob).includes('skis'))
  assert.is(vault.safe('another-admin-token').open(blob), undefined)
  clock.advance(1000)
  assert.equal(await kept(), [])
})

test('ways to reach somebody are left out, and what is long is cut', async () => {
  assert.is(
    withoutContacts('Écrivez à jean.le-gall@mail.example ou au +33 (0)6 12 34 56 78, ou 02.98.00.00.00 !'),
    'Écrivez à … ou au …, ou … !',
  )
  assert.is(withoutContacts('carte 4970 1012 3456 7890'), 'carte …')
  assert.is(withoutContacts('un 26 pouces à 450 € en 2026'), 'un 26 pouces à 450 € en 2026')
  const { ended, kept } = bench()
  ended('é'.repeat(1000))
  assert.is((await kept())[0]?.length, 300)
})

test.run()
