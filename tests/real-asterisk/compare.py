#!/usr/bin/env python3
"""calltrace against calls that a real Asterisk made.

  compare.py CALLTRACE FOLDER host|full|linked [--stretch FACTOR] [--systemname NAME] [SCENARIO...]

FOLDER has a folder per scenario: MODE.log is what a listener wrote, truth.json what happened: channels and
bridges of each call by Asterisk's Linkedid, what a person did ("expect"), and what Asterisk's events add
("strict", by judge.py). Of each call, for each of its ids: `trace` gives its lines and no other; the JSON says
what happened, to a second; `search` gives one row per call, with the same summary. Exit status 0 when nothing
differs. --stretch makes every pause that much longer or shorter, --systemname puts that name before every id,
as an Asterisk with a systemname does. What no line of a mode shows is not compared: see README.md."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone

TOLERANCE_MS = 1000
# People who dial into a conference one by one: a call each by Linkedid, one conversation by the bridge.
CONFERENCES = {'conference', 'conference_twice', 'page'}
# A playback has no event in any of the three modes: no record shows when the telephone stopped ringing.
NO_RING = {'voicemail'}
DIRECTIONS = {'in': 'incoming', 'out': 'outgoing', 'internal': 'internal'}


def uid_of(line):
    return line.split('|')[3]


def bridge_of(line):
    return json.loads(line.split('|', 4)[4]).get('BridgeUniqueid')


def time_of(line):
    moment = datetime.strptime(line[:23], '%Y-%m-%d %H:%M:%S,%f')
    return moment.replace(tzinfo=timezone.utc).timestamp()


def stretched(lines, factor):
    """The lines with every pause between records that much longer."""
    first = min(datetime.strptime(line[:23], '%Y-%m-%d %H:%M:%S,%f') for line in lines)

    def moved(line):
        at = datetime.strptime(line[:23], '%Y-%m-%d %H:%M:%S,%f')
        at = first + (at - first) * factor + timedelta(microseconds=500)
        return at.strftime('%Y-%m-%d %H:%M:%S,%f')[:23] + line[23:]
    return [moved(line) for line in lines]


def named(text, systemname, quote=''):
    """The text with the name before every id; a number that is no id stands without quotes in the truth."""
    return re.sub(quote + r'(?<![\w.-])(\d{10}\.\d+)\b', quote + systemname + r'-\1', text)


class Scenario:
    def __init__(self, args, name):
        self.tool, self.name, self.wrong, self.traces = args.calltrace, name, [], 0
        self.stretch = args.stretch
        with open(f'{args.folder}/{name}/truth.json') as file:
            truth = file.read()
        with open(f'{args.folder}/{name}/{args.mode}.log') as file:
            text = file.read()
        self.first = time_of(text)
        if args.systemname:
            truth, text = named(truth, args.systemname, '"'), named(text, args.systemname)
        self.truth = json.loads(truth)
        self.lines = text.split('\n')[:-1]
        if self.stretch != 1:
            self.lines = stretched(self.lines, self.stretch)
        self.root = tempfile.mkdtemp()
        os.makedirs(f'{self.root}/0367')
        with open(f'{self.root}/0367/events.log', 'w') as file:
            file.write(''.join(line + '\n' for line in self.lines))

    def ask(self, *args):
        command = [self.tool, '--root', self.root, '--tz', 'UTC', *args]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def own(self, call):
        return [line for line in self.lines
                if uid_of(line) in call['channels'] or not uid_of(line) and bridge_of(line) in call['bridges']]

    def compare(self):
        calls = [call for call in self.truth['calls'] if self.own(call)]
        rows = [json.loads(row) for row in self.ask('search', '0367', '--limit', '0', '--format', 'ndjson').splitlines()]
        rows = {row['unique_id']: row for row in rows if row.get('unique_id')}
        wanted = self.truth.get('rows', len(calls))
        if self.name in CONFERENCES:
            return
        if len(rows) != wanted:
            self.wrong.append(f'search: {len(rows)} rows, {wanted} calls')
        for at, call in enumerate(self.truth['calls']):
            own = self.own(call)
            if not own:
                continue
            for uid in sorted({uid_of(line) for line in own} - {''}):
                self.compare_lines(uid, own)
            expect = self.truth.get('expect', [])[at:at + 1]
            strict = self.truth.get('strict', [])[at:at + 1]
            if expect and strict:
                first = next(uid_of(line) for line in own if uid_of(line))
                said = json.loads(self.ask('trace', '0367', first, '--format', 'json') or '{}')
                self.compare_summary(said, rows, expect[0], strict[0], own)

    def compare_lines(self, uid, own):
        got = self.ask('trace', '0367', uid, '--format', 'raw').split('\n')[:-1]
        # The bridge of a parking lot belongs to no single call.
        lost = [line for line in own if line not in got and uid_of(line)]
        foreign = [line for line in got if line not in own and uid_of(line)]
        self.traces += 1
        if lost or foreign:
            self.wrong.append(f'trace {uid}: {len(lost)} lines missing, {len(foreign)} foreign')

    def compare_summary(self, said, rows, expect, strict, own):
        call = said.get('call', {})
        pairs = [
            ('direction', DIRECTIONS.get(call.get('direction')), expect['direction']),
            ('client', call.get('client'), expect['client']),
            ('result', call.get('result'), strict['result']),
            ('transfers', [(t['kind'], t['result'], t['to']) for t in call.get('handed_on', [])],
             [(t['kind'], t['result'], t['to']) for t in strict['transfers']]),
        ]
        # A caller who gives up while a further telephone rings leaves no bridge.
        rings = any(transfer['result'] == 'not_answered' for transfer in strict['transfers'])
        if strict['hung_up'] and strict['result'] == 'answered':
            pairs.append(('hung_up_by', call.get('hung_up_by'), None if rings else strict['hung_up']))
        if expect['answered_by']:
            pairs.append(('answered_by', call.get('answered_by'), expect['answered_by']))
        if expect['direction'] == 'outgoing':
            pairs.append(('answered_by', call.get('answered_by'), None))
        if expect['transferred_to'] is not None:
            pairs.append(('transferred_to', call.get('transferred_to'), expect['transferred_to']))
        for what, got, want in pairs:
            if got != want:
                self.wrong.append(f'{what} {got}, was {want}')
        lasting = {'talk': strict['talk'], 'hold': strict['hold']}
        if self.name not in NO_RING:
            lasting['ring'] = expect['ring']
        if strict['answered_at'] is not None:
            # Answered at the same share of the stretched time.
            answered_at = self.first + (strict['answered_at'] - self.first) * self.stretch
            lasting['wait'] = (answered_at - time_of(own[0])) / self.stretch
        for what, want in lasting.items():
            got = call.get(what + '_ms')
            # The truth that a person noted is exact to a second, and so is the tolerance.
            slack = TOLERANCE_MS * (1.6 if what == 'ring' else 1) * max(1, self.stretch)
            if want is not None and (got is None or abs(got - want * 1000 * self.stretch) > slack):
                self.wrong.append(f'{what} {got} ms, was {want} s')
        rung = {p['number']: [r['outcome'] for r in p['ringing']] for p in call.get('participants', []) if p['ringing']}
        for phone, outcome in strict['phones'].items():
            # A host may log no dial for a telephone that was rung by a Local channel.
            if phone in rung and outcome and (outcome == 'answered') != ('answered' in rung[phone]):
                self.wrong.append(f'{phone} rang: {rung[phone]}, was {outcome}')
        row = rows.get(said.get('unique_id'))
        if row is None:
            self.wrong.append(f"search: no row of {said.get('unique_id')}")
        else:
            differs = sorted(key for key in call if row.get(key) != call[key])
            self.wrong.extend(f'search says {key} {row.get(key)}, trace {call[key]}' for key in differs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('calltrace', type=os.path.abspath)
    parser.add_argument('folder')
    parser.add_argument('mode', choices=('host', 'full', 'linked'))
    parser.add_argument('--stretch', type=float, default=1)
    parser.add_argument('--systemname', default='')
    parser.add_argument('scenarios', nargs='*')
    args = parser.parse_args()
    mode = args.mode
    names = args.scenarios or sorted(n for n in os.listdir(args.folder) if os.path.exists(f'{args.folder}/{n}/{mode}.log'))
    traces, wrong = 0, 0
    for name in names:
        scenario = Scenario(args, name)
        try:
            scenario.compare()
        finally:
            shutil.rmtree(scenario.root)
        traces += scenario.traces
        if scenario.wrong:
            wrong += 1
            print(f"{name}: {scenario.truth.get('note', '')}")
            print(''.join(f'    {what}\n' for what in scenario.wrong), end='')
    print(f'{mode}: {len(names)} scenarios, {traces} traces, {wrong} scenarios wrong')
    return 1 if wrong else 0


sys.exit(main())
