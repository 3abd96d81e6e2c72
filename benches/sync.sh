#!/usr/bin/env bash
# How long does `calltrace sync` take? Prints a table in Markdown; judges nothing, exits with 0.
#
#   benches/sync.sh
#
# An ssh server of this machine on loopback plays the hosts, so client, server and sqlite3 share the cores. Three
# questions: a day of 60,000 events of which 3% are missing, asked for the first time and again; ten new rows; and
# 60 hosts of which 3 accept connections and never answer, compared with the same run without these.
#
#   CALLTRACE=PATH     measure this binary instead of building one
#   BENCH_EVENTS=60000 events of the day
#   RUNS=5             of each; the median is printed
#
# Needs openssh-server and sqlite3. Everything is made in a folder that is removed at the end.

set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
binary="${CALLTRACE:-}"
events="${BENCH_EVENTS:-60000}"
runs="${RUNS:-5}"

stop() {
    printf 'sync.sh: %s\n' "$*" >&2
    exit 0
}

PATH="$PATH:/usr/sbin"
for program in sshd sqlite3 python3; do
    command -v "$program" >/dev/null || stop "$program is missing"
done
if [ -z "$binary" ]; then
    (cd "$here" && cargo build -q --profile dist --bin calltrace) || stop "calltrace does not build"
    binary="$here/target/dist/calltrace"
fi

folder="$(mktemp -d)" || exit 0
hanging=()
finish() {
    [ -e "$folder/sshd.pid" ] && kill "$(cat "$folder/sshd.pid")"
    [ "${#hanging[@]}" -gt 0 ] && kill "${hanging[@]}" 2>/dev/null
    rm -rf "$folder"
}
trap finish EXIT

# A server that lets its own user in.
chmod 755 "$folder"
ssh-keygen -q -t ed25519 -N '' -f "$folder/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$folder/key"
cp "$folder/key.pub" "$folder/authorized_keys"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
[ "$(id -u)" -eq 0 ] && mkdir -p /run/sshd
cat >"$folder/sshd_config" <<EOF
ListenAddress 127.0.0.1
Port $port
HostKey $folder/host_key
AuthorizedKeysFile $folder/authorized_keys
PidFile $folder/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 200
EOF
"$(command -v sshd)" -f "$folder/sshd_config" || stop "the ssh server does not start"
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$folder/host_key.pub")" >"$folder/known_hosts"

# Journals and logs. The day is yesterday's, so that everything had its time to arrive.
python3 - "$folder" "$events" <<'EOF'
import datetime, json, os, sqlite3, sys

folder, events = sys.argv[1], int(sys.argv[2])
now = datetime.datetime.now(datetime.timezone.utc)
day = (now - datetime.timedelta(days=1)).date()
columns = "(id INTEGER PRIMARY KEY, DateTime, event, Uniqueid, request, status, response, responseTime)"
insert = "INSERT INTO {} (DateTime, event, Uniqueid, request, status, response, responseTime) VALUES (?,?,?,?,?,?,?)"
answer = '{"status":"ok","message":"Event queued for processing"}'


def journal(path, day, numbers):
    base = sqlite3.connect(path)
    for table in ("AlternativeAPIlogs", "APIlogs"):
        base.execute(f"CREATE TABLE IF NOT EXISTS {table} {columns}")
    lines = []
    for number in numbers:
        second = number * 80000 // max(events, 1)
        at = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(seconds=second)
        uid = f"{int(at.replace(tzinfo=datetime.timezone.utc).timestamp())}.{number // 8}"
        event = ("start", "new_callerid", "dial", "bridge_create", "bridge", "bridge", "bridge_leave", "hangup")[number % 8]
        body = {"Token": "375290000000", "UniqueId": uid, "Phone": "375290001234", "Extensions": ["150", "151"],
                "CallType": 0, "Trunk": "0001363", "ExtTrunk": "", "ExtPhone": "375290001234", "N": number}
        text = json.dumps(body)
        base.execute(insert.format("AlternativeAPIlogs"), (str(at), event, uid, text, "<Response [200]>", answer, 0.04))
        if number % 33:
            lines.append(f"{at},050|AST|{event}|{uid}|{text}\n")
    base.commit()
    return "".join(lines)


