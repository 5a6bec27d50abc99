-- wrk's script: POST the file given as argument, print a JSON object at the end.
-- wrk -s post.lua URL -- BODY_FILE [NAME VALUE]...
-- With FRESH_HEADS=1 in the environment every request has an x-request-id of its own; with MODELS=n
-- the first model's name, which ends in -00000, becomes those of n models in turn.
function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  for i = 2, #arguments, 2 do
    wrk.headers[arguments[i]] = arguments[i + 1]
  end
end

if os.getenv("FRESH_HEADS") == "1" then
  local number = 0
  function request()
    number = number + 1
    wrk.headers["X-Request-Id"] = string.format("req-%012d", number)
    return wrk.format()
  end
end

local models = tonumber(os.getenv("MODELS") or "0")
if models > 0 then
  local made, number = {}, 0
  function request()
    number = number % models + 1
    if not made[number] then
      local body = wrk.body:gsub("%-00000\"", string.format("-%05d\"", number - 1), 1)
      made[number] = wrk.format(nil, nil, nil, body)
    end
    return made[number]
  end
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '\n{"seconds":%.3f,"replies":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.duration / 1e6, summary.requests,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50), latency:percentile(99)))
end
