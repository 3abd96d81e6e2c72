#!/usr/bin/env python3
"""Checks that two builds of calltrace print and write the same, for a change that must not change behaviour.

    tests/same/same.py OLD NEW [TREE...]

OLD and NEW are programs with debug assertions (cargo build), as those take the time of day from
CALLTRACE_NOW. Both are asked over the sample tree, over what version 0.1.0 left and over TREEs (folders of
enterprises, such as `cargo run --release --example logs` makes, 5 MB are enough). Compared byte for byte:
stdout and exit codes of every command and format, files that rotate, index and posted lines leave, answers of
every URL with their headers, names of metrics. Prints what differs; exits with 1 if anything does.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TOKEN = "0123456789abcdef0123"
CALLS_PER_TREE = 25
SERVED_SECONDS_MAX = 20


def environment(now):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return dict(kept, CALLTRACE_NOW=now, TZ="UTC", XDG_CONFIG_HOME="/nonexistent", LC_ALL="C.UTF-8")


class Side:
    """One of the two programs, with a copy of a tree of its own under the same path."""

    def __init__(self, program, tree, now):
        self.program, self.tree, self.now = program, tree, now
        self.folder = Path(tempfile.mkdtemp())
        # Both have one path, as answers contain it.
        self.root = Path("/tmp/calltrace-same/call_tracer")

    def __enter__(self):
        shutil.rmtree(self.root.parent, ignore_errors=True)
        self.root.parent.mkdir(parents=True)
        shutil.copytree(self.tree, self.root, copy_function=shutil.copy2)
        names = sorted(entry.name for entry in self.root.iterdir() if entry.is_dir())
        secrets = "".join(f'[enterprises."{name}"]\nsecret = "{TOKEN}"\n' for name in names)
        (self.root.parent / "config.toml").write_text(secrets)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words):
        config = str(self.root.parent / "config.toml")
        return [self.program, "--root", str(self.root), "--config", config, *words]

    def run(self, *words):
        done = subprocess.run(self.command(*words), env=environment(self.now), stdin=subprocess.DEVNULL,
                              capture_output=True, cwd=self.root.parent, timeout=120, check=False)
        if words and words[0] == "rotate" and "json" not in words:
            # Enterprises are rotated side by side, and each says so when it is done.
            return done.returncode, b"\n".join(sorted(done.stdout.split(b"\n")))
        return done.returncode, done.stdout

    def files(self):
        """The files of the tree. Times of files are the kernel's, and indexes hold them."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and path.suffix != ".idx":
                found[str(path.relative_to(self.root))] = path.read_bytes()
            elif path.is_file():
                found[str(path.relative_to(self.root))] = str(path.stat().st_size).encode()
        return found


