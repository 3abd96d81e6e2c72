"""Runs a program in a terminal of its own, and types at it.

drive.py COLUMNS ROWS STEPS PROGRAM ARGUMENTS...

STEPS is JSON: a list of [what to wait for in the output, what to do then]. To do is one of
  {"append": [path, text]}   {"type": text}   {"resize": [columns, rows]}
Prints JSON: the exit status and all output. Gives up after 20 seconds.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

COLUMNS, ROWS, STEPS, PROGRAM = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:]


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def do(terminal, step):
    for what, how in step.items():
        if what == "append":
            with open(how[0], "a", encoding="utf-8") as log:
                log.write(how[1])
        elif what == "type":
            os.write(terminal, how.encode())
        elif what == "resize":
            resize(terminal, *how)


def main():
    child, terminal = pty.fork()
    if child == 0:
        # time.sleep() waits for a point of the monotonic clock, which faketime gets wrong.
        select.select([], [], [], 0.1)
        os.execv(PROGRAM[0], PROGRAM)
    resize(terminal, COLUMNS, ROWS)
    output, fresh, steps = b"", b"", list(STEPS)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                got = os.read(terminal, 65536)
            except OSError:
                got = b""
            if not got:
                break
            output += got
            fresh += got
        if steps and steps[0][0].encode() in fresh:
            fresh = b""
            do(terminal, steps.pop(0)[1])
    else:
        os.kill(child, 9)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"status": status, "output": output.decode("utf-8", "replace"), "left": len(steps)}))


main()
