#!/usr/bin/env python3
"""Turns what the rig captured into the folders that compare.py and judge.py read.

  collect.py CAPTURES FOLDER      FOLDER/SCENARIO/{host,full,linked}.log, ami.jsonl.gz, truth.json"""
import gzip
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mapper import remap  # noqa: E402


def main():
    captures, folder = sys.argv[1:3]
    for name in sorted(os.listdir(captures)):
        events = f'{captures}/{name}/ami.jsonl'
        if not os.path.exists(events):
            continue
        os.makedirs(f'{folder}/{name}', exist_ok=True)
        for mode in ('host', 'full', 'linked'):
            with open(f'{folder}/{name}/{mode}.log', 'w', encoding='utf-8') as file:
                file.writelines(remap(events, mode))
        # Without a time in its head, so that the same events give the same bytes.
        with open(events, 'rb') as plain, gzip.GzipFile(f'{folder}/{name}/ami.jsonl.gz', 'wb', mtime=0) as packed:
            shutil.copyfileobj(plain, packed)
        with open(f'{captures}/{name}/truth.json', encoding='utf-8') as file:
            truth = json.load(file)
        kept = {key: truth[key] for key in ('calls', 'note', 'expect') if key in truth}
        with open(f'{folder}/{name}/truth.json', 'w', encoding='utf-8') as file:
            json.dump(kept, file, ensure_ascii=False, indent=1)


main()
