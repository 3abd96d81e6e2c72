"""Runs commands one after the other, and reports the cost of each.

Reads a JSON list of argument lists, writes a JSON list of results. A command that takes longer than the
limit is killed, and says so. A server is asked for pages and given lines, and then ended; what it answers
counts as its output.
"""
import http.client, json, os, re, signal, subprocess, sys, threading, time

LIMIT_SECONDS = 10
TOKEN = "the-token"
CALLS = {"0367": "1764406800.120", "0999": "1764406800.300"}


def requests():
    for enterprise, call in CALLS.items():
        yield "GET", f"/call/{enterprise}/{call}?token={TOKEN}", None
        yield "GET", f"/calls/{enterprise}?token={TOKEN}", None
        yield "GET", f"/stats/{enterprise}?token={TOKEN}&period=two-weeks", None
        yield "GET", f"/trace/{call}?enterprise={enterprise}", None
        event = {"Token": "375290000000"}
        line = {"enterprise_number": enterprise, "unique_id": call, "event_type": "dial", "event_data": event}
        yield "POST", "/log/event", json.dumps(line)


def answers(port):
    """The answers on a port, as text (a line with the status before each body), and how long the
    slowest answer took (seconds).
    """
    text, slowest = "", 0
    for method, path, body in requests():
        connection = http.client.HTTPConnection("localhost", port, timeout=LIMIT_SECONDS)
        asked = time.monotonic()
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            # A line that is posted names its enterprise in the body only.
            said = body or path
            text += f"{method} {said} gave {answer.status}\n{answer.read().decode('utf-8', 'replace')}\n"
        except OSError as error:
            text += f"{method} {path} failed: {error}\n"
        connection.close()
        slowest = max(slowest, time.monotonic() - asked)
    return text, slowest


def run(arguments):
    begin = time.monotonic()
    process = subprocess.Popen(
        arguments,
        env={**os.environ, "CALLTRACE_LISTEN": "127.0.0.1:0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    texts = {}
    answered, slowest = "", 0
    if "serve" in arguments:
        # Its first line names the address.
        port = re.search(rb"http://.*:(\d+)", process.stderr.readline())
        answered, slowest = answers(int(port[1])) if port else ("", 0)
        begin = time.monotonic()
        process.terminate()

    def read(name, stream):
        texts[name] = stream.read().decode("utf-8", "replace")

    readers = [
        threading.Thread(target=read, args=item)
        for item in (("stdout", process.stdout), ("stderr", process.stderr))
    ]
    for reader in readers:
        reader.start()
    late = threading.Timer(LIMIT_SECONDS, lambda: os.kill(process.pid, signal.SIGKILL))
    late.start()
    _, status, usage = os.wait4(process.pid, 0)
    late.cancel()
    for reader in readers:
        reader.join()
    return {
        "arguments": arguments[1:],
        "status": os.waitstatus_to_exitcode(status),
        "seconds": max(slowest, time.monotonic() - begin),
        "peak_bytes": usage.ru_maxrss * 1024,
        **texts,
        "stdout": answered + texts["stdout"],
    }


json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
