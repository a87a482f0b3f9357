/**
 * The directory's rules, as scripts: Redis runs each in one step, so that no two processes can be
 * told the same thing at the same time.
 *
 * Time is Redis's own, so that the clocks of the machines may differ. Four keys hold a stream, all
 * with its name in braces: in a Redis Cluster they live in one place, and a script may touch them all.
 *
 * - sessions: a hash of ids, each with `owner|createdAt|tokenHash`.
 * - live: a sorted set of `owner:id`, all of score 0, so that an owner's sessions are a range.
 * - waiting: a sorted set of ids by when their time to be resumed is over.
 * - nodes: a sorted set of nodes by when they are dead, unless they say something before.
 */

import { luaScript } from "./lua-script.ts";
import type { LuaScript } from "./lua-script.ts";

/** Separates the fields of a session's record; neither a node's id nor a number has it. */
export const RECORD_SEPARATOR = "|";

/** How long a stream's keys outlive its last process, in milliseconds: 24 hours. */
const RETENTION_MS = 86_400_000;

// Every script begins by saying that its node is alive, and by burying the nodes that are not: whose
// sessions are live is then a matter of one set. A script costs more only when somebody has died.
const PRELUDE = `
local sessions, live, waiting, nodes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, deadAfter, orphaned, news = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function touch()
  redis.call('ZADD', nodes, now + deadAfter, me)
end
local function ownerOf(record)
  return string.match(record, '^[^|]*')
end
local function membersOf(node)
  return redis.call('ZRANGEBYLEX', live, '[' .. node .. ':', '(' .. node .. ';')
end
local function idOf(member, node)
  return string.sub(member, #node + 2)
end
local function wait(id, owner, duration)
  redis.call('ZREM', live, owner .. ':' .. id)
  redis.call('ZADD', waiting, now + duration, id)
end
local function forget(id, owner)
  redis.call('HDEL', sessions, id)
  redis.call('ZREM', waiting, id)
  redis.call('ZREM', live, owner .. ':' .. id)
end
local function bury(node)
  for _, member in ipairs(membersOf(node)) do wait(idOf(member, node), node, orphaned) end
  redis.call('ZREM', nodes, node)
  redis.call('PUBLISH', news, 'gone ' .. node)
end
-- The record of a session, and whether it is live; nothing when its time is over.
local function lookUp(id)
  local record = redis.call('HGET', sessions, id)
  if not record then return nil end
  local over = redis.call('ZSCORE', waiting, id)
  if not over then return record, true end
  if tonumber(over) > now then return record, false end
  forget(id, ownerOf(record))
  return nil
end

local isMember = redis.call('ZSCORE', nodes, me) ~= false
if isMember then touch() end
for _, node in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', now)) do bury(node) end
`;

function script(body: string): LuaScript {
  return luaScript(PRELUDE + body);
}

/**
 * Tells the directory what a node carries, whatever it knew: to join, and after Redis was away.
 *
 * ARGV: how many sessions follow, then for each its id, its record, and how long it may be resumed
 * (-1 when it is live); then the ids about which a script is under way. Returns the sessions that
 * somebody else has taken meanwhile, and the nodes.
 */
export const SYNC: LuaScript = script(`
touch()
local lost, mine = {}, {}
local last = 5 + 3 * ARGV[5]
for i = 6, last, 3 do
  local id, record, rest = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local known = redis.call('HGET', sessions, id)
  mine[id] = true
  if known and ownerOf(known) ~= me then
    lost[#lost + 1] = id
  else
    redis.call('HSET', sessions, id, record)
    if rest < 0 then
      redis.call('ZREM', waiting, id)
      redis.call('ZADD', live, 0, me .. ':' .. id)
    else
      wait(id, me, rest)
    end
  end
end
for i = last + 1, #ARGV do mine[ARGV[i]] = true end
for _, member in ipairs(membersOf(me)) do
  local id = idOf(member, me)
  if not mine[id] then forget(id, me) end
end
redis.call('PUBLISH', news, 'joined ' .. me)
return { lost, redis.call('ZRANGE', nodes, 0, -1) }
`);

/** Says that a node is alive. Returns the nodes, or nothing when the directory does not know it. */
export const BEAT: LuaScript = script(`
if not isMember then return false end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now, 'LIMIT', 0, 1000)) do
  lookUp(id)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ${RETENTION_MS}) end
return redis.call('ZRANGE', nodes, 0, -1)
`);

/**
 * Claims a session. ARGV: id, token hash, createdAt, limit or -1, mayReplace, and the presented hash
 * if there is one. Returns a word and, unless it is `full` or `unknown`, the record it is about.
 */
export const CLAIM: LuaScript = script(`
local id, token, created, limit = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local mayReplace, presented = ARGV[9] == '1', ARGV[10]
if not isMember then return { 'unknown' } end
local record, isLive = lookUp(id)
local isResumed = false
if record then
  if isLive then return { 'live', record } end
  isResumed = presented ~= nil and presented == string.match(record, '^[^|]*|[^|]*|(.*)$')
  if not isResumed and (presented ~= nil or not mayReplace) then return { 'waiting', record } end
end
if limit >= 0 and redis.call('ZCARD', live) >= limit then return { 'full' } end
if isResumed then created = string.match(record, '^[^|]*|([^|]*)') end
redis.call('HSET', sessions, id, me .. '|' .. created .. '|' .. token)
redis.call('ZREM', waiting, id)
redis.call('ZADD', live, 0, me .. ':' .. id)
if isResumed then return { 'resumed', record } end
return { 'claimed' }
`);

/** Looks a session up. ARGV: id. Returns `live` or `waiting` and the record, or nothing. */
export const FIND: LuaScript = script(`
local record, isLive = lookUp(ARGV[5])
if not record then return false end
return { isLive and 'live' or 'waiting', record }
`);

/** Ends a session, if it is this node's. ARGV: id, and how long it may be resumed. */
export const RELEASE: LuaScript = script(`
local id, duration = ARGV[5], tonumber(ARGV[6])
local record = redis.call('HGET', sessions, id)
if not record or ownerOf(record) ~= me then return 0 end
if duration > 0 then wait(id, me, duration) else forget(id, me) end
return 1
`);

/** Counts the live sessions of all nodes. */
export const COUNT: LuaScript = script(`
return redis.call('ZCARD', live)
`);

/** Takes a node out and forgets its live sessions; those that wait go on waiting. */
export const LEAVE: LuaScript = script(`
for _, member in ipairs(membersOf(me)) do forget(idOf(member, me), me) end
orphaned = 0
bury(me)
return 1
`);
