"""Runs commands one after the other, and says of each what it cost.

Reads a JSON list of argument lists, writes a JSON list of results. A command that takes longer than the
limit is killed, and says so.
"""
import json, os, signal, subprocess, sys, threading, time

LIMIT_SECONDS = 10


def run(arguments):
    begin = time.monotonic()
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    texts = {}

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
        "seconds": time.monotonic() - begin,
        "peak_bytes": usage.ru_maxrss * 1024,
        **texts,
    }


json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
