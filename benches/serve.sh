#!/usr/bin/env bash
# How fast does `calltrace serve` answer over sealed days? Prints a table in Markdown; it judges
# nothing and exits with 0.
#
#   benches/serve.sh
#
# One enterprise, DAYS days of CALLS_PER_DAY calls (1.4 GB), all days except the live one sealed and indexed.
# wrk asks for the pages of calls spread over all days, a different one each time, through one connection:
# first RATE requests per second for SECONDS seconds (time to the whole answer: median, 99th percentile,
# maximum), then over 32 connections as fast as they come. Then the list: today's calls, and a search by
# phone over all days. Client and server share the machine's cores.
#
# Then the same over a copy in which the live day has no index and grows: a writer appends WRITES lines per
# second. The server keeps what it has read of the day in memory; the first row includes reading it.
#
#   CALLTRACE=PATH   measure this binary instead of building one
#   BENCH_DIR=DIR    where files are made (/tmp/calltrace-bench)
#   DAYS=15 CALLS_PER_DAY=30000 RATE=20 SECONDS_EACH=20 WRITES=200

set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
# shellcheck source=benches/begin.bash
. "$here/benches/begin.bash"
days="${DAYS:-15}"
calls_per_day="${CALLS_PER_DAY:-30000}"
rate="${RATE:-20}"
seconds="${SECONDS_EACH:-20}"
writes="${WRITES:-200}"
enterprise=0367
tree="$bench_dir/serve-$days-$calls_per_day"
growing="$bench_dir/serve-growing"
server=""
writer=""

finish() {
    [ -n "$server" ] && kill "$server" 2>/dev/null
    [ -n "$writer" ] && kill "$writer" 2>/dev/null
    wait 2>/dev/null
    rm -rf "${growing:?}"
}
trap finish EXIT

need wrk curl awk
build

if [ ! -e "$tree.complete" ]; then
    say "making $tree and sealing it"
    rm -rf "${tree:?}" "$tree.truth"
    (cd "$here" && cargo run --release --locked --example logs -- --root "$tree" --days "$days" \
        --calls-per-day "$calls_per_day" --enterprises "$enterprise") >&2 || stop "the generator failed"
    "$binary" --root "$tree" -q rotate --mode archive --keep 36500d >/dev/null || stop "rotate failed"
    touch "$tree.complete"
