#!/usr/bin/env python3
"""Extends truth.json by what Asterisk's own events (ami.jsonl.gz) say about each call.

  judge.py FOLDER        every scenario of FOLDER; writes "strict" into its truth.json

It shares no code with calltrace. For each call under "expect" it adds: when a person was reached, talk and hold in
seconds (hold is the time without a partner, as bridges show it), the transfers with kind and result, how each phone's ringing
ended, and who hung up. A result is one of answered, missed, not_reached."""
import gzip
import json
import os
import sys

SWAP = 0.5  # a channel between two bridges is heard by no one for less than this (seconds)
PARTING = 1.0  # the channels of a call are gone within this of its last word (seconds)


def number_of(channel, caller):
    """The participant behind a channel; nothing for a Local channel."""
    technology, _, rest = channel.partition('/')
    if technology == 'Local':
        return None
    name = rest.rsplit('-', 1)[0]
    return name if name.isdigit() and len(name) <= 5 else (caller or name)


class Call:
    def __init__(self, events, channels, client, direction):
        self.events = [e for e in events if self.touches(e[1], channels)]
        self.channels = channels
        self.client = client
        self.direction = direction
        self.names = {}
        self.callers = {}
        self.partner = {}
        self.bridge = {}
        self.holding = set()
        self.met = []
        self.heard = []  # [from, to, who]
        self.rings = []
        self.transfers = []
        self.requests = []  # who asked to hang up, and when
        self.dialled = []  # whom the followed channel rang, and when
        self.gone = None

    @staticmethod
    def touches(event, channels):
        return any(event.get(key) in channels for key in ('Uniqueid', 'DestUniqueid', 'LocalOneUniqueid'))

    def followed(self):
        """The channel of "the other side"."""
        made = [e['Uniqueid'] for _, e in self.events if e['Event'] == 'Newchannel' and e['Uniqueid'] in self.channels]
        if self.direction != 'outgoing':
            return made[0] if made else None
        entered = [e['Uniqueid'] for _, e in self.events if e['Event'] == 'BridgeEnter']
        for uid in entered + made:
            name = self.names.get(uid, '')
            if not name.startswith('Local/') and self.person(uid) == self.client:
                return uid
        # A line with a name shows the caller's number on its channel, not the number that was called.
        lines = [uid for uid in entered if self.person(uid) and not self.is_extension(uid)]
        return lines[0] if lines else None

    def is_extension(self, uid):
        name = self.names.get(uid, '').partition('/')[2].rsplit('-', 1)[0]
        return name.isdigit() and len(name) <= 5

    def person(self, uid):
        return number_of(self.names.get(uid, ''), self.callers.get(uid))

    def others(self, uid):
        """Who is connected: through bridges, and through Local channels into further ones."""
        reached, found = [uid], []
        for at in reached:
            for other in list(self.bridge) + ([self.partner[at]] if at in self.partner else []):
                together = self.bridge.get(at) is not None and self.bridge.get(at) == self.bridge.get(other)
                if other not in reached and (together or self.partner.get(at) == other):
                    reached.append(other)
                    who = self.person(other)
                    found += [who] if who else []
        return sorted({who for who in found if who != self.client})

    def run(self):
        for _, e in self.events:
            if 'Channel' in e and e.get('Uniqueid'):
                self.names[e['Uniqueid']] = e['Channel']
                caller = e.get('CallerIDNum', '').lstrip('+')
                if caller.isdigit():
                    self.callers.setdefault(e['Uniqueid'], caller)
            if e.get('DestUniqueid'):
                self.names.setdefault(e['DestUniqueid'], e.get('DestChannel', ''))
            if e['Event'] == 'LocalBridge':
                a, b = e['LocalOneUniqueid'], e['LocalTwoUniqueid']
                self.partner[a], self.partner[b] = b, a
        followed = self.followed()
        before_gap = 0
        for at, e in self.events:
            name, uid = e['Event'], e.get('Uniqueid')
            if name == 'BridgeEnter':
                held = e.get('BridgeTechnology') == 'holding_bridge'
                self.bridge[uid] = None if held else e['BridgeUniqueid']
            elif name == 'BridgeLeave' and self.bridge.get(uid) == e['BridgeUniqueid']:
                self.bridge[uid] = None
            elif name == 'Hangup':
                self.bridge.pop(uid, None)
                if uid == followed:
                    self.gone = at
            elif name == 'DialBegin':
                who = number_of(e.get('DestChannel', ''), e.get('DestCallerIDNum'))
                if who and uid == followed:
                    self.dialled.append((at, who))
                if who:
                    self.rings.append([e.get('DestUniqueid'), who, at, None])
            elif name == 'DialEnd':
                for ring in self.rings:
                    if ring[0] == e.get('DestUniqueid') and ring[3] is None:
                        ring[3] = 'answered' if e.get('DialStatus') == 'ANSWER' else 'not_answered'
            elif name == 'HangupRequest' and self.person(uid):
                self.requests.append((at, self.person(uid)))
            if name in ('BridgeEnter', 'BridgeLeave', 'Hangup'):
                for channel in self.bridge:
                    who = self.person(channel)
                    if who and channel != followed and self.bridge[channel] is not None:
                        self.met += [(who, other) for other in self.others(channel) if (who, other) not in self.met]
                now = self.others(followed) if self.bridge.get(followed) is not None else []
                before_gap = self.change(at, now, before_gap)
        return self.summary()

    def change(self, at, now, before_gap):
        last = self.heard[-1] if self.heard else None
        if last and last[1] is None:
            if last[2] == now:
                return before_gap
            last[1] = at
            before_gap = len(self.met)
        if not now:
            return before_gap
        if last and not set(last[2]) & set(now):
            kind = 'attended' if any(a in last[2] and b in now for a, b in self.met) else 'blind'
            self.transfers.append({'kind': kind, 'result': 'completed', 'to': now[0]})
        elif last and at - last[1] > SWAP:
            fresh = [b for a, b in self.met[before_gap:] if a in last[2] and b not in last[2]]
            if fresh:
                self.transfers.append({'kind': 'attended', 'result': 'refused', 'to': fresh[0]})
        if last and last[2] == now and at - last[1] <= SWAP:
            last[1] = None
        else:
            self.heard.append([at, None, now])
        return before_gap

    def summary(self):
        out = {'answered_at': None, 'talk': None, 'hold': None, 'transfers': self.transfers}
        if self.heard:
            talk = hold = 0
            end = self.heard[0][0]
            last_at = self.events[-1][0]
            for begin, to, _ in self.heard:
                gap = begin - end
                talk, hold = (talk, hold + gap) if gap > SWAP else (talk + gap, hold)
                end = to or last_at
                talk += end - begin
            rest = (self.gone or end) - end
            hold += rest if rest > PARTING else 0
            # Times of day: how long the wait was depends on the first line that a listener logs.
            late = [who for at, who in self.dialled if at >= end]
            if late:
                self.transfers.append({'kind': 'blind', 'result': 'not_answered', 'to': late[0]})
            out.update(answered_at=round(self.heard[0][0], 3), talk=round(talk, 3), hold=round(hold, 3))
            out['result'] = 'answered'
        else:
            out['result'] = 'missed' if self.direction == 'incoming' else 'not_reached'
        phones = {}
        for _, who, _, outcome in self.rings:
            if phones.get(who) != 'answered':
                phones[who] = outcome
        out['phones'] = phones
        spoke = self.heard[-1][0] if self.heard else 0
        ended = [who for at, who in self.requests if at >= spoke]
        out['hung_up'] = ended[0] if ended else None
        return out


def main():
    folder = sys.argv[1]
    for name in sorted(os.listdir(folder)):
        events = f'{folder}/{name}/ami.jsonl.gz'
        if not os.path.exists(events):
            continue
        with gzip.open(events, 'rt') as lines:
            records = [(e['t'], e['e']) for e in map(json.loads, lines) if 'Event' in e.get('e', {})]
        path = f'{folder}/{name}/truth.json'
        with open(path) as file:
            truth = json.load(file)
        strict = []
        for call, expect in zip(truth['calls'], truth.get('expect', [])):
            strict.append(Call(records, set(call['channels']), expect['client'], expect['direction']).run())
        truth['strict'] = strict
        with open(path, 'w') as file:
            json.dump(truth, file, ensure_ascii=False, indent=1)
            file.write('\n')


main()
