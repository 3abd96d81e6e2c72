#!/usr/bin/env bash
# How fast is calltrace compared with ripgrep, grep, zgrep, pigz and logrotate? Prints a table in Markdown;
# it judges nothing and exits with 0.
#
#   benches/compare.sh              the table, with targets
#   benches/compare.sh --readme     also writes the short table into docs/performance.md and docs/ru
#
# The first run makes trees of calls (15 days, 30,000 calls per day, 1.4 GB: plain, with gzip, sealed; the
# same over 200 enterprises; one with ten times as many calls as another). It needs 15 GB of disk and takes
# about 25 minutes. sealed.bash has the rows about sealed days, others.bash those about other tools.
#
#   CALLTRACE=PATH     measure this binary instead of building one
#   BENCH_DIR=DIR      where the trees and hyperfine's results are kept (/tmp/calltrace-bench)
#   RUNS=15 WARMUP=2   of each command
#
# Method: files are read once beforehand, so they come from the page cache. The two
# commands of a row run in the same call of hyperfine, all runs of one and then all of the other;
# output goes to /dev/null, no shell in between. Times are medians. The call is an
# answered one in the middle of the middle day, the phone is that of its client. A row is `ok` if
# calltrace's median divided by ripgrep's is at most the target; rows in MB/s must reach it.
# Peak memory is the resident size in one more run of the same command, without the page cache.
#
# Nothing else should run meanwhile: a load changes the MB/s more than the ratios.

# Backticks below are Markdown.
# shellcheck disable=SC2016
set -u
set -o pipefail
export LC_ALL=C

into_readme="${1:-}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
bench_dir="${BENCH_DIR:-/tmp/calltrace-bench}"
binary="${CALLTRACE:-}"
runs="${RUNS:-15}"
warmup="${WARMUP:-2}"
enterprise=0367
days=15
calls_per_day=30000
last_day=2025-11-30
middle_day=2025-11-23
memory_target_mb=64

# The user's settings must not change what is measured.
unset CALLTRACE CALLTRACE_ROOT CALLTRACE_CONFIG CALLTRACE_DISPLAY_TIMEZONE CALLTRACE_COLOR \
    CALLTRACE_THREADS RIPGREP_CONFIG_PATH
export XDG_CONFIG_HOME="$bench_dir/no-config"

stop() {
    printf 'compare.sh: %s\n' "$*" >&2
    exit 0
}

say() {
    printf '%s\n' "$*" >&2
}

# need PROGRAM PACKAGE
need() {
    command -v "$1" >/dev/null || stop "$1 is missing; install it with: apt-get install $2 (or cargo install $2)"
}

need hyperfine hyperfine
need rg ripgrep
need pigz pigz
logrotate="$(PATH="$PATH:/usr/sbin" command -v logrotate)" ||
    stop "logrotate is missing; install it with: apt-get install logrotate"
command -v gzip >/dev/null || stop "gzip is missing (rg -z calls it); install it with: apt-get install gzip"

results="$bench_dir/results"
mkdir -p "$results" || stop "cannot make $results"

target_dir="${CARGO_TARGET_DIR:-$here/target}"
if [ -z "$binary" ]; then
    (cd "$here" && cargo build --profile dist --locked --bin calltrace) >&2 || stop "the build failed"
    binary="$target_dir/dist/calltrace"
fi
[ -x "$binary" ] || stop "$binary is no program; CALLTRACE names the binary to measure"
binary="$(realpath "$binary")"

# make_tree NAME OPTIONS...: once; a mark next to it says that it is complete.
make_tree() {
    local name="$1"
    shift
    [ -e "$bench_dir/$name.complete" ] && return 0
    say "making the $name tree in $bench_dir/$name"
    rm -rf "${bench_dir:?}/$name" "${bench_dir:?}/$name.truth"
    (cd "$here" && cargo run --release --locked --example logs -- --root "$bench_dir/$name" \
        --days "$days" --last-day "$last_day" "$@") >&2 || stop "the generator failed"
    touch "$bench_dir/$name.complete"
}

make_tree plain --enterprises "$enterprise" --calls-per-day "$calls_per_day"
make_tree gzip --enterprises "$enterprise" --calls-per-day "$calls_per_day" --compress gzip
plain="$bench_dir/plain"
packed="$bench_dir/gzip"

