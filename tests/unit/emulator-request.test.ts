import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkCount, checkRequest } from '../../emulator/request.ts'

const user = { role: 'user', parts: [{ text: 'Bonjour' }] }
const model = { role: 'model', parts: [{ text: 'Ohé' }] }
const refused = (body: unknown, name = 'gemini-3.5-flash-lite'): string => {
  const checked = checkRequest(JSON.stringify(body), name)
  if (checked.ok) return 'accepted'
  assert.is(checked.error.status, 400)
  return JSON.parse(checked.error.body).error.message
}

test('a whole request is read, snake_case and numbers as text included', () => {
  const whole = {
    contents: [user, model, user],
    system_instruction: { role: 'system', parts: [{ text: 'Sois bref.' }] },
    generationConfig: { maxOutputTokens: '800', temperature: 0.7, thinkingConfig: { thinkingLevel: 'minimal' } },
    safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_MEDIUM_AND_ABOVE' }],
    store: false,
  }
  assert.equal(checkRequest(JSON.stringify(whole), 'gemini-3.5-flash-lite'), {
    ok: true,
    request: {
      texts: ['Sois bref.', 'Bonjour', 'Ohé', 'Bonjour'],
      instruction: 'Sois bref.',
      question: 'Bonjour',
      maxOutputTokens: 800,
    },
  })
})

const rows: [string, unknown, string][] = [
  ['not JSON', 'x', 'Invalid JSON payload'],
  ['no contents', {}, 'contents is not specified'],
  ['empty contents', { contents: [] }, 'contents is not specified'],
  ['contents that are text', { contents: 'Bonjour' }, "Invalid value at 'contents'"],
  ['a model turn last', { contents: [user, model] }, 'ending with a model turn'],
  ['a third role', { contents: [{ ...user, role: 'system' }] }, 'valid role'],
  ['no parts', { contents: [{ role: 'user' }] }, 'must not be empty'],
  ['an empty text', { contents: [{ role: 'user', parts: [{ text: '' }] }] }, "required oneof field 'data'"],
  ['an unknown field', { contents: [user], colour: 1 }, 'Unknown name "colour": Cannot find field.'],
  ['an instruction that is text', { contents: [user], systemInstruction: 'Sois bref' }, "at 'system_instruction'"],
  ['a cap of 0', { contents: [user], generationConfig: { maxOutputTokens: 0 } }, 'must be positive'],
  ['a cap beyond the model', { contents: [user], generationConfig: { maxOutputTokens: 65_537 } }, 'supported maximum'],
  ['half a token', { contents: [user], generationConfig: { maxOutputTokens: 1.5 } }, 'TYPE_INT32'],
  ['a hot model', { contents: [user], generationConfig: { temperature: 3 } }, '[0.0, 2.0]'],
  [
    'an unknown setting',
    { contents: [user], generationConfig: { maxTokens: 3 } },
    '"maxTokens" at \'generation_config\'',
  ],
  ['a store that is text', { contents: [user], store: 'no' }, 'TYPE_BOOL'],
  [
    'an unknown harm',
    { contents: [user], safetySettings: [{ category: 'X', threshold: 'OFF' }] },
    'safety_settings[0].category',
  ],
  [
    'two ways of thinking',
    { contents: [user], generationConfig: { thinkingConfig: { thinkingBudget: 0, thinkingLevel: 'LOW' } } },
    'only one of thinking budget',
  ],
]
for (const [what, body, message] of rows) {
  test(`a request with ${what} is refused in Google's words`, () => {
    assert.match(typeof body === 'string' ? refusedText(body) : refused(body), message)
  })
}

function refusedText(body: string): string {
  const checked = checkRequest(body, 'gemini-3.5-flash-lite')
  return checked.ok ? 'accepted' : checked.error.body
}

test('no JSON makes it throw', () => {
  const names = fc.constantFrom(
    'contents',
    'parts',
    'role',
    'text',
    'generationConfig',
    'thinkingConfig',
    'thinkingLevel',
    'safetySettings',
    'category',
    'systemInstruction',
    'maxOutputTokens',
    'store',
    'toString',
    '__proto__',
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value')),
    ),
  }))
  fc.assert(
    fc.property(value, (body) => {
      for (const check of [checkRequest, checkCount])
        assert.type(check(JSON.stringify(body), 'gemini-2.5-flash').ok, 'boolean')
    }),
  )
  assert.match(
    refused({ contents: [user], generationConfig: { thinkingConfig: { thinkingLevel: { toString: 1 } } } }),
    'thinking_level',
  )
})

test('2.5 models know no thinking level', () => {
  const body = { contents: [user], generationConfig: { thinkingConfig: { thinkingLevel: 'LOW' } } }
  assert.match(refused(body, 'gemini-2.5-flash'), 'not supported')
  assert.is(refused(body), 'accepted')
})

test('countTokens takes contents or a whole request', () => {
  for (const body of [{ contents: [user] }, { generateContentRequest: { model: 'models/m', contents: [user] } }])
    assert.ok(checkCount(JSON.stringify(body), 'gemini-3.5-flash-lite').ok)
})

test.run()
