#!/usr/bin/env bash
# How fast does `calltrace tail --follow` follow, and what does it cost while nothing happens? Prints a
# table in Markdown; it judges nothing and exits with 0.
#
#   benches/tail.sh
#
# Throughput: a follower of an empty file, its output through a pipe to cat, while a day of MB megabytes
# is appended at once; the time until the last line has come out. Each follower in turn, RUNS times,
# medians; the ratio is tail -F's time divided by calltrace's (1 is as fast, 0.5 takes twice as long).
#
# Idle: 300 enterprises followed, nothing written for 20 seconds: CPU time of the process in percent of
# one core, and its resident memory.
#
# The time from writing to printing, next to eight Python writers and rotations, is measured by
#   CALLTRACE_TAIL_LINES=1200000 cargo test --profile torture --test follow tail_torture -- --nocapture
#
#   CALLTRACE=PATH   measure this binary instead of building one
#   BENCH_DIR=DIR    where files are made (/tmp/calltrace-bench); needs 3 times MB
#   MB=1000 RUNS=5

# Backticks below are Markdown.
# shellcheck disable=SC2016
set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
bench_dir="${BENCH_DIR:-/tmp/calltrace-bench}/tail"
binary="${CALLTRACE:-}"
megabytes="${MB:-1000}"
runs="${RUNS:-5}"
enterprises=300
idle_seconds=20
sentinel='2099-01-01 00:00:00,000|AST|sentinel|1.1|{"last": true}'
unset CALLTRACE CALLTRACE_ROOT CALLTRACE_CONFIG CALLTRACE_DISPLAY_TIMEZONE CALLTRACE_COLOR CALLTRACE_THREADS
export XDG_CONFIG_HOME="$bench_dir/no-config"

stop() {
    printf 'tail.sh: %s\n' "$*" >&2
    exit 0
}

mkdir -p "$bench_dir" || stop "can't make $bench_dir"
if [[ -z "$binary" ]]; then
    (cd "$here" && cargo build --profile dist --quiet) || stop "calltrace can't be built"
    binary="${CARGO_TARGET_DIR:-$here/target}/dist/calltrace"
fi

# A realistic day, repeated as needed, and a last line to wait for.
source_file="$bench_dir/day-$megabytes.log"
if [[ ! -s "$source_file" ]]; then
    tree="$bench_dir/generated"
    (cd "$here" && cargo run --release --quiet --example logs -- \
        --root "$tree" --days 1 --calls-per-day 30000) >/dev/null || stop "no tree"
    day=("$tree"/0367/events*)
    while [[ $(stat -c %s "$source_file" 2>/dev/null || echo 0) -lt $((megabytes * 1000000)) ]]; do
        cat "${day[@]}" >>"$source_file"
    done
    printf '%s\n' "$sentinel" >>"$source_file"
    rm -rf "$tree" "$tree.truth"
fi

median() {
    sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# follow COMMAND...: milliseconds from the first byte appended to the last line out.
follow() {
    local root="$bench_dir/root" out="$bench_dir/out" log pid began
    rm -rf "$root" "$out"
    mkdir -p "$root/0367"
    log="$root/0367/events.log"
    : >"$log"
    "$@" 2>/dev/null | cat >"$out" &
    pid=$!
    sleep 0.5
    began=$(date +%s%N)
    cat "$source_file" >>"$log"
    until tail -c 300 "$out" | grep -q sentinel; do
        sleep 0.005
    done
    echo $((($(date +%s%N) - began) / 1000000))
    # The follower ends when it finds its pipe closed; still end both by id.
    pkill -P $$ -f "^$1 .*$root" 2>/dev/null
    kill "$pid" 2>/dev/null
    wait 2>/dev/null
}

root="$bench_dir/root"
names=('tail -F' '--raw' '--raw --kind ast,tg,http' '--format lines')
declare -A times
for ((run = 0; run < runs; run++)); do
    times[0]+="$(follow tail -n 0 -F "$root/0367/events.log") "
    times[1]+="$(follow "$binary" --root "$root" tail 0367 --follow -n 0 --raw) "
    times[2]+="$(follow "$binary" --root "$root" tail 0367 --follow -n 0 --raw --kind ast,tg,http) "
    times[3]+="$(follow "$binary" --root "$root" tail 0367 --follow -n 0 --format lines) "
done

printf '| throughput, %s MB through a pipe to `cat` | ms | of `tail -F` | target |\n|---|---:|---:|---:|\n' "$megabytes"
base=$(tr ' ' '\n' <<<"${times[0]}" | grep . | median)
for i in 0 1 2 3; do
    own=$(tr ' ' '\n' <<<"${times[$i]}" | grep . | median)
    ratio=$(awk -v a="$base" -v b="$own" 'BEGIN { printf "%.2f", a / b }')
    printf '| `%s` | %s | %s | %s |\n' "${names[$i]}" "$own" "$ratio" "$([[ $i == 2 ]] && echo 0.5)"
done

many="$bench_dir/many"
rm -rf "$many"
for ((i = 0; i < enterprises; i++)); do
    mkdir -p "$many/$((1000 + i))"
    head -n 200 "$source_file" >"$many/$((1000 + i))/events.log"
done
"$binary" --root "$many" tail --follow -n 0 >/dev/null 2>&1 &
pid=$!
sleep 3
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
before=$(ticks)
sleep "$idle_seconds"
after=$(ticks)
resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
kill -INT "$pid"
wait "$pid" 2>/dev/null
cpu=$(awk -v t=$((after - before)) -v s="$idle_seconds" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", 100 * t / hz / s }')
printf '\n| idle, %s enterprises | | target |\n|---|---:|---:|\n' "$enterprises"
printf '| CPU, %% of a core | %s | 1 |\n| resident, MB | %s | 50 |\n| peak, MB | %s | |\n' \
    "$cpu" $((resident / 1024)) $((peak / 1024))
