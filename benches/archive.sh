#!/usr/bin/env bash
# How fast is a bucket written and read? Prints a line per rate; judges nothing, exits with 0.
#
#   benches/archive.sh
#
# A SeaweedFS cluster of this machine (master, three volume servers, filer, S3; two copies of everything) and the client
# share the cores and the disk: one large object, many of the size of a sealed day, 32 readers that jump about, and one
# that reads from front to back.
#
#   BENCH_MB=256       bytes that are sent each time, in MiB; a power of two
#
# Needs the Python packages that tests/run installs. Everything lies in a folder that is removed at the end.

set -u
export LC_ALL=C

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 0
log="$(CALLTRACE_ARCHIVE_MB="${BENCH_MB:-256}" cargo test --release --locked --test archive rates_of_a_bucket -- --nocapture 2>&1)" ||
    printf 'archive.sh: the test failed\n' >&2
printf '%s\n' "$log" | grep -E '/s|panicked|^error'
exit 0
