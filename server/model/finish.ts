/** How an answer that was not a failure ended. */
export type FinishedAs = 'complete' | 'length' | 'filtered' | 'interrupted'

const reasons = new Map<string, FinishedAs>([
  ['STOP', 'complete'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'filtered'],
  ['RECITATION', 'filtered'],
  ['LANGUAGE', 'filtered'],
  ['BLOCKLIST', 'filtered'],
  ['PROHIBITED_CONTENT', 'filtered'],
  ['SPII', 'filtered'],
  ['IMAGE_SAFETY', 'filtered'],
  ['IMAGE_PROHIBITED_CONTENT', 'filtered'],
  ['IMAGE_RECITATION', 'filtered'],
])

/** Gemini's finishReason -> ours. OTHER, tool mishaps and reasons that we don't know yet are not a whole answer. */
export const finishedAs = (finishReason: string): FinishedAs => reasons.get(finishReason) ?? 'interrupted'
