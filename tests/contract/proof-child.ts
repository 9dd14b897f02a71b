import { startServer } from '../helpers/server.ts'

/** A server in a process of its own, on the store that it is given; says where, and waits to be killed. */
const { ws } = await startServer({ PROOF_OF_WORK: 'always', STORE_URL: process.argv[2] ?? '' })
process.stdout.write(`${ws}\n`)
