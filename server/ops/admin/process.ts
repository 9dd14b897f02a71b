import { performance } from 'node:perf_hooks'

/** Memory of this process, and the part of the time since the last reading that its event loop was busy. */
export function processReader(): () => { rssBytes: number; busy: number } {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return { rssBytes: process.memoryUsage.rss(), busy: Math.round(utilization * 1000) / 1000 }
  }
}