# Answered calls that begin in the middle day, from the middle of that day on:
# id, file, offset and bytes of the first line.
candidates() {
    awk -F '\t' -v day="$middle_day" '
        $1 == "incoming-answered" && $4 == "0" && match($5, /^[^:]*:[0-9]+\+[0-9]+/) {
            first = substr($5, 1, RLENGTH)
            if (index(first, day) == 0) next
            split(first, part, /[:+]/); split($3, uid, ",")
            row[++rows] = uid[1] " " part[1] " " part[2] " " part[3]
        }
        END { for (at = int(rows / 2) + 1; at <= rows; at++) print row[at] }
    ' "$plain.truth/$enterprise.tsv"
}

id=""
phone=""
many_phone=""
while read -r uid file offset bytes; do
    line="$(tail -c "+$((offset + 1))" "$plain/$enterprise/$file" | head -c "$bytes")"
    number="$(sed -nE 's/.*"Phone": "([0-9]{9,})".*/\1/p' <<<"$line")"
    [ -n "$number" ] || continue
    calls="$("$binary" --root "$plain" -q search "$enterprise" --phone "$number" --count 2>/dev/null | tr -cd 0-9)"
    if [ "${calls:-0}" -ge 3 ] && [ "$calls" -le 40 ]; then
        id="$uid"
        phone="$number"
        phone_calls="$calls"
        break
    fi
done < <(candidates)
[ -n "$id" ] || stop "no call of $middle_day has a client with 3 to 40 calls; is $plain complete?"
digits="${phone: -9}"
say "call $id; client $phone with $phone_calls calls"

# medians JSON: the medians of hyperfine's results, in seconds, one per line.
medians() {
    sed -nE 's/^ *"median": ([0-9.eE+-]+),?$/\1/p' "$1"
}

# peak_mb COMMAND...: resident, in MB, as GNU time or else the kernel's count for a child says.
peak_mb() {
    local kilobytes
    if [ -x /usr/bin/time ]; then
        kilobytes="$(/usr/bin/time -v "$@" 2>&1 >/dev/null | sed -nE 's/.*Maximum resident set size.*: ([0-9]+)/\1/p')"
    elif command -v python3 >/dev/null; then
        # The child's count starts at that of the process it was forked from, some 10 MB.
        kilobytes="$(python3 -c '
import resource, subprocess, sys
null = subprocess.DEVNULL
subprocess.run(sys.argv[1:], stdin=null, stdout=null, stderr=null)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@")"
    fi
    awk -v kb="${kilobytes:-}" 'BEGIN { if (kb == "") print "?"; else printf "%.1f", kb / 1024 }'
}

# verdict VALUE at-most|at-least TARGET
verdict() {
    awk -v value="$1" -v way="$2" -v target="$3" 'BEGIN {
        if (value == "?") print "?"
        else print ((way == "at-most") ? value <= target : value >= target) ? "ok" : "MISSED"
    }'
}

quoted() {
    printf '%q ' "$@"
}

# check COMMAND...: a command that fails is fast for the wrong reason. 1 is "nothing found".
check() {
    "$@" >/dev/null 2>"$results/stderr"
    local status=$?
    [ "$status" -eq 0 ] && return 0
    printf '\n> exit status %s of `%s`: %s\n' "$status" "$*" "$(head -c 300 "$results/stderr" | tr '\n' ' ')" >>"$notes"
}

measure() {
    local json="$1"
    shift
    rm -f "$json"
    # -i: a command that does not exit with 0 was noted by check.
    hyperfine -N -i -w "$warmup" -r "$runs" --style basic --export-json "$json" "$@" >&2 ||
        say "hyperfine failed for $json"
    note_unsteady "$json"
}

# Such a spread means that another process used a core during a part of the runs.
note_unsteady() {
    [ -e "$1" ] || return 0
    sed -nE 's/^ *"(min|max)": ([0-9.eE+-]+),?$/\1 \2/p' "$1" |
        awk -v row="$(basename "$1" .json)" '
            $1 == "min" { min = $2 }
            $1 == "max" && $2 > 1.5 * min {
                printf "\n> row %s is unsteady: runs of one command took %.1f to %.1f ms\n", row, min * 1000, $2 * 1000
            }' >>"$notes"
}

rows="$results/rows.md"
short_rows="$results/readme.md"
notes="$results/notes.md"
: >"$rows"
: >"$short_rows"
: >"$notes"

