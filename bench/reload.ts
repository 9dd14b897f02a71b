import { parseArgs } from 'node:util'
import { startEmulator } from '../emulator/emulator.ts'
import { startAsking } from '../tests/helpers/asking.ts'
import { buildApp } from '../tests/helpers/built-app.ts'
import { openPm2 } from '../tests/helpers/pm2.ts'
import { addressOf, KEY, WIDE, writeSettings } from '../tests/helpers/pm2-app.ts'

// npm run bench:reload [-- --clients 20 --reloads 6 --speed 20]: reloads by PM2 under clients who ask in a loop.
// Exit code 1 when an answer that had begun was lost, or a connection was refused.
const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '20' },
    reloads: { type: 'string', default: '6' },
    speed: { type: 'string', default: '20' },
  },
})
const [clients, reloads] = [Number(values.clients), Number(values.reloads)]
const app = await buildApp()
const emulator = await startEmulator({ speed: Number(values.speed), key: KEY })
const pm2 = await openPm2(app.dir)
try {
  await writeSettings(app, {
    ...WIDE,
    GEMINI_API_KEY: KEY,
    GEMINI_BASE_URL: emulator.url,
    PORT: '0',
    STORE_URL: 'sqlite:data/books.db',
  })
  await pm2.run(['start', 'ecosystem.config.js', '--only', 'le-mecano'])
  const crowd = startAsking(await addressOf(pm2, 1), clients)
  const began = performance.now()
  await crowd.more(clients)
  for (let i = 1; i <= reloads; i++) {
    const start = performance.now()
    await pm2.run(['reload', 'le-mecano'])
    console.log(
      `reload ${i}: ${((performance.now() - start) / 1000).toFixed(1)} s  ${JSON.stringify({ ...crowd.tally, texts: crowd.tally.texts.size })}`,
    )
    await crowd.more(clients)
  }
  await crowd.leave()
  const { answers, lost, refused, reconnects, texts } = crowd.tally
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${clients} clients, ${reloads} reloads, ${seconds} s: ${answers} whole answers, ${lost} lost,`)
  console.log(`${refused} connections refused, ${reconnects} times sent away and back`)
  console.log(
    `${texts.size === 1 ? 'each answer the same, letter by letter' : `${texts.size} different texts where one was due`}`,
  )
  if (lost > 0 || refused > 0 || texts.size !== 1) process.exitCode = 1
} finally {
  await pm2.close()
  await emulator.close()
  await app.remove()
}