os.makedirs(f"{folder}/journals")
os.makedirs(f"{folder}/call_tracer/0367")
text = journal(f"{folder}/journals/Listen_AMI_{day}.db", day, range(events))
with open(f"{folder}/call_tracer/0367/events.log.{day}", "w") as log:
    log.write(text)
journal(f"{folder}/journals/Listen_AMI_{now.date()}.db", now.date(), ())
for number in range(60):
    os.makedirs(f"{folder}/many/{number}")
    os.makedirs(f"{folder}/many_logs/{1000 + number}")
    for d in (day, now.date()):
        journal(f"{folder}/many/{number}/Listen_AMI_{d}.db", d, range(10) if d == day else ())
EOF

host() { # host NAME ENTERPRISE PORT JOURNALS
    printf '[hosts.%s]\nenterprise = "%s"\naddress = "127.0.0.1"\nport = %s\nuser = "%s"\nkey_file = "%s"\nknown_hosts = "%s"\njournals = "%s"\ntimezone = "UTC"\n' \
        "$1" "$2" "$3" "$(id -un)" "$folder/key" "$folder/known_hosts" "$4"
}

host pbx 0367 "$port" "$folder/journals" >"$folder/one.toml"
for number in $(seq 0 59); do
    host "h$number" "$((1000 + number))" "$port" "$folder/many/$number"
done >"$folder/many.toml"
# timed NAME BEFORE COMMAND...: the median of the runs, in seconds; BEFORE is done before each.
timed() {
    local name="$1" before="$2" times=() began ended run
    shift 2
    for run in $(seq "$runs"); do
        eval "$before"
        began="$(date +%s%N)"
        "$@" >"$folder/said" 2>&1
        ended="$(date +%s%N)"
        times+=("$(((ended - began) / 1000000))")
    done
    printf '| %s | %s ms | `%s` |\n' "$name" "$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$((runs / 2 + 1))p")" \
        "$(head -n 1 "$folder/said" | cut -c1-100)"
}

sync() { # sync SETTINGS ROOT ARGUMENT...
    "$binary" --config "$folder/$1" --root "$folder/$2" sync "${@:3}"
}

forget="rm -rf $folder/call_tracer/0367/.calltrace $folder/call_tracer/0367/recovered_*"
forget_marks="rm -f $folder/many_logs/*/.calltrace/sync.json"
printf '| `sync` of | median of %s | the first line it prints |\n|---|---:|---|\n' "$runs"
timed "ssh and nothing else" : ssh -o BatchMode=yes -o "UserKnownHostsFile=$folder/known_hosts" -i "$folder/key" -p "$port" \
    "$(id -un)@127.0.0.1" true
timed "$events events, 3% missing, recovered" "$forget" sync one.toml call_tracer
timed "the same once more, from the beginning" : sync one.toml call_tracer --all
add_ten="python3 - '$folder' <<'EOF'
import datetime, json, sqlite3, sys
now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
base = sqlite3.connect(f'{sys.argv[1]}/journals/Listen_AMI_{(now + datetime.timedelta(hours=1)).date()}.db')
for n in range(10):
    uid = f'{int(now.timestamp())}.{n}'
    base.execute('INSERT INTO AlternativeAPIlogs (DateTime, event, Uniqueid, request, status, response, responseTime)'
                 ' VALUES (?,?,?,?,?,?,?)', (now.strftime('%Y-%m-%d %H:%M:%S'), 'hangup', uid,
                 json.dumps({'UniqueId': uid, 'N': n}), '<Response [200]>', '', 0.04))
base.commit()
EOF"
sync one.toml call_tracer >/dev/null 2>&1
timed "ten new rows" "$add_ten" sync one.toml call_tracer
timed "60 hosts of ten rows, 8 at a time" "$forget_marks" sync many.toml many_logs
# Three that accept a connection and say nothing, each for two minutes at most.
cp "$folder/many.toml" "$folder/hanging.toml"
for number in 0 1 2; do
    silent="$folder/silent.$number"
    timeout 120 python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(16)
open(sys.argv[1], "w").write(str(s.getsockname()[1]))
time.sleep(110)' "$silent" &
    hanging+=("$!")
    while [ ! -s "$silent" ]; do sleep 0.1; done
    sed -i "/^\[hosts.h$number\]/,/^journals/ s/^port = .*/port = $(cat "$silent")/" "$folder/hanging.toml"
done

timed "the same, 3 of them never answer" "$forget_marks" sync hanging.toml many_logs
