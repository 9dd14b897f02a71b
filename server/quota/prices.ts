/** What a token costs, in nano-currency per million tokens; a longer prompt than `maxPromptTokens` costs more. */
export type Prices = { inputNanoPerMillion: number; outputNanoPerMillion: number; maxPromptTokens?: number }
export type Priced = { ok: true; prices: Prices } | { ok: false; reason: string }
/** Prices in currency per million tokens, as the admin sets them. */
export type PriceOverride = { input?: number | undefined; output?: number | undefined }

type Row = { input: number; output: number; maxPromptTokens?: number }

/** When the table below was read from https://ai.google.dev/gemini-api/docs/pricing (paid tier, text). */
export const PRICES_AS_OF = '2026-10-07'
export const PRICES_CURRENCY = 'USD'

// Output prices include thinking. A price that is lower until a date stands at what it rises to: the bound must hold.
const rows = new Map<string, Row>([
  ['gemini-3.8-flash', { input: 1.5, output: 7.5 }],
  ['gemini-3.7-flash', { input: 1.5, output: 7.5 }],
  ['gemini-3.6-flash', { input: 1.5, output: 7.5 }],
  ['gemini-3.5-flash', { input: 1.5, output: 9 }],
  ['gemini-3.5-flash-lite', { input: 0.3, output: 2.5 }],
  ['gemini-3.1-pro-preview', { input: 2, output: 12, maxPromptTokens: 200_000 }],
  ['gemini-3.1-flash-lite', { input: 0.25, output: 1.5 }],
  ['gemini-3-flash-preview', { input: 0.5, output: 3 }],
  ['gemini-2.5-pro', { input: 1.25, output: 10, maxPromptTokens: 200_000 }],
  ['gemini-2.5-flash', { input: 0.3, output: 2.5 }],
  ['gemini-2.5-flash-lite', { input: 0.1, output: 0.4 }],
])

const NANO = 1_000_000_000
const MILLION = 1_000_000n
const DEAREST = 1000

/** The prices of `model`: what the admin set, else the table's. A model that neither knows has none. */
export function pricesOf(model: string, override: PriceOverride = {}): Priced {
  const row = rows.get(model.replace(/^models\//, ''))
  const input = override.input ?? row?.input
  const output = override.output ?? row?.output
  if (input === undefined || output === undefined) {
    const known = [...rows.keys()].join(', ')
    const wanted = 'set PRICE_INPUT_PER_MILLION and PRICE_OUTPUT_PER_MILLION'
    return { ok: false, reason: `no price is known for the model "${model}": ${wanted}, or choose one of ${known}` }
  }
  if (!isPrice(input) || !isPrice(output)) {
    return { ok: false, reason: `prices are more than 0 and at most ${DEAREST} per million tokens` }
  }
  const prices = { inputNanoPerMillion: toNano(input), outputNanoPerMillion: toNano(output) }
  const maxPromptTokens = override.input === undefined ? row?.maxPromptTokens : undefined
  return { ok: true, prices: maxPromptTokens === undefined ? prices : { ...prices, maxPromptTokens } }
}

/** The currency of `prices`, or '' when the admin set them: only the table's is known. */
export function currencyOf(model: string, prices: Prices): string {
  const known = pricesOf(model)
  const same =
    known.ok &&
    known.prices.inputNanoPerMillion === prices.inputNanoPerMillion &&
    known.prices.outputNanoPerMillion === prices.outputNanoPerMillion
  return same ? PRICES_CURRENCY : ''
}

/** Whole nano-currency, rounded up, for whole token counts. Exact: the products pass 2^53. */
export function costNano(prices: Prices, promptTokens: number, outputTokens: number): number {
  const input = BigInt(promptTokens) * BigInt(prices.inputNanoPerMillion)
  const output = BigInt(outputTokens) * BigInt(prices.outputNanoPerMillion)
  return Number((input + output + MILLION - 1n) / MILLION)
}

// Not rounded up: 0.3 × 10^9 is a hair above 300,000,000, and no price has ten decimals.
const toNano = (price: number): number => Math.max(1, Math.round(price * NANO))

const isPrice = (value: number): boolean => Number.isFinite(value) && value > 0 && value <= DEAREST
