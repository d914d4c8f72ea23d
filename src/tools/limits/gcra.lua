-- The buckets of src/tools/limits/bucket.rs, shared by all replicas: all of KEYS give one, or none does.
-- ARGV: what to repeat in the answer, then the interval and the tolerance of each key, in microseconds.
-- Answers that and, per key, for how many microseconds it has none.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer, full = { ARGV[1] }, {}
local given = true
for i, key in ipairs(KEYS) do
    local interval, tolerance = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local at = tonumber(redis.call('GET', key) or now) or now
    -- What lies further ahead than it can was not written by this script, or by another clock.
    if not (at >= now and at <= now + tolerance + interval) then
        at = now
    end
    local wait = math.max(at - tolerance - now, 0)
    given = given and wait == 0
    answer[i + 1] = string.format('%.0f', wait)
    full[i] = at + interval
end
if given then
    for i, key in ipairs(KEYS) do
        redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000))
    end
end
return answer
