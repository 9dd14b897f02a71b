import type { fr } from './fr.ts'

/** The page's sentences in one language; a missing one doesn't compile. */
export type Locale = {
  readonly [K in keyof typeof fr]: (typeof fr)[K] extends string ? string : (typeof fr)[K]
}
