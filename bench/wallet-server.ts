// The whole server with another wallet in it: BENCH_SCHEME names which, BENCH_FILE where that one counts.
import { compose } from '../server/compose.ts'
import { loadConfig } from '../server/load-config.ts'
import { silentLog } from '../server/log.ts'
import type { WalletOptions } from '../server/quota/wallet.ts'
import { createWallet } from '../server/quota/wallet.ts'
import { afterTheFact, consumeAndReward } from './wallet-schemes.ts'

const { BENCH_SCHEME = 'ours', BENCH_FILE = '', BENCH_PAGES = 'dist/client' } = process.env
const loaded = await loadConfig(process.env, '/dev/null')
if (!loaded.ok) throw new Error(loaded.errors.join('\n'))

const wallet = (options: WalletOptions) => {
  if (BENCH_SCHEME === 'after-the-fact') return afterTheFact(BENCH_FILE, options)
  if (BENCH_SCHEME === 'consume + reward') return consumeAndReward(BENCH_FILE, options)
  return createWallet(options)
}
const house = await compose({ config: loaded.config, log: silentLog, clientDir: BENCH_PAGES, wallet })
console.log(await house.app.listen())
const leave = () => void house.close().then(() => process.exit(0))
process.once('SIGTERM', leave).once('SIGINT', leave)
