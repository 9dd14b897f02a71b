import { createHash } from 'node:crypto'

/** Lua that Redis runs as one atomic step, called by its hash. KEYS[1] of the ledger's is the hash of facts. */
export type Script = { lua: string; sha: string }

export const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/**
 * The same steps as ledger-steps.ts. Lua's numbers are doubles: amounts are whole and sums stay below 2^53, so they are
 * exact, and they are written with %.0f, because tostring() gives fourteen digits;
 * + 0 makes -0 a 0. Without the sentinel nothing is done.
 */
const ledger = (body: string): Script =>
  script(`
local FACTS = KEYS[1]
local P = string.sub(FACTS, 1, -6)
local KEPT = 259200
local KEPT_HOURS = 3456000
local function int(n) return string.format('%.0f', n + 0) end
local function num(v) return tonumber(v or 0) or 0 end
local function fact(name) return redis.call('HGET', FACTS, name) end
local function put_fact(name, value) redis.call('HSET', FACTS, name, value) end
local function row_key(key) return P .. 'row:' .. key end
local function booked(key)
  local v = redis.call('HMGET', row_key(key), 'spent', 'held')
  return num(v[1]), num(v[2])
end
local function later(a, b)
  for i = 1, math.max(#a, #b) do
    local x, y = a:byte(i) or 0, b:byte(i) or 0
    if x ~= y then return x > y end
  end
  return false
end
local function window_of(asked)
  local d, m, l = string.match(fact('window') or '', '^(%S+) (%S+) (%S+)$')
  if d and later(d, asked.day) then return { day = d, month = m, daysLeft = tonumber(l) } end
  return asked
end
local function day_cap(w, caps)
  local ms, mh = booked('month:' .. w.month)
  local ds, dh = booked('day:' .. w.day)
  local rest = math.max(0, caps.monthNano - (ms + mh - ds - dh))
  local smooth = math.min(caps.dayNano, math.floor(2 * rest / w.daysLeft))
  return math.min(rest, smooth + num(fact('raised:' .. w.day)))
end
local function rush_at(at)
  local since, till = string.match(fact('rush') or '', '^(%S+) (%S+)$')
  if since and at < tonumber(till) then return since, till end
  return '', ''
end
local function signal_rush(at, lookback, lasts)
  local since, till = rush_at(at)
  if since ~= '' and at + lasts - tonumber(till) < 10000 then return end
  if since == '' then since = int(at - lookback) end
  put_fact('rush', since .. ' ' .. int(at + lasts))
end
local function note(at, kind, detail)
  redis.call('RPUSH', P .. 'events', int(at) .. ' ' .. kind .. ' ' .. detail)
end
local function halt(cause, at)
  if fact('halt') then return end
  put_fact('halt', cause)
  note(at, 'halt', cause)
end
if not fact('sentinel') then return redis.error_reply('NOTINIT') end
${body}`)