def calls_of(side):
    """Enterprises with some ids of each, spread over all calls."""
    found = {}
    for name in sorted(entry.name for entry in side.root.iterdir() if entry.is_dir()):
        _, stdout = side.run("search", name, "--limit", "0", "--format", "json")
        ids = [call["unique_id"] for call in json.loads(stdout or b"{}").get("results", [])]
        step = max(1, len(ids) // CALLS_PER_TREE)
        found[name] = ids[::step]
    return found


def questions(calls):
    """The commands that only read."""
    yield from ([], ["config"], ["config", "--format", "json"], ["index"], ["--help"], ["--version"])
    for command in ("trace", "search", "tail", "rotate", "serve", "link", "index", "config", "doctor"):
        yield [command, "--help"]
    for form in ("text", "json"):
        yield ["doctor", "--format", form]
        yield ["doctor", "--deep", "--format", form]
        yield ["rotate", "--dry-run", "--force", "--format", form]
    for form in ("table", "json", "ndjson", "csv", "nothing"):
        yield ["search", "--limit", "0", "--format", form]
    for name, ids in calls.items():
        for words in (["--status", "missed"], ["--status", "answered"], ["--direction", "in"], ["--direction", "out"],
                      ["--text", "hangup"], ["--lines", "--text", "dial", "--limit", "20"], ["--http-status", "5xx"],
                      ["--ext", "151"], ["--phone", "80290001234"], ["--min-duration", "30s"], ["--fault", "no_end"],
                      ["--since", "2025-11-30 12:00", "--until", "2025-12-01"], ["--strict"], ["--count"]):
            yield ["search", name, *words]
        yield ["tail", name, "-n", "20"]
        yield ["tail", name, "-n", "20", "--format", "json"]
        for at, unique_id in enumerate(ids):
            forms = ("timeline", "json", "ndjson", "raw", "html", "md", "mermaid")
            yield ["trace", name, unique_id, "--format", forms[at % len(forms)]]
            yield ["trace", name, unique_id, ("--all", "--full", "--why", "--ladder", "--strict")[at % 5]]
        yield ["trace", name, "1.1"]


def fetched(base, path, headers=None, body=None):
    request = urllib.request.Request(base + path, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, head, text = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, head, text = error.code, error.headers, error.read()
    # The time at which a page was made, links that expire, the port.
    text = re.sub(rb"\d\d:\d\d:\d\d", b"T", text)
    text = re.sub(rb"(exp=)\d+(&amp;sig=|&sig=)[^\"&]+", rb"\1E\2S", text)
    if path == "/metrics":
        text = b"\n".join(sorted({line.split(b" ")[0] for line in text.split(b"\n") if line[:1] != b"#"}))
    if path == "/health":
        text = b"\n".join(sorted(re.findall(rb'"[a-z_]+":', text)))
    kept = [(name, value) for name, value in head.items() if name not in ("date", "content-length")]
    return status, sorted(kept), text


def served(side, calls):
    """Answers of every kind of URL, in a fixed order."""
    server = subprocess.Popen(side.command("serve", "--listen", "127.0.0.1:0"), env=environment(side.now), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              cwd=side.root.parent)
    try:
        base, until = None, time.monotonic() + SERVED_SECONDS_MAX
        while base is None and time.monotonic() < until:
            found = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())
            base = found and found[0]
        browser = {"User-Agent": "Mozilla/5.0", "Accept": "text/html"}
        answers = {}
        for name, ids in calls.items():
            with_token = f"?token={TOKEN}"
            for extra in ("", "&lang=en", "&outcome=missed", "&days=all", "&from=2025-11-30&to=2025-12-02"):
                answers[f"list {name} {extra}"] = fetched(base, f"/calls/{name}{with_token}{extra}", browser)
            for unique_id in ids[:8]:
                for extra in ("", "&lang=en"):
                    path = f"/call/{name}/{unique_id}{with_token}{extra}"
                    answers[f"page {name} {unique_id} {extra}"] = fetched(base, path, browser)
                answers[f"trace {name} {unique_id}"] = fetched(base, f"/trace/{unique_id}?enterprise={name}")
        odd = ("/", "/robots.txt", "/health", "/metrics", "/openapi.json", "/nowhere", "/call/x/y", "/trace", "/log/x",
               "/search", "/search?phone=80290001234", "/calls/0367", "/call/0367/..%2f", "/calls/0367?token=wrong-token")
        for path in odd:
            answers[f"get {path}"] = fetched(base, path, browser)
            answers[f"program {path}"] = fetched(base, path, {"User-Agent": "curl/8"})
        for path in ("/log/event", "/log/http", "/log/sql", "/log/telegram", "/log/integration", "/search", "/"):
            for body in (b"{}", b"not json", json.dumps({"token": TOKEN, "uniqueId": "1.1", "event_type": "dial",
                                                         "enterprise_number": "0367", "unique_id": "1.1"}).encode()):
                sent = {"Content-Type": "application/json"}
                answers[f"post {path} {body[:9]}"] = fetched(base, path, sent, body)
        return answers
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
        server.stderr.close()


def seen(program, tree, now):
    """All output and files of a program over a tree, by question."""
    said = {}
    with Side(program, tree, now) as side:
        calls = calls_of(side)
        for words in questions(calls):
            said["calltrace " + " ".join(words)] = side.run(*words)
        for key, answer in served(side, calls).items():
            said["served " + key] = answer
        for words in (["rotate", "--mode", "archive", "--keep", "36500d"], ["index", "--rebuild"], ["index"], ["doctor"],
                      ["rotate", "--force", "--format", "json"]):
            said["writes: calltrace " + " ".join(words)] = side.run(*words)
        for name, content in side.files().items():
            said[f"file {name}"] = content
        for words in questions(calls):
            said["sealed: calltrace " + " ".join(words)] = side.run(*words)
    return said


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    old, new = (str(Path(program).resolve()) for program in sys.argv[1:3])
    trees = [(PROJECT / "tests/data/call_tracer", "2025-12-03T15:00:00Z"),
             (PROJECT / "tests/data/v0.1.0/call_tracer", "2026-11-30T12:00:00Z")]
    trees += [(Path(tree), "2025-12-03T15:00:00Z") for tree in sys.argv[3:]]
    asked = differ = 0
    for tree, now in trees:
        before, after = (seen(program, tree, now) for program in (old, new))
        asked += len(before)
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                differ += 1
                print(f"{tree.parent.name}/{tree.name}: {key} differs\n  {str(before.get(key))[:300]}\n  {str(after.get(key))[:300]}")
    print(f"{asked} compared, {differ} differ")
    sys.exit(differ > 0)


main()
