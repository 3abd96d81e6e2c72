"""A writer of call_tracer lines that opens the file, writes one line and closes it, as fast as it can.

sudden.py FOLDER WRITER LINES
"""

import sys

FOLDER, WRITER, LINES = sys.argv[1:4]

for number in range(int(LINES)):
    with open(f"{FOLDER}/events.log", "a", encoding="utf-8") as log:
        log.write(
            f"2025-12-02 09:15:00,000|AST|dial|1764666900.{number}|"
            f'{{"Token": "375290000000", "w": "{WRITER}", "n": {number}}}\n'
        )
