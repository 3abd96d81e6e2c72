#!/usr/bin/env bash
# How long does one run of `calltrace check` take over 200 enterprises with tables of calls, and how much memory? Prints a
# table in Markdown.
#
#   benches/check.sh
#
# The first run counts the calls of all days for the usual figures; each later run reads the last hours. The time of the
# runs is the end of the newest log, so that there are calls in these hours.
#
#   CALLTRACE=PATH   measure this binary instead of building one
#   TREE=DIR         a tree with tables to use instead of a generated one (it is only read)
#   BENCH_DIR=DIR    where files are made (/tmp/calltrace-bench)
#   ENTERPRISES=200 RUNS=7

set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
# shellcheck source=benches/begin.bash
. "$here/benches/begin.bash"

enterprises="${ENTERPRISES:-200}"
runs="${RUNS:-7}"
tree="${TREE:-$bench_dir/check-tree}"
state="$bench_dir/check.json"

trap 'rm -f "$state" "$state.lock"' EXIT

need jq
[ -x /usr/bin/time ] || stop "needs GNU time (apt-get install time)"
# The shipped binary takes no other time than the system's, and a tree has the days that it was made with.
if [ -z "$binary" ]; then
    mkdir -p "$bench_dir" || stop "cannot make $bench_dir"
    (cd "$here" && cargo build --profile torture --locked --bin calltrace) >&2 || stop "the build failed"
    binary="${CARGO_TARGET_DIR:-$here/target}/torture/calltrace"
fi
if [ ! -d "$tree" ]; then
    (cd "$here" && cargo run --release --locked --example logs -- --root "$tree" --enterprises-count "$enterprises" --calls-per-day 300) >&2 ||
        stop "the tree could not be made"
    "$binary" --root "$tree" rotate --yes -q || stop "the tree could not be rotated"
fi
newest="$("$binary" --root "$tree" search --limit 1 --format ndjson --no-pager -q | jq -r 'select(.start_time) | .start_time' | head -1)"
[ -n "$newest" ] || stop "$tree has no calls"
export CALLTRACE_NOW="$newest" CALLTRACE_CHECK_STATE="$state"

# one: seconds and KiB of one run.
one() {
    /usr/bin/time -f '%e %M' "$binary" --root "$tree" check --format json -q 2>&1 >/dev/null | tail -1
}

rm -f "$state"
first="$(one)"
later="$(for _ in $(seq "$runs"); do one; done | sort -n | sed -n "$((runs / 2 + 1))p")"

echo "| run over $(find "$tree" -mindepth 1 -maxdepth 1 -type d | wc -l) enterprises | time | memory |"
echo "|---|---|---|"
for row in "first, all days:$first" "later:$later"; do
    read -r seconds kib <<<"${row#*:}"
    echo "| ${row%%:*} | $seconds s | $((kib / 1024)) MiB |"
done
