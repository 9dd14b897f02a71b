import { type Script, script } from './redis-scripts.ts'

/** What is done to a conversation: a hash of turns by number, `expires` and `owner`. */
export const scripts = {
  /** KEYS: the conversation; ARGV: now, this process, one that is gone. Whose it is now; '': there is none. */
  takeSession: script(`
local kept = redis.call('HMGET', KEYS[1], 'expires', 'owner')
if tonumber(kept[1] or 0) <= tonumber(ARGV[1]) then return '' end
if kept[2] and kept[2] ~= ARGV[3] then return kept[2] end
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
return ARGV[2]`),

  /** KEYS: the conversation, all by expiry; ARGV: this process, its id. */
  eraseSession: script(`
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
return 1`),

  /** KEYS: the conversation; ARGV: this process. */
  leaveSession: script(`
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner') end
return 1`),

  /** KEYS: the conversation, all by expiry; ARGV: now, its id, turn, blob, expiry, this process. 0: it is another's. */
  putTurn: script(`
local now, expires = tonumber(ARGV[1]), tonumber(ARGV[5])
local kept = redis.call('HMGET', KEYS[1], 'expires', 'owner')
if tonumber(kept[1] or 0) <= now then redis.call('DEL', KEYS[1])
elseif kept[2] and kept[2] ~= ARGV[6] then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4], 'expires', ARGV[5], 'owner', ARGV[6])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(1, expires - now) + 60000))
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[2])
return 1`),

  trimTurns: script(`
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local n = tonumber(field)
  if n and n < tonumber(ARGV[1]) then redis.call('HDEL', KEYS[1], field) end
end
return 1`),

  /** KEYS: all by expiry; ARGV: now, the front of a conversation's key. */
  sweep: script(`
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
for _, id in ipairs(gone) do
  redis.call('DEL', ARGV[2] .. id)
  redis.call('ZREM', KEYS[1], id)
end
return #gone`),
} satisfies Record<string, Script>
