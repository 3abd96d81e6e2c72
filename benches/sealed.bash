# The rows about sealed days: sourced by compare.sh, which has the functions and the plain tree.
# shellcheck shell=bash disable=SC2154,SC2034,SC2016

sealed="$bench_dir/sealed"
many="$bench_dir/many"
many_sealed="$bench_dir/many-sealed"

# sealed_copy FROM TO: all days except the live one sealed and indexed, once.
sealed_copy() {
    [ -e "$2.complete" ] && return 0
    say "sealing $2"
    rm -rf "${2:?}"
    cp -a "$1" "$2" || stop "cannot copy $1"
    seal_in_place "$2"
}

seal_in_place() {
    "$binary" --root "$1" -q rotate --mode archive --keep 36500d >/dev/null || stop "rotate failed"
    touch "$1.complete"
}

sealed_copy "$plain" "$sealed"
make_tree many --enterprises-count 200 --calls-per-day 150
sealed_copy "$many" "$many_sealed"

# A tree, and one with ten times as many calls; only the sealed form is kept.
for calls in 10000 100000; do
    [ -e "$bench_dir/calls-$calls.complete" ] && continue
    make_tree "calls-$calls" --enterprises "$enterprise" --calls-per-day "$calls"
    rm -f "$bench_dir/calls-$calls.complete"
    seal_in_place "$bench_dir/calls-$calls"
done

# Among some clients of one enterprise, the one that the fewest other enterprises know: there are few example
# numbers, and real clients call one enterprise.
rare_number() {
    sed -nE 's/.*"Phone": "([0-9]{12})".*/\1/p' "$many/$enterprise/events.log" | sort -u | head -n 400 |
        while read -r number; do
            printf '%s %s\n' "$(rg -F -l "${number: -9}" "$many" | wc -l)" "$number"
        done | sort -n | head -n 1
}

warm "$plain"
warm "$sealed"
trace=("$binary" --root "$sealed" trace "$enterprise" "$id")
pair f1 0.067 "sealed: trace ID" "${trace[@]}" -- rg -F "$id" "$plain/$enterprise"
warm "$packed"
pair f2 0.004 "sealed: trace ID" "${trace[@]}" -- rg -z -F "$id" "$packed/$enterprise"

cat "$many"/*/* "$many_sealed"/*/* "$many_sealed"/*/.calltrace/* >/dev/null 2>&1
read -r many_files many_phone < <(rare_number)
pair f3 0.1 "sealed, 200 enterprises: search --phone, in $many_files files" \
    "$binary" --root "$many_sealed" search --phone "$many_phone" -- rg -F "${many_phone: -9}" "$many"

# Milliseconds per trace: the median over calls of a tree, with each call's best of five runs.
traces_ms() {
    local tree="$1"
    awk -F '\t' '$1 ~ /answered/ && $4 == "0" { split($3, uid, ","); row[++rows] = uid[1] }
        END { for (i = 1; i <= 40; i++) print row[int(rows * i / 45)] }' "$tree.truth/$enterprise.tsv" |
        while read -r uid; do
            hyperfine -N -w 1 -r 5 --style none --export-json "$results/one.json" \
                "$(quoted "$binary" --root "$tree" trace "$enterprise" "$uid")" >/dev/null 2>&1
            sed -nE 's/^ *"min": ([0-9.eE+-]+),?$/\1/p' "$results/one.json"
        done | sort -n | awk '{ at[NR] = $1 } END { printf "%.2f", at[int((NR + 1) / 2)] * 1000 }'
}

# value NAME WHAT VALUE at-most TARGET OURS [THEIRS_NAME THEIRS]
value() {
    printf '| %s | %s | %s | %s | %s | %s | %s | |\n' \
        "$1" "$2" "$6" "${8:-}" "$3" "$5" "$(verdict "$3" "$4" "$5")" >>"$rows"
    short "$2" "$6" "${7:-}${8:+ $8}" "$3" ""
}

ratio_of() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (b == 0) print "?"; else printf "%.3f", a / b }'
}

say "== f4: trace with ten times the data"
once="$(traces_ms "$bench_dir/calls-10000")"
tenfold="$(traces_ms "$bench_dir/calls-100000")"
value f4 'sealed: `trace ID`, ten times the calls a day' "$(ratio_of "$tenfold" "$once")" at-most 1.3 \
    "$tenfold ms" 'one tenth of it' "$once ms"

# mega BYTES: in MB, whole from 20 on.
mega() {
    awk -v b="$1" 'BEGIN { if (b >= 2e7) printf "%.0f MB", b / 1e6; else printf "%.1f MB", b / 1e6 }'
}

# One day, sealed again and again.
day="$plain/$enterprise/events.log.$middle_day"
again="$bench_dir/again"
# A rotation waits for a file that was just created; a finished day is older.
cat >"$results/prepare.sh" <<PREPARE
rm -rf "$again" && mkdir -p "$again/$enterprise" && cp -a "$day" "$again/$enterprise/" && sleep 1.1
PREPARE
say "== g1: seal and index a day"
rm -f "$results/g1.json"
hyperfine -w 1 -r "$runs" --style basic --export-json "$results/g1.json" \
    --prepare "sh $results/prepare.sh" "$(quoted "$binary" --root "$again" -q rotate --keep 36500d)" \
    --prepare "sh $results/prepare.sh" "$(quoted pigz -6 -k -f "$again/$enterprise/events.log.$middle_day")" >&2
note_unsteady "$results/g1.json"
mapfile -t at < <(medians "$results/g1.json")
value g1 '`rotate`: a finished day of 98 MB sealed, verified, indexed' \
    "$(ratio_of "${at[0]:-0}" "${at[1]:-0}")" at-most 0.9 \
    "$(milliseconds "${at[0]:-0}")" '`pigz -6`' "$(milliseconds "${at[1]:-0}")"

sh "$results/prepare.sh"
"$binary" --root "$again" -q rotate --keep 36500d >/dev/null
archive_bytes="$(stat -c %s "$again/$enterprise/events.log.$middle_day.gz")"
index_bytes="$(stat -c %s "$again/$enterprise/.calltrace/events.log.$middle_day.gz.idx")"
gzip_bytes="$(gzip -6 -c "$day" | wc -c)"
value g2 'the archive of the day' "$(ratio_of "$archive_bytes" "$gzip_bytes")" at-most 1.08 \
    "$(mega "$archive_bytes")" '`gzip -6`' "$(mega "$gzip_bytes")"
value g3 'its index' "$(ratio_of "$index_bytes" "$(stat -c %s "$day")")" at-most 0.03 \
    "$(mega "$index_bytes")" 'the day' "$(mega "$(stat -c %s "$day")")"

say "== g4: memory of sealing 4 GB"
rm -rf "$again" && mkdir -p "$again/$enterprise"
for _ in 1 2 3; do cat "$plain/$enterprise"/events.log.*; done >"$again/$enterprise/events.log.$middle_day"
bytes="$(stat -c %s "$again/$enterprise/events.log.$middle_day")"
peak="$(peak_mb "$binary" --root "$again" -q rotate --keep 36500d)"
printf '| g4 | peak memory of sealing %s | | | %s MB | 128 | %s | |\n' \
    "$(mega "$bytes")" "$peak" "$(verdict "$peak" at-most 128)" >>"$rows"
short "\`rotate\`: memory of sealing $(mega "$bytes")" "" "" "" "$peak MB"
rm -rf "$again"