export const scripts = {
  reserve: ledger(`
local o = cjson.decode(ARGV[1])
local w = window_of(o)
local cap = day_cap(w, o.caps)
local hold = P .. 'hold:' .. o.id
local function answer(ok, cause, soon, wanted)
  local since, till = rush_at(o.at)
  return { ok, cause, soon, int(wanted), w.day, int(cap), since, till }
end
if redis.call('EXISTS', hold) == 1 then return answer(1, '', 0, 0) end
if fact('halt') then return answer(0, 'halted', 0, 0) end
if o.nano > math.min(o.caps.dayNano + num(fact('raised:' .. w.day)), o.caps.monthNano) then
  return answer(0, 'too_large', 0, 0)
end
local function key_of(key) return key == '' and 'day:' .. w.day or 'share:' .. w.day .. ':' .. key end
local limits = {
  { cause = 'month', key = 'month:' .. w.month, cap = o.caps.monthNano, own = 0 },
  { cause = 'day', key = 'day:' .. w.day, cap = cap, own = 0 },
}
for _, s in ipairs(o.scopes) do
  local own = 0
  if s.own then
    local spent, held = booked(key_of(s.own.key))
    own = s.own.times * (spent + held)
  end
  limits[#limits + 1] = { cause = s.cause, key = key_of(s.key), cap = s.capNano, own = own, rush = s.rushNano }
end
local full, rush
for _, l in ipairs(limits) do
  local spent, held = booked(l.key)
  local wanted = spent + held + o.nano
  if l.rush and wanted > l.rush then rush = true end
  if not full and wanted + l.own > l.cap then
    full = { l.cause, spent + o.nano + l.own <= l.cap and 1 or 0, wanted + l.own }
  end
end
if rush then signal_rush(o.at, o.rushLookbackMs, o.rushMs) end
if full then return answer(0, full[1], full[2], full[3]) end
local seen, keys = {}, {}
limits[#limits + 1] = { key = 'hour:' .. w.day .. ':' .. string.format('%02d', o.hour) }
for _, l in ipairs(limits) do
  if not seen[l.key] then
    seen[l.key] = true
    keys[#keys + 1] = l.key
    redis.call('HINCRBY', row_key(l.key), 'held', int(o.nano))
    redis.call('HINCRBY', row_key(l.key), 'requests', 1)
    if string.find(l.key, '^share:') then
      redis.call('EXPIRE', row_key(l.key), KEPT)
      redis.call('SADD', P .. 'shares:' .. w.day, l.key)
      redis.call('EXPIRE', P .. 'shares:' .. w.day, KEPT)
    elseif string.find(l.key, '^hour:') then
      redis.call('EXPIRE', row_key(l.key), KEPT_HOURS)
    end
  end
end
redis.call('HSET', hold, 'owner', o.owner, 'day', w.day, 'scopes', cjson.encode(keys), 'nano', int(o.nano), 'open', 1)
redis.call('EXPIRE', hold, KEPT)
redis.call('SADD', P .. 'open', o.id)
put_fact('window', w.day .. ' ' .. w.month .. ' ' .. int(w.daysLeft))
return answer(1, '', 0, 0)`),

  tighten: ledger(`
local hold, nano = P .. 'hold:' .. ARGV[1], tonumber(ARGV[2])
local h = redis.call('HMGET', hold, 'open', 'nano', 'scopes')
if h[1] ~= '1' or nano >= tonumber(h[2]) then return 0 end
for _, key in ipairs(cjson.decode(h[3])) do
  if redis.call('EXISTS', row_key(key)) == 1 then
    redis.call('HINCRBY', row_key(key), 'held', int(nano - tonumber(h[2])))
  end
end
redis.call('HSET', hold, 'nano', int(nano))
return 1`),

  settle: ledger(`
local hold = P .. 'hold:' .. ARGV[1]
local h = redis.call('HMGET', hold, 'open', 'nano', 'scopes')
if h[1] ~= '1' then return { h[1] and 1 or 0, '0', 0 } end
local held = tonumber(h[2])
local nano = ARGV[2] == '' and held or tonumber(ARGV[2])
for _, key in ipairs(cjson.decode(h[3])) do
  if redis.call('EXISTS', row_key(key)) == 1 then
    redis.call('HINCRBY', row_key(key), 'spent', int(nano))
    redis.call('HINCRBY', row_key(key), 'held', int(-held))
    redis.call('HINCRBY', row_key(key), 'output', ARGV[3])
  end
end
redis.call('HSET', hold, 'nano', int(nano), 'open', 0)
redis.call('SREM', P .. 'open', ARGV[1])
local halted = nano > held or ARGV[4] == '1'
if halted then halt('overrun', tonumber(ARGV[5])) end
return { 1, int(math.max(0, nano - held)), halted and 1 or 0 }`),

  snapshot: ledger(`
local o = cjson.decode(ARGV[1])
local w = window_of(o)
local function row(key) return redis.call('HMGET', row_key(key), 'spent', 'held', 'requests', 'output') end
local since, till = rush_at(o.at)
return { w.day, int(day_cap(w, o.caps)), row('day:' .. w.day), row('month:' .. w.month), fact('halt') or '',
  fact('raised:' .. w.day) or '0', since, till }`),

  beat: ledger(`
local o = cjson.decode(ARGV[1])
local w = window_of(o.window)
local last = num(fact('seen'))
redis.call('HSET', P .. 'owners', o.owner, int(o.at))
if o.at > last then put_fact('seen', int(o.at)) end
local owners = redis.call('HGETALL', P .. 'owners')
for i = 1, #owners, 2 do
  if o.at - tonumber(owners[i + 1]) > KEPT * 1000 then redis.call('HDEL', P .. 'owners', owners[i]) end
end
local since, till = rush_at(o.at)
return { w.day, int(day_cap(w, o.caps)), since, till, int(last) }`),

  raise: ledger(`
redis.call('HINCRBY', FACTS, 'raised:' .. ARGV[1], ARGV[2])
note(tonumber(ARGV[3]), 'raise', ARGV[1] .. ' ' .. ARGV[2])
return 1`),

  halt: ledger(`
halt(ARGV[1], tonumber(ARGV[2]))
return 1`),

  resume: ledger(`
note(tonumber(ARGV[2]), 'resume', fact('halt') or 'nothing')
redis.call('HDEL', FACTS, 'halt')
put_fact('seen', int(tonumber(ARGV[2])))
if ARGV[1] ~= '' then
  local w = cjson.decode(ARGV[1])
  if window_of(w) ~= w then put_fact('window', w.day .. ' ' .. w.month .. ' ' .. int(w.daysLeft)) end
end
return 1`),

  /**
   * ARGV: the history that this Redis writes, one that it took over as a replica or '', how many replicas are waited for,
   * now. 1: it took over from a primary that waited for nobody, and may lack what was spent last.
   */
  lineage: ledger(`
local known = fact('lineage')
if known == ARGV[1] then return 0 end
put_fact('lineage', ARGV[1])
if not known or ARGV[2] == '' or ARGV[3] ~= '0' then return 0 end
halt('failover', tonumber(ARGV[4]))
return 1`),

  /** KEYS: the day's counts; ARGV: how long they are kept in s, then name and count of each. */
  count: script(`
for i = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`),

  /** KEYS: the questions; ARGV: how many there may be, then field and blob. */
  keep: script(`
if redis.call('HLEN', KEYS[1]) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
return 1`),

  /** Buckets: KEYS are theirs; ARGV: now, then interval, full and points of each, all in whole microseconds. */
  take: script(`
local function int(n) return string.format('%.0f', n) end
local now, late, worst, remaining = tonumber(ARGV[1]), 0, 0, math.huge
local plans = {}
local function put(i, tat)
  redis.call('SET', KEYS[i], int(tat), 'PX', int(math.ceil(math.max(0, tat - now) / 1000) + 60000))
end
for i, key in ipairs(KEYS) do
  local interval, full, points = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local stored = tonumber(redis.call('GET', key) or 0)
  local start = math.min(math.max(stored, now), now + full)
  local after = start + points * interval
  local wait = after - now - full
  if wait > 0 and wait > worst then late, worst = i, wait end
  remaining = math.min(remaining, math.floor((now + full - (wait > 0 and start or after)) / interval))
  if start < stored then put(i, start) end
  plans[i] = after
end
if late > 0 then return { late, int(worst), int(remaining) } end
for i, after in ipairs(plans) do put(i, after) end
return { 0, '0', int(remaining) }`),

  drain: script(`
local now, interval, full, points = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local start = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local tat = string.format('%.0f', math.min(start + points * interval, now + full))
redis.call('SET', KEYS[1], tat, 'PX', string.format('%.0f', math.ceil(full / 1000) + 60000))
return tat`),
} satisfies Record<string, Script>
