"""A writer of call_tracer lines as there are in the field, with CPython's own handlers.

writer.py KIND FOLDER WRITER LINES PAUSE_MS

Writes LINES lines to FOLDER/events.log, each with its number and WRITER's name, and waits PAUSE_MS
after every twentieth. KIND:
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

KIND, FOLDER, WRITER, LINES, PAUSE_MS = sys.argv[1:6]
PATH = os.path.join(FOLDER, "events.log")
DAY_SECONDS = 86_400


class OpensPerLine(logging.Handler):
    def emit(self, record):
        with open(PATH, "a", encoding="utf-8") as log:
            log.write(self.format(record) + "\n")


def run_the_clock_fast():
    begin = time.time()
    first_day = 1_735_689_600  # 2025-01-01
    real_time = time.time
    time.time = lambda: first_day + (real_time() - begin) * DAY_SECONDS


def make_handler():
    if KIND == "opens":
        return OpensPerLine()
    if KIND == "watched":
        return logging.handlers.WatchedFileHandler(PATH, encoding="utf-8")
    if KIND == "holds":
        return logging.FileHandler(PATH, encoding="utf-8")
    if KIND == "rotates":
        run_the_clock_fast()
        handler = logging.handlers.TimedRotatingFileHandler(
            PATH, when="midnight", interval=1, backupCount=0, encoding="utf-8", utc=True
        )
        handler.suffix = "%Y-%m-%d"
        return handler
    raise SystemExit(f"no such kind of writer: {KIND}")


def main():
    handler = make_handler()
    formatter = logging.Formatter("%(asctime)s|%(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger = logging.getLogger("call_tracer")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for number in range(int(LINES)):
        body = json.dumps({"writer": WRITER, "n": number, "Phone": "375290000000", "x": "ю" * (number % 90)}, ensure_ascii=False)
        logger.info(f"AST|new_callerid|{int(time.time())}.{number}|{body}")
        if number % 20 == 0:
            time.sleep(float(PAUSE_MS) / 1000)


main()
