#!/usr/bin/env bash
# Does `calltrace serve` stay stable under requests while lines come in? Prints a table in Markdown; it
# judges nothing and exits with 0.
#
#   benches/soak.sh
#
# A server over a tree that grows: WRITES lines per second are appended to one enterprise's events.log,
# as calls of nine lines each, and REQUESTS per second ask for pages: the newest calls, calls of all the
# time since the start, each twentieth request the list. Memory, descriptors, connections and errors are
# printed at the start, every minute and at the end. Then writing stops, and requests go on
# for STILL seconds. A list reads the calls of its day, and calls that just ended are kept until they are
# surely over, so memory grows with these at first. It must stay flat while the tree does not change.
# About 22 MB of lines for ten minutes.
#
#   CALLTRACE=PATH      run this binary instead of building one
#   BENCH_DIR=DIR       where files are made (/tmp/calltrace-bench)
#   SOAK_SECONDS=600 STILL=60 REQUESTS=20 WRITES=200 EVERY=60
#   WRITER=file|post    append to the file, as hosts do; or have the server write: POST /log/event

set -u
set -o pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)" || exit 0
# shellcheck source=benches/begin.bash
. "$here/benches/begin.bash"
server=""

finish() {
    [ -n "$server" ] && kill "$server" 2>/dev/null
    wait 2>/dev/null
    [ -n "${tree:-}" ] && rm -rf "$tree"
}
trap finish EXIT

need python3
build
tree="$(mktemp -d "$bench_dir/soak.XXXXXX")" || stop "cannot make a tree"
mkdir "$tree/0367"

"$binary" --root "$tree" serve --listen 127.0.0.1:0 --log-file "$tree/serve.log" \
    >"$tree/link" 2>"$tree/said" &
server=$!
for _ in $(seq 100); do
    [ -s "$tree/link" ] && break
    sleep 0.05
done
link="$(head -n 1 "$tree/link")"
[ -n "$link" ] || stop "the server did not start: $(tail -n 1 "$tree/said")"

LINK="$link" TREE="$tree" SERVER="$server" SOAK_SECONDS="${SOAK_SECONDS:-600}" STILL="${STILL:-60}" REQUESTS="${REQUESTS:-20}" \
    WRITES="${WRITES:-200}" EVERY="${EVERY:-60}" WRITER="${WRITER:-file}" python3 - <<'PYTHON'
import collections, http.client, itertools, json, os, random, re, threading, time, urllib.parse

link = urllib.parse.urlsplit(os.environ["LINK"])
token = link.query.removeprefix("token=")
folder = os.path.join(os.environ["TREE"], "0367")
names = ("SOAK_SECONDS", "STILL", "REQUESTS", "WRITES", "EVERY")
length, still, requests, writes, every = (float(os.environ[name]) for name in names)
begin = time.monotonic()
calls = []
errors, done, slow = collections.Counter(), collections.Counter(), []


def paced(per_second, act, length=length + still):
    """Acts so many times a second, until the time is over; late turns are made up for."""
    for turn in itertools.count():
        due = begin + turn / per_second
        if due >= begin + length:
            return
        time.sleep(max(0, due - time.monotonic()))
        try:
            act(turn)
        except Exception as error:
            errors[f"{act.__name__}: {error!r}"] += 1


def events(number):
    """A call of two legs and a message, as (kind, id, data)."""
    now = int(time.time())
    client, trunk = f"{now}.{number * 2}", "0001363"
    leg, bridge = f"{now}.{number * 2 + 1}", f"bridge-{now}-{number}"
    phone = f"37529000{number % 10000:04}"
    calls.append(client)
    start = {"Token": "375290000000", "UniqueId": client, "Phone": phone, "CallType": 0, "Trunk": trunk}
    yield "start", client, start
    yield "dial", client, start | {"Extensions": ["150", "151"]}
    yield "tg", client, None
    for event, uid in itertools.product(("bridge", "bridge_leave"), (client, leg)):
        yield event, uid, {"Token": "375290000000", "UniqueId": uid, "BridgeUniqueid": bridge, "CallerIDNum": phone, "ConnectedLineNum": "150"}
    yield "hangup", leg, {"Token": "375290000000", "UniqueId": leg, "CallStatus": "2"}
    yield "hangup", client, start | {"CallStatus": "2"}


def all_events():
    for number in itertools.count():
        yield from events(number)


coming = all_events()
connections = threading.local()


def asked(method, path, body=None):
    """The status of one request over a connection that is kept."""
    if not hasattr(connections, "open"):
        connections.open = http.client.HTTPConnection(link.netloc, timeout=60)
    headers = {"User-Agent": "Mozilla/5.0", "Content-Type": "application/json"}
    try:
        connections.open.request(method, path, body, headers)
        reply = connections.open.getresponse()
        return reply.status, reply.read()
    except Exception:
        connections.open.close()
        raise


def write(turn):
    event, uid, data = next(coming)
    if os.environ["WRITER"] == "post" and data is not None:
        body = {"enterprise_number": "0367", "unique_id": uid, "event_type": event, "event_data": data}
        status, _ = asked("POST", "/log/event", json.dumps(body))
        if status != 200:
            errors[f"POST: {status}"] += 1
        done["lines"] += 1
        return
    now = time.time()
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f",{int(now * 1000) % 1000:03}"
    if data is None:
        line = f"{at}|TG|send|100000001|dial|{turn}|{uid}|call"
    else:
        line = f"{at}|AST|{event}|{uid}|{json.dumps(data)}"
    out = os.open(os.path.join(folder, "events.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(out, line.encode() + b"\n")
    os.close(out)
    done["lines"] += 1


def ask(turn):
    if len(calls) < 3:
        return
    # The newest is still being written.
    call = calls[-2] if turn % 2 else random.choice(calls[:-1])
    path = "/calls/0367" if turn % 20 == 0 else f"/call/0367/{call}"
    started = time.monotonic()
    status, _ = asked("GET", f"{path}?token={token}")
    slow.append(time.monotonic() - started)
    done["pages"] += 1
    if status != 200:
        errors[f"{path.split('/')[1]}: {status}"] += 1


def row():
    process = f"/proc/{os.environ['SERVER']}"
    rss = int(re.search(r"VmRSS:\s+(\d+)", open(process + "/status").read())[1]) / 1024
    most = int(re.search(r"VmHWM:\s+(\d+)", open(process + "/status").read())[1]) / 1024
    times, slow[:] = sorted(slow) or [0], []
    size = sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()) / 1e6
    print(f"| {time.monotonic() - begin:.0f} | {rss:.1f} | {most:.1f} | {len(os.listdir(process + '/fd'))} "
          f"| {len(os.listdir(process + '/task'))} | {done['pages']} | {times[len(times) // 2] * 1000:.0f} "
          f"| {times[-1] * 1000:.0f} | {done['lines']} | {size:.1f} | {sum(errors.values())} |", flush=True)


def watch(_):
    row()


print("| s | RSS MB | most MB | descriptors | threads | pages | median ms | most ms | lines | log MB | errors |")
print("|---|---|---|---|---|---|---|---|---|---|---|")
# Concurrent clients, so that a slow list does not delay the calls.
askers = 4
threads = [threading.Thread(target=paced, args=(writes, write, length)), threading.Thread(target=paced, args=(1 / every, watch))]
threads += [threading.Thread(target=paced, args=(requests / askers, ask)) for _ in range(askers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
time.sleep(1)
row()
for error, times in errors.most_common(10):
    print(f"{times} times {error}")
PYTHON
say "what the server's log says besides answers:"
grep -v ' answered ' "$tree/serve.log" | tail -n 5 >&2