# The row of the short table. short WHAT OURS THEIRS RATIO PEAK_MB
short() {
    printf '| %s | %s | %s | %s | %s |\n' "$@" >>"$short_rows"
}

# milliseconds SECONDS: with one digit below 20 ms, in seconds above 2 s.
milliseconds() {
    awk -v s="$1" 'BEGIN {
        if (s == 0) print "?"
        else if (s >= 2) printf "%.1f s", s
        else if (s >= 0.02) printf "%.0f ms", s * 1000
        else printf "%.1f ms", s * 1000
    }'
}

# A command as people would type it: without folders, ID and PHONE for what is looked for.
typed() {
    local word words=("$(basename "$1")")
    shift
    for word in "$@"; do
        case "$word" in
            "$id") words+=(ID) ;;
            "$digits" | "${many_phone: -9}") words+=(PHONE) ;;
            /*) ;;
            *) words+=("$word") ;;
        esac
    done
    printf '%s' "${words[*]}"
}

# memory_cell COMMAND...
memory_cell() {
    local peak
    peak="$(peak_mb "$@")"
    printf '%s %s' "$peak" "$(verdict "$peak" at-most "$memory_target_mb")"
}

# pair NAME TARGET WHAT COMMAND... -- COMMAND...: calltrace first.
pair() {
    local name="$1" target="$2" what="$3" ours=() theirs=() at
    shift 3
    while [ "$1" != -- ]; do
        ours+=("$1")
        shift
    done
    shift
    theirs=("$@")
    say "== $name: $what"
    check "${ours[@]}"
    check "${theirs[@]}"
    measure "$results/$name.json" "$(quoted "${ours[@]}")" "$(quoted "${theirs[@]}")"
    mapfile -t at < <(medians "$results/$name.json")
    if [ "${#at[@]}" -ne 2 ]; then
        printf '| %s | `%s` | ? | ? | ? | %s | ? | ? |\n' "$name" "$what" "$target" >>"$rows"
        return
    fi
    local ratio memory
    memory="$(memory_cell "${ours[@]}")"
    ratio="$(awk -v a="${at[0]}" -v b="${at[1]}" 'BEGIN { printf "%.3f", a / b }')"
    awk -v name="$name" -v what="$what" -v a="${at[0]}" -v b="${at[1]}" -v ratio="$ratio" -v target="$target" \
        -v verdict="$(verdict "$ratio" at-most "$target")" -v memory="$memory" 'BEGIN {
        printf "| %s | `%s` | %.1f ms | %.1f ms | %s | %s | %s | %s |\n",
            name, what, a * 1000, b * 1000, ratio, target, verdict, memory
    }' >>"$rows"
    short "\`$what\`" "$(milliseconds "${at[0]}")" "\`$(typed "${theirs[@]}")\` $(milliseconds "${at[1]}")" \
        "$ratio" "${memory%% *} MB"
}

# speed NAME TARGET BYTES WHAT COMMAND...: TARGET in MB/s, "-" for none.
speed() {
    local name="$1" target="$2" bytes="$3" what="$4" at
    shift 4
    say "== $name: $what"
    check "$@"
    measure "$results/$name.json" "$(quoted "$@")"
    mapfile -t at < <(medians "$results/$name.json")
    if [ "${#at[@]}" -ne 1 ]; then
        printf '| %s | `%s` | ? | | ? | %s | ? | ? |\n' "$name" "$what" "$target" >>"$rows"
        return
    fi
    local rate judged="-"
    rate="$(awk -v bytes="$bytes" -v s="${at[0]}" 'BEGIN { printf "%.0f", bytes / 1e6 / s }')"
    [ "$target" = - ] || {
        judged="$(verdict "$rate" at-least "$target")"
        target="$target MB/s"
    }
    local memory
    memory="$(memory_cell "$@")"
    short "\`$what\`" "$(milliseconds "${at[0]}"), $rate MB/s" "" "" "${memory%% *} MB"
    awk -v name="$name" -v what="$what" -v a="${at[0]}" -v rate="$rate" -v target="$target" \
        -v verdict="$judged" -v memory="$memory" 'BEGIN {
        printf "| %s | `%s` | %.1f ms | | %s MB/s | %s | %s | %s |\n",
            name, what, a * 1000, rate, target, verdict, memory
    }' >>"$rows"
}

warm() {
    cat "$1/$enterprise"/* >/dev/null
}

warm "$plain"
tree="$plain/$enterprise"
ours=("$binary" --root "$plain")
pair a 0.85 "plain: trace ID --every-file --format raw" \
    "${ours[@]}" trace "$enterprise" "$id" --every-file --format raw -- rg -F "$id" "$tree"
pair b 0.5 "plain: trace ID" \
    "${ours[@]}" trace "$enterprise" "$id" -- rg -F "$id" "$tree"
pair c 1.2 "plain: search --phone PHONE" \
    "${ours[@]}" search "$enterprise" --phone "$phone" -- rg -F "$digits" "$tree"

day_bytes="$(stat -c %s "$tree/events.log")"
last_day_missed=(search "$enterprise" --since "$last_day 00:00" --status missed --tz UTC)
speed d1 500 "$day_bytes" "plain: search --since DAY --status missed --threads 1" \
    "${ours[@]}" --threads 1 "${last_day_missed[@]}"
speed d2 - "$day_bytes" "plain: search --since DAY --status missed --threads 2" \
    "${ours[@]}" --threads 2 "${last_day_missed[@]}"

warm "$packed"
tree="$packed/$enterprise"
ours=("$binary" --root "$packed")
pair e1 0.35 "gzip: trace ID" \
    "${ours[@]}" trace "$enterprise" "$id" -- rg -z -F "$id" "$tree"
pair e2 0.35 "gzip: trace ID --every-file" \
    "${ours[@]}" trace "$enterprise" "$id" --every-file -- rg -z -F "$id" "$tree"
pair e3 0.35 "gzip: search --phone PHONE" \
    "${ours[@]}" search "$enterprise" --phone "$phone" -- rg -z -F "$digits" "$tree"

# shellcheck source=benches/sealed.bash
. "$here/benches/sealed.bash"
# shellcheck source=benches/others.bash
. "$here/benches/others.bash"

first_line() {
    "$@" 2>/dev/null | head -n 1
}

megabytes() {
    awk -v bytes="$(cat "$1/$enterprise"/* | wc -c)" 'BEGIN { printf "%.0f MB", bytes / 1e6 }'
}

version_of() {
    first_line "$@" | sed -nE 's/^[^0-9]*([0-9][0-9.]*[0-9]).*/\1/p'
}

