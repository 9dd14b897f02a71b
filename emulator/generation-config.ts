import { invalid } from './errors.ts'
import { type Fields, fieldsOf, integerOf, type Problem, textOf, unknownName, wrongType, wrongValue } from './fields.ts'
import { MOST_OUTPUT } from './models.ts'

const AT = 'generation_config'
const NUMBERS = ['temperature', 'topP', 'presencePenalty', 'frequencyPenalty']
const INTEGERS = ['candidateCount', 'maxOutputTokens', 'topK', 'seed', 'logprobs']
const FLAGS = ['responseLogprobs', 'enableEnhancedCivicAnswers']
const OTHERS = ['stopSequences', 'responseMimeType', 'responseSchema', 'responseJsonSchema', 'responseModalities']
const RARE = ['thinkingConfig', 'speechConfig', 'imageConfig', 'mediaResolution']
const THINKING = ['includeThoughts', 'thinkingBudget', 'thinkingLevel']
const LEVELS = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH']
const HARMS = ['HARASSMENT', 'HATE_SPEECH', 'SEXUALLY_EXPLICIT', 'DANGEROUS_CONTENT', 'CIVIC_INTEGRITY']
const THRESHOLDS = ['BLOCK_LOW_AND_ABOVE', 'BLOCK_MEDIUM_AND_ABOVE', 'BLOCK_ONLY_HIGH', 'BLOCK_NONE', 'OFF']

/** What Google refuses in a generationConfig. */
export function wrongConfig(given: unknown, model: string): Problem {
  const config = fieldsOf(given)
  if (config === undefined) return wrongValue(AT, 'GenerationConfig', given)
  return (
    unknownName(config, [...NUMBERS, ...INTEGERS, ...FLAGS, ...OTHERS, ...RARE], AT) ??
    wrongType(config, NUMBERS, 'TYPE_FLOAT', AT) ??
    wrongType(config, INTEGERS, 'TYPE_INT32', AT) ??
    wrongType(config, FLAGS, 'TYPE_BOOL', AT) ??
    outOfRange(config) ??
    wrongThinking(config.get('thinkingConfig'), model)
  )
}

function outOfRange(config: Fields): Problem {
  const most = integerOf(config.get('maxOutputTokens')) ?? 1
  const heat = Number(config.get('temperature') ?? 1)
  const path = '* GenerateContentRequest.generation_config'
  if (most < 1) return invalid(`${path}.max_output_tokens: max_output_tokens must be positive.\n`)
  if (most > MOST_OUTPUT)
    return invalid(`The max_output_tokens value of ${most} is above the supported maximum of ${MOST_OUTPUT}.`)
  if (heat < 0 || heat > 2) return invalid(`${path}.temperature: temperature must be in the range [0.0, 2.0].\n`)
  return undefined
}

function wrongThinking(given: unknown, model: string): Problem {
  if (given === undefined) return undefined
  const at = `${AT}.thinking_config`
  const thinking = fieldsOf(given)
  if (thinking === undefined) return wrongValue(at, 'ThinkingConfig', given)
  return (
    unknownName(thinking, THINKING, at) ??
    wrongType(thinking, ['thinkingBudget'], 'TYPE_INT32', at) ??
    wrongType(thinking, ['includeThoughts'], 'TYPE_BOOL', at) ??
    wrongLevel(thinking, `${at}.thinking_level`, model)
  )
}

function wrongLevel(thinking: Fields, at: string, model: string): Problem {
  const level = thinking.get('thinkingLevel')
  if (level === undefined) return undefined
  if (!LEVELS.includes(textOf(level).toUpperCase())) return wrongValue(at, 'ThinkingConfig.ThinkingLevel', level)
  if (thinking.has('thinkingBudget')) return invalid('You can only set only one of thinking budget and thinking level.')
  return model.startsWith('gemini-2') ? invalid('Thinking level is not supported for this model.') : undefined
}

/** What Google refuses in safetySettings. */
export function wrongSafety(settings: unknown): Problem {
  if (settings === undefined) return undefined
  if (!Array.isArray(settings)) return wrongValue('safety_settings', 'SafetySetting', settings)
  for (const [i, given] of settings.entries()) {
    const setting = fieldsOf(given)
    const [category, threshold] = [setting?.get('category'), setting?.get('threshold')]
    if (!HARMS.includes(textOf(category).replace('HARM_CATEGORY_', '')))
      return wrongValue(`safety_settings[${i}].category`, 'HarmCategory', category)
    if (!THRESHOLDS.includes(textOf(threshold)))
      return wrongValue(`safety_settings[${i}].threshold`, 'SafetySetting.HarmBlockThreshold', threshold)
  }
  return undefined
}
