import { addressTargets } from './addresses.ts'
import { filterTargets } from './filter.ts'
import { markdownTargets } from './markdown.ts'
import { messageTargets } from './messages.ts'
import { pageTargets } from './page.ts'
import { personaTargets } from './persona.ts'
import { scriptTargets } from './scripts.ts'
import { sessionTargets } from './session.ts'
import { settingsTargets } from './settings.ts'
import type { Target } from './target.ts'
import { upgradeTargets } from './upgrade.ts'
import { upstreamTargets } from './upstream.ts'
import { walletTargets } from './wallet.ts'

/** All that `npm run fuzz` tries in its long form and `npm test` in its short one. */
export const targets: readonly Target[] = [
  ...messageTargets,
  ...addressTargets,
  ...filterTargets,
  ...markdownTargets,
  ...pageTargets,
  ...scriptTargets,
  ...sessionTargets,
  ...walletTargets,
  ...settingsTargets,
  ...personaTargets,
  ...upgradeTargets,
  ...upstreamTargets,
]
