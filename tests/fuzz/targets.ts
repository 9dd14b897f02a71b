import { addressTargets } from './addresses.ts'
import { filterTargets } from './filter.ts'
import { markdownTargets } from './markdown.ts'
import { messageTargets } from './messages.ts'
import { sessionTargets } from './session.ts'
import type { Target } from './target.ts'

/** All that `npm run fuzz` tries in its long form and `npm test` in its short one. */
export const targets: readonly Target[] = [
  ...messageTargets,
  ...addressTargets,
  ...filterTargets,
  ...markdownTargets,
  ...sessionTargets,
]
