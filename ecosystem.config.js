// PM2: npm ci && npm run build && pm2 start ecosystem.config.js
// The key is never set here: PM2 writes what it knows of the environment to its dump file. It belongs in .env.
const { env } = process
const { PM2_INSTANCES = '1', PM2_MAX_MEMORY = '400M' } = env

// What the shell holds under such a name is to be in none of dump.pm2, `pm2 env` and `pm2 jlist`.
const secret = ['SECRET', 'TOKEN', 'KEY', 'PASS', 'STORE_URL']
// PM2 obeys filter_env at the first start only. (`pm2 reload NAME --update-env` reads no file: don't use it.)
for (const name of Object.keys(env)) if (secret.some((part) => name.includes(part))) delete env[name]

const everywhere = {
  cwd: import.meta.dirname,
  filter_env: secret,
  // Values of our own in `pm2 monit` instead of PM2's seven.
  pmx: false,
  merge_logs: true,
}

const server = {
  ...everywhere,
  name: 'le-mecano',
  script: 'dist/server/main.js',
  // Cluster mode also with one process: a reload starts the new one before the old one drains.
  exec_mode: 'cluster',
  instances: Number(PM2_INSTANCES),
  wait_ready: true,
  listen_timeout: 15_000,
  // Above DRAIN_MS (25 s), so that answers on their way may finish.
  kill_timeout: 35_000,
  // Bad configuration: starting again would not help. (With exp_backoff_restart_delay it would show as waiting.)
  stop_exit_codes: [78],
  // Beyond it, PM2 reloads the process, which loses no answer.
  max_memory_restart: PM2_MAX_MEMORY,
}

/** A program that does its work and ends: when PM2 is started, and at the times of `cron`. */
const scheduled = (name, cron, script, args) => {
  return { ...everywhere, name, script, args, exec_mode: 'fork', cron_restart: cron, autorestart: false }
}

export const apps = [
  server,
  scheduled('le-mecano-report', '20 1 * * *', 'dist/server/report.js'),
  scheduled('le-mecano-maintenance', '30 3 * * *', 'dist/server/maintenance.js', '--if-due'),
]
