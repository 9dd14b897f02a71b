import { scenarioOfModel } from './order.ts'
import type { Json } from './wire.ts'

export const MOST_OUTPUT = 65_536
const MOST_INPUT = 1_048_576

const known = [
  'gemini-3.5-flash-lite',
  'gemini-3.5-flash',
  'gemini-3.6-flash',
  'gemini-3.7-flash',
  'gemini-2.5-flash',
  'gemini-2.5-flash-lite',
]

/** Whether a model name is one of Google's current ones or orders a scenario. */
export const isModel = (name: string): boolean => known.includes(name) || scenarioOfModel(name) !== undefined

/** A model's description, as `GET /models/{name}` gives it. */
export const modelJson = (name: string): Json => ({
  name: `models/${name}`,
  version: '001',
  displayName: name,
  description: 'Spoken locally by an emulator: no model answers.',
  inputTokenLimit: MOST_INPUT,
  outputTokenLimit: MOST_OUTPUT,
  supportedGenerationMethods: ['generateContent', 'countTokens'],
  temperature: 1,
  topP: 0.95,
  topK: 64,
  maxTemperature: 2,
  thinking: true,
})

/** The answer to `GET /models`. */
export const modelsJson = (): Json => ({ models: known.map(modelJson) })
