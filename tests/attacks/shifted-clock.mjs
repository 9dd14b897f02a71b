// Loaded before the server: its wall clock is off by the milliseconds in CLOCK_FILE, its monotonic one stays true.
import { readFileSync } from 'node:fs'

const { CLOCK_FILE = '' } = process.env
const trueNow = Date.now
Date.now = () => trueNow() + Number(readFileSync(CLOCK_FILE, 'utf8'))
