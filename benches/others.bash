# The rows about grep, zgrep and logrotate: sourced by compare.sh after sealed.bash.
# shellcheck shell=bash disable=SC2154,SC2034,SC2016

# These take seconds per run.
few_runs="$runs"
[ "$few_runs" -le 3 ] || few_runs=3
all_runs="$runs"

runs="$few_runs"
warm "$plain"
pair h1 1 "plain: trace ID --every-file --format raw" \
    "$binary" --root "$plain" trace "$enterprise" "$id" --every-file --format raw -- \
    grep -r -F "$id" "$plain/$enterprise"
warm "$packed"
# zgrep reads no folder; its exit status is 1 where the last file has no match.
shopt -s nullglob
packed_files=("$packed/$enterprise"/events*)
shopt -u nullglob
pair h2 0.2 "gzip: trace ID" \
    "$binary" --root "$packed" trace "$enterprise" "$id" -- zgrep -h -F "$id" "${packed_files[@]}"
warm "$sealed"
pair h3 0.01 "sealed: trace ID" \
    "$binary" --root "$sealed" trace "$enterprise" "$id" -- zgrep -h -F "$id" "${packed_files[@]}"

# A day that is over, from a live file to an archive: calltrace also verifies and indexes it.
rotated="$bench_dir/rotated"
rotate_conf="$results/logrotate.conf"
cat >"$rotate_conf" <<CONF
$rotated/$enterprise/events.log {
    daily
    rotate 14
    dateext
    compress
    su root root
}
CONF
chmod 644 "$rotate_conf"
cat >"$results/prepare-live.sh" <<PREPARE
rm -rf "$rotated" && mkdir -p -m 755 "$rotated/$enterprise" &&
    cp -a "$day" "$rotated/$enterprise/events.log" && sleep 1.1
PREPARE
say "== h4: rotate a day, compared with logrotate"
rm -f "$results/h4.json"
hyperfine -w 1 -r "$runs" --style basic --export-json "$results/h4.json" \
    --prepare "sh $results/prepare-live.sh" "$(quoted "$binary" --root "$rotated" -q rotate --keep 36500d)" \
    --prepare "sh $results/prepare-live.sh" \
    "$(quoted "$logrotate" -f -s "$results/logrotate.state" "$rotate_conf")" >&2
note_unsteady "$results/h4.json"
mapfile -t at < <(medians "$results/h4.json")
value h4 '`rotate`: a live day of 98 MB renamed, sealed, verified, indexed' \
    "$(ratio_of "${at[0]:-0}" "${at[1]:-0}")" at-most 1 \
    "$(milliseconds "${at[0]:-0}")" '`logrotate`, compress' "$(milliseconds "${at[1]:-0}")"
rm -rf "$rotated"
runs="$all_runs"
