import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createDemo } from '../../emulator/answers.ts'
import { readSections, sectionsOf } from '../../emulator/knowledge.ts'

const files = [
  '# Atelier\n\n## Crevaison\n\nRéparation d’une **crevaison** : 15 €, chambre à air comprise.\n\n<!-- keywords: puncture, flat tyre -->\n\n## Révision\n\n- Escale : 45 €\n- Carénage : 149 €\n',
  '# Horaires\n\n## Dimanche et lundi\n\nLa boutique est fermée le dimanche.\n\n## Samedi\n\nOuvert de 9 h 30 à 18 h.\n',
]
const sections = files.flatMap(sectionsOf)
const demo = createDemo(sections)

test('sections carry their topic, their text without comments, and their keywords', () => {
  assert.equal(
    sections.map(({ topic, title }) => `${topic} / ${title}`),
    ['Atelier / Crevaison', 'Atelier / Révision', 'Horaires / Dimanche et lundi', 'Horaires / Samedi'],
  )
  assert.equal(sections[0]?.keywords, 'puncture, flat tyre')
  assert.not.match(sections[0]?.text ?? '', 'keywords')
})

test('a question gets the section that shares its words, without accents or case, by keyword too', () => {
  assert.match(demo('vous reparez une CREVAISON ?'), '15 €, chambre à air comprise')
  assert.match(demo('do you fix a flat tyre'), '15 €, chambre à air comprise')
  assert.match(demo('C’est ouvert dimanche ?'), 'fermée le dimanche')
  assert.match(demo('une revision, combien ?'), '- Carénage : 149 €')
})

test('every answer says that it is a demonstration and repeats nothing of the question', () => {
  const questions = ['Bonjour !', 'merci', 'xylophone <b>zébré</b>', 'crevaison xylophone zébré', '', '   ?']
  for (const question of questions) {
    assert.match(demo(question), 'Mode démonstration')
    assert.not.match(demo(question), /xylophone|zébré/)
    assert.ok(demo(question).length <= 900)
  }
  assert.match(demo('Bonjour !'), '- Horaires')
  assert.match(demo('Bonjour !'), 'bienvenue')
})

test('without any knowledge it says what is missing, greetings included', async () => {
  assert.equal(await readSections('/nowhere/at/all'), [])
  const empty = createDemo([])
  assert.match(empty('crevaison'), 'aucune fiche')
  assert.match(empty('Bonjour'), 'bienvenue')
})

test('answers stay between 300 and 900 characters, whatever the length of the sections', () => {
  const long = createDemo(sectionsOf(`# T\n\n## Roue\n\n${'roue voilée '.repeat(300)}\n`))
  const lines = createDemo(sectionsOf(`# T\n\n## Roue\n\n${'- une roue voilée, 20 €\n'.repeat(100)}`))
  for (const answer of [long('roue'), lines('roue'), demo('crevaison'), demo('samedi')])
    assert.ok(answer.length >= 280 && answer.length <= 900, `${answer.length}: ${answer}`)
  assert.match(lines('roue'), /- une roue voilée, 20 €$/m)
})

test('the same in English, around the shop’s own words', () => {
  const english = createDemo(sectionsOf('# Bread\n\n## Rye\n\nDark rye, £5.20.\n'), 'en')
  for (const question of ['Do you sell rye?', 'Hello', 'Thanks', 'Is there a dentist?']) {
    assert.match(english(question), /^\*\*Demonstration mode:\*\*/, question)
    assert.not.match(english(question), /démonstration|boutique|fiches/, question)
  }
  assert.match(english('Do you sell rye?'), 'Dark rye, £5.20.')
})

test.run()