# The block between the two marks of a page: when and where, the head that stands there, the rows.
into_page() {
    local page="$1" made
    made="*$(date -u +%F), $(sed -nE 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | sed 's/ *$//'), $(nproc) cores, \
Linux $(uname -r | cut -d - -f 1); calltrace $(version_of "$binary" --version), ripgrep $(version_of rg --version), \
grep $(version_of grep --version), gzip $(version_of gzip --version), pigz $(version_of pigz --version), \
logrotate $("$logrotate" --version 2>&1 | sed -nE 's/^logrotate ([0-9.]+).*/\1/p')*"
    awk -v made="$made" -v rows="$short_rows" '
        /^<!-- benches\/compare.sh -->$/ { print; print made; print ""; inside = 1; next }
        inside && /^<!-- end -->$/ {
            while ((getline row < rows) > 0) print row
            inside = 0
        }
        inside && /^\|/ && heads < 2 { print; heads++; next }
        !inside { print }
    ' "$page" >"$page.new" && mv "$page.new" "$page"
}

if [ "$into_readme" = --readme ]; then
    into_page "$here/docs/performance.md"
    into_page "$here/docs/ru/performance.md"
fi

cat <<TABLE
## calltrace compared with ripgrep, $(date -u '+%Y-%m-%d %H:%M UTC')

- CPU: $(sed -nE 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores; Linux $(uname -r); load $(cut -d ' ' -f 1-3 /proc/loadavg)
- $(first_line "$binary" --version); $(first_line rg --version); $(first_line hyperfine --version); $(first_line gzip --version); $(first_line rustc --version)
- trees: $days days, $calls_per_day calls a day, plain $(megabytes "$plain"), gzip $(megabytes "$packed") (the last day plain); page cache warm
- ID $id of $middle_day; PHONE $phone, $phone_calls calls; rg looks for the ID, or for $digits
- median of $runs runs after $warmup; ratio is calltrace / rg (of d: bytes of the last day / median); peak memory target $memory_target_mb MB

| row | calltrace | calltrace, median | rg, median | ratio | target | | peak MB |
|---|---|---:|---:|---:|---:|---|---:|
$(cat "$rows")
$(cat "$notes")
TABLE
exit 0
