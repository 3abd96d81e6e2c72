"""A writer of call_tracer lines as there are in the field, with CPython's own handlers.

writer.py KIND FOLDER WRITER LINES PAUSE_MS START

Writes LINES lines to FOLDER/events.log, each with its number, WRITER's name and the milliseconds
of the system's monotonic clock, and waits PAUSE_MS after every twentieth. Its time of day begins
at START (seconds of Unix time). KIND:
  opens    opens the file anew for each line
  watched  WatchedFileHandler: opens it anew when it has moved
  holds    FileHandler: keeps it open for ever
  rotates  TimedRotatingFileHandler, as the first version of the field's own code; a day takes a
           second, so that it rotates while the test runs
"""

import json
import logging
import logging.handlers
import os
import sys
import time

KIND, FOLDER, WRITER, LINES, PAUSE_MS, START = sys.argv[1:7]
PATH = os.path.join(FOLDER, "events.log")
DAY_SECONDS = 86_400


class OpensPerLine(logging.Handler):
    def emit(self, record):
        with open(PATH, "a", encoding="utf-8") as log:
            log.write(self.format(record) + "\n")


def set_the_clock(seconds_per_second=1):
    begin = time.monotonic()
    time.time = lambda: float(START) + (time.monotonic() - begin) * seconds_per_second
    # Python 3.13 takes the time of a record from here.
    time.time_ns = lambda: int(time.time() * 1_000_000_000)


def make_handler():
    if KIND == "opens":
        return OpensPerLine()
    if KIND == "watched":
        return logging.handlers.WatchedFileHandler(PATH, encoding="utf-8")
    if KIND == "holds":
        return logging.FileHandler(PATH, encoding="utf-8")
    if KIND == "rotates":
        set_the_clock(DAY_SECONDS)
        handler = logging.handlers.TimedRotatingFileHandler(
            PATH, when="midnight", interval=1, backupCount=0, encoding="utf-8", utc=True
        )
        handler.suffix = "%Y-%m-%d"
        return handler
    raise SystemExit(f"no such kind of writer: {KIND}")


def main():
    set_the_clock()
    handler = make_handler()
    formatter = logging.Formatter("%(asctime)s|%(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger = logging.getLogger("call_tracer")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for number in range(int(LINES)):
        body = json.dumps({"writer": WRITER, "n": number, "mono_ms": time.monotonic_ns() // 1_000_000, "Phone": "375290000000", "x": "ю" * (number % 90)}, ensure_ascii=False)
        logger.info(f"AST|new_callerid|{int(time.time())}.{number}|{body}")
        if number % 20 == 0:
            time.sleep(float(PAUSE_MS) / 1000)


main()
