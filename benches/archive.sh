#!/usr/bin/env bash
# How fast is a bucket written and read, and how long do questions over it take? Prints a line per rate, then a table in
# Markdown; judges nothing, exits with 0.
#
#   benches/archive.sh
#
# A SeaweedFS cluster of this machine (master, three volume servers, filer, S3; two copies of everything) and the client
# share the cores and the disk.
#
# The rates: one large object, many of the size of a sealed day, 32 readers that jump about, and one that reads from front
# to back. The table: a proxy lets the store answer 20 ms late. Each command runs five times over the local tree, over the
# bucket with a full cache on disk, and with an empty one; the median counts.
#
#   CALLTRACE=PATH       measure this binary instead of building one
#   BENCH_DIR=DIR        where trees are made and kept (/tmp/calltrace-bench)
#   BENCH_MB=256         bytes that are sent each time, in MiB; a power of two
#   CALLS=30000          calls a day of the enterprise with fifteen days
#   ENTERPRISES=200      with 60 calls a day, fifteen days
#
# Needs GNU time and the Python packages that tests/run installs.

set -u
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
# shellcheck source=benches/begin.bash
. "$here/benches/begin.bash"

[ -x /usr/bin/time ] || stop "needs GNU time (apt-get install time)"
build

# tree NAME OPTIONS...: a sealed tree of fifteen days that ended yesterday, made once a day. Sets `root`.
tree() {
    root="$bench_dir/$1-$(date -u +%F)"
    shift
    [ -d "$root" ] && return
    (cd "$here" && cargo run --release --locked --example logs -- --root "$root" --days 15 \
        --last-day "$(date -u -d yesterday +%F)" "$@") >&2 || stop "the tree could not be made"
    "$binary" --root "$root" rotate --yes --keep 60d -q || stop "the tree could not be rotated"
}

tree archive-days --calls-per-day "${CALLS:-30000}"
days="$root"
tree archive-enterprises --enterprises-count "${ENTERPRISES:-200}" --calls-per-day 60
export CALLTRACE_LATE_PROGRAM="$binary" CALLTRACE_LATE_DAYS="$days" CALLTRACE_LATE_ENTERPRISES="$root"
export CALLTRACE_ARCHIVE_MB="${BENCH_MB:-256}"
for test in rates_of_a_bucket commands_over_a_store_that_answers_late; do
    (cd "$here" && cargo test --release --locked --test archive "$test" -- --nocapture 2>&1) |
        grep -E '/s|^[|]|panicked|^error'
done
exit 0