fi
cat "$tree/$enterprise"/* "$tree/$enterprise"/.calltrace/* >/dev/null 2>&1

# 2,000 calls spread evenly over all days; their pages are not the same twice.
paths="$bench_dir/serve-paths.txt"
awk -F '\t' 'NR > 1 && $3 != "" { split($3, uid, ","); row[++rows] = uid[1] }
    END { step = int(rows / 2000); if (step < 1) step = 1
          for (at = 1; at <= rows; at += step) print row[at] }' "$tree.truth/$enterprise.tsv" >"$paths"
say "$(wc -l <"$paths") calls"

# The calls with all records in the live file.
live_paths="$bench_dir/serve-live-paths.txt"
awk -F '\t' '$5 ~ /^events\.log:/ && $3 != "" { split($3, uid, ","); row[++rows] = uid[1] }
    END { step = int(rows / 2000); if (step < 1) step = 1
          for (at = 1; at <= rows; at += step) print row[at] }' "$tree.truth/$enterprise.tsv" >"$live_paths"

# serve ROOT: starts the server; its address and token are in $base and $token.
serve() {
    local link
    rm -f "$bench_dir/serve.link"
    "$binary" --root "$1" serve --listen 127.0.0.1:0 >"$bench_dir/serve.link" 2>"$bench_dir/serve.log" &
    server=$!
    for _ in $(seq 100); do
        [ -s "$bench_dir/serve.link" ] && break
        sleep 0.05
    done
    link="$(head -n 1 "$bench_dir/serve.link")"
    [ -n "$link" ] || stop "the server did not start: $(tail -n 1 "$bench_dir/serve.log")"
    base="${link%%/calls/*}"
    token="${link##*token=}"
}

resident() {
    printf '\nResident memory of the server afterwards: %s MB\n' \
        "$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$server/status")"
}

serve "$tree"

cat >"$bench_dir/serve.lua" <<'LUA'
local ids, at, pause = {}, 0, tonumber(os.getenv("PAUSE_MS"))
function init(args)
    for line in io.lines(os.getenv("IDS")) do ids[#ids + 1] = line end
    math.randomseed(7)
end
function delay() return pause end
function request()
    at = at % #ids + 1
    -- A stride that is prime to their number: days change from one request to the next.
    local id = ids[(at * 379) % #ids + 1]
    return wrk.format("GET", "/call/" .. os.getenv("ENTERPRISE") .. "/" .. id .. "?token=" .. os.getenv("TOKEN"),
        { ["Accept-Encoding"] = "gzip", ["User-Agent"] = "Mozilla/5.0" })
end
function done(summary, latency, requests)
    local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
    io.write(string.format("RESULT %d %.2f %.2f %.2f %d %.0f\n", summary.requests, latency:percentile(50) / 1000,
        latency:percentile(99) / 1000, latency.max / 1000, bad, summary.requests / summary.duration * 1e6))
end
LUA

# load NAME CONNECTIONS PAUSE_MS [IDS]: a row of the table.
load() {
    local result
    result="$(IDS="${4:-$paths}" ENTERPRISE="$enterprise" TOKEN="$token" PAUSE_MS="$3" \
        wrk -t1 -c"$2" -d"${seconds}s" --timeout 10s -s "$bench_dir/serve.lua" "$base" | sed -n 's/^RESULT //p')"
    read -r requests median p99 most bad per_second <<<"$result"
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$requests" "$per_second" "$median" "$p99" "$most" "$bad"
}

# one NAME PATH: the same page fifteen times in a row.
one() {
    local times
    times="$(for _ in $(seq 15); do
        curl -s -o /dev/null -w '%{time_total} %{http_code}\n' --compressed -A Mozilla/5.0 "$base$2"
    done | awk '$2 == 200 { print $1 * 1000 }' | sort -n)"
    printf '| %s | %s | - | %.1f | - | %.1f | - |\n' "$1" "$(wc -l <<<"$times")" "$(sed -n 8p <<<"$times")" "$(tail -n 1 <<<"$times")"
}

phone="$("$binary" --root "$tree" search "$enterprise" --direction in --limit 1 --format csv 2>/dev/null |
    grep -oE '375[0-9]{9}' | head -n 1)"

printf '| what | requests | a second | median ms | 99%% ms | most ms | errors |\n|---|---|---|---|---|---|---|\n'
load "call pages, $rate a second" 1 "$((1000 / rate))"
load "call pages, 32 connections, no pause" 32 0
one "the list, newest day" "/calls/$enterprise?token=$token"
one "the list, a phone over all days" "/calls/$enterprise?token=$token&phone=$phone"
resident
kill "$server"
wait "$server" 2>/dev/null
server=""

# append FILE: lines from the middle of the file, WRITES per second, with one write per twentieth of a second.
append() {
    local at=0 step=$((writes / 20)) lines
    mapfile -t lines < <(tail -c +50000000 "$1" | sed 1d | head -n 20000)
    [ "${#lines[@]}" -gt "$step" ] || mapfile -t lines <"$1"
    while :; do
        printf '%s\n' "${lines[@]:at:step}" >>"$1"
        at=$(((at + step) % (${#lines[@]} - step)))
        sleep 0.05
    done
}

rm -rf "${growing:?}"
mkdir -p "$growing" && cp -Rp "$tree/$enterprise" "$growing/" || stop "no room for a copy"
rm -f "$growing/$enterprise/.calltrace/events.log.idx"
append "$growing/$enterprise/events.log" &
writer=$!
serve "$growing"
printf '\nA live day that grows by %s lines a second, without an index:\n\n' "$writes"
printf '| what | requests | a second | median ms | 99%% ms | most ms | errors |\n|---|---|---|---|---|---|---|\n'
load "live day's calls, $rate a second" 1 "$((1000 / rate))" "$live_paths"
load "live day's calls, once more" 1 "$((1000 / rate))" "$live_paths"
load "call pages of all days, $rate a second" 1 "$((1000 / rate))"
load "live day's calls, 32 connections, no pause" 32 0 "$live_paths"
load "call pages of all days, 32 connections, no pause" 32 0
resident
