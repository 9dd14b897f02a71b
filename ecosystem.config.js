// PM2: npm ci && npm run build && pm2 start ecosystem.config.js
// The key is never set here: PM2 writes what it knows of the environment to its dump file. It belongs in .env.
export const apps = [
  {
    name: 'le-mecano',
    script: 'dist/server/main.js',
    cwd: import.meta.dirname,
    // Cluster mode with one process: a reload starts the new one before the old one drains.
    exec_mode: 'cluster',
    instances: 1,
    wait_ready: true,
    listen_timeout: 15_000,
    // Above DRAIN_MS (25 s), so that answers on their way may finish.
    kill_timeout: 35_000,
    // Bad configuration: starting again would not help.
    stop_exit_codes: [78],
    max_memory_restart: '400M',
    exp_backoff_restart_delay: 200,
    filter_env: ['SECRET', 'TOKEN', 'KEY'],
    // Four rows of our own in `pm2 monit` instead of PM2's seven.
    pmx: false,
    merge_logs: true,
  },
]
