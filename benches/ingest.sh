#!/usr/bin/env bash
# How many lines per second does `calltrace serve` take, and is every acknowledged one there after a
# kill? Prints a table in Markdown; exits with 1 only if a line was lost.
#
#   benches/ingest.sh
#
# wrk posts events of one enterprise over CONNECTIONS connections for SECONDS_EACH seconds. Then once
# more, and in the middle the server is killed with SIGKILL: the log must hold at least as many lines
# as were acknowledged, and at most one more per connection. Client and server share the machine's
# cores.
#
#   CALLTRACE=PATH   measure this binary instead of building one
#   BENCH_DIR=DIR    where files are made (/tmp/calltrace-bench)
#   CONNECTIONS=32 SECONDS_EACH=10 PORT=18026

set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
# shellcheck source=benches/begin.bash
. "$here/benches/begin.bash"
connections="${CONNECTIONS:-32}"
seconds="${SECONDS_EACH:-10}"
port="${PORT:-18026}"
tree="$bench_dir/ingest"
base="http://127.0.0.1:$port"
server=""

finish() {
    [ -n "$server" ] && kill "$server" 2>/dev/null
    wait 2>/dev/null
    rm -rf "${tree:?}"
}
trap finish EXIT

need wrk curl awk
build

cat >"$bench_dir/ingest.lua" <<'LUA'
local number = 0
local threads = {}
function setup(thread) thread:set("ok", 0); table.insert(threads, thread) end
function request()
    number = number + 1
    local body = string.format('{"enterprise_number":"0367","unique_id":"1764666900.%d","event_type":"dial",'
        .. '"event_data":{"Token":"375290000000","UniqueId":"1764666900.%d","Phone":"375290001234",'
        .. '"Extensions":["150","151","152"],"CallType":0,"Trunk":"0001363"}}', number, number)
    return wrk.format("POST", "/log/event", { ["Content-Type"] = "application/json" }, body)
end
function response(status) if status == 200 then ok = ok + 1 end end
function done(summary, latency)
    local all = 0
    for _, thread in ipairs(threads) do all = all + thread:get("ok") end
    local bad = summary.errors.status
    io.write(string.format("RESULT %d %.0f %.2f %.2f %.2f %d\n", all, all / summary.duration * 1e6,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, bad))
end
LUA

start() {
    rm -rf "${tree:?}"
    mkdir -p "$tree/0367"
    "$binary" --root "$tree" -q serve --listen "127.0.0.1:$port" >/dev/null 2>"$bench_dir/ingest.log" &
    server=$!
    for _ in $(seq 100); do
        curl -s -o /dev/null "$base/health" && return
        sleep 0.05
    done
    stop "the server did not start: $(tail -n 1 "$bench_dir/ingest.log")"
}

load() {
    wrk -t1 -c"$connections" -d"${seconds}s" --timeout 10s -s "$bench_dir/ingest.lua" "$base" | sed -n 's/^RESULT //p'
}

lines() { cat "$tree"/0367/events* | wc -l; }

start
read -r ok rate median p99 most bad <<<"$(load)"
printf '| what | acknowledged | a second | median ms | 99%% ms | most ms | refused | lines |\n|---|---|---|---|---|---|---|---|\n'
printf '| %s connections | %s | %s | %s | %s | %s | %s | %s |\n' "$connections" "$ok" "$rate" "$median" "$p99" "$most" "$bad" "$(lines)"
[ "$(lines)" -ge "$ok" ] || { say "lines are missing"; exit 1; }
kill "$server" && wait "$server" 2>/dev/null

start
(sleep "$((seconds / 2))" && kill -KILL "$server") &
disown "$server"
read -r ok rest <<<"$(load)"
server=""
there="$(lines)"
printf '| killed half-way | %s | | | | | | %s |\n' "$ok" "$there"
[ "$there" -ge "$ok" ] || { say "$((ok - there)) acknowledged lines are missing"; exit 1; }
[ "$((there - ok))" -le "$connections" ] || say "more than one a connection was not acknowledged"
torn="$(grep -avc '^[0-9-]* [0-9:,]*|AST|dial|1764666900\.[0-9]*|{.*}$' "$tree/0367/events.log")"
[ "$torn" -eq 0 ] || { say "$torn torn lines"; exit 1; }
