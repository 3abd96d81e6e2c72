#!/usr/bin/env python3
"""Works out the statistics of a generated tree from its truth, without any code of calltrace.

    check.py ROOT ZONE_HOURS NOW WITHIN_MINUTES

ROOT is the tree, ROOT.truth says which lines make up which call (tests/support/src/generator/truth.rs). Hours and days
are those of a zone ZONE_HOURS ahead of UTC; NOW is the time of day, in RFC 3339. Prints one JSON document with the
figures that `calltrace stats --format json` prints under the same names, as far as they are compared.

What a call is, the truth says; how it went is worked out here from its lines: who is in which bridge when.
"""

import collections
import datetime
import functools
import gzip
import json
import math
import pathlib
import re
import sys

UTC = datetime.timezone.utc


def millis(text):
    at = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC)
    return round((at - datetime.datetime.fromtimestamp(0, UTC)) / datetime.timedelta(milliseconds=1))


@functools.cache
def content(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines_of(root, enterprise, column):
    for group in column.split(";"):
        name, spans = group.split(":", 1)
        text = content(root / enterprise / name)
        for span in spans.split(","):
            offset, length = map(int, span.split("+"))
            yield text[offset:offset + length].decode("utf-8", "replace")


def digits(number):
    number = number.lstrip("+-")
    return number if number.isdigit() else ""


def same_client(number):
    """The one way to write a number of Belarus or Russia; None if it is no outside number."""
    number = digits(number)
    if len(number) < 7:
        return None
    for prefix, length, country in (("810", None, ""), ("00", None, ""), ("80", 11, "375"), ("8", 11, "7"), ("0", 10, "")):
        if number.startswith(prefix) and (len(number) == length or length is None and len(number) >= len(prefix) + 10):
            return country + number[len(prefix):]
    return number


class Call:
    def __init__(self, enterprise, main, texts):
        self.enterprise = enterprise
        self.main = main
        self.asterisk, self.telegram, self.http = [], [], []
        for text in texts:
            at, kind, rest = text.split("|", 2)
            at = millis(at)
            if kind == "AST":
                event, uid, body = rest.split("|", 2)
                self.asterisk.append((at, event, uid, json.loads(body)))
            elif kind == "TG":
                action, chat, _, message, _ = rest.split("|", 4)
                self.telegram.append((at, action, chat, message))
            elif kind == "HTTP":
                # The address may hold a pipe; the status stands directly before the first body.
                url, status = re.match(r"[^|]*\|[^|]*\|(.*?)\|([^|{]*)\|\{", rest).groups()
                self.http.append((url, status))
            elif kind != "SQL":
                # Older hosts write it without its kind.
                uid, body = rest.split("|", 1)
                self.asterisk.append((at, kind, uid, json.loads(body)))
            self.first = min(getattr(self, "first", at), at)
        self.own = [(at, event, body) for at, event, uid, body in self.asterisk
                    if uid == main and event in ("start", "dial", "hangup")]
        self.trunk = next((body["Trunk"] for _, _, _, body in self.asterisk if body.get("Trunk")), "")
        self.direction = self.which_way()
        phones = [digits(body["Phone"]) for _, _, body in self.own if digits(body.get("Phone", ""))]
        self.client = phones[0] if phones else ""
        if not phones and self.direction != "internal":
            shown = [digits(body.get(key, "")) for _, _, _, body in self.asterisk for key in ("CallerIDNum", "ConnectedLineNum")]
            self.client = next((number for number in shown if len(number) >= 7), "")
        self.rang = []
        for wanted in ("dial", "hangup"):
            for _, event, body in self.own:
                if event == wanted:
                    for extension in body.get("Extensions", []):
                        for one in extension.split("&"):
                            if one and one not in self.rang:
                                self.rang.append(one)
            if self.rang:
                break
        self.replay()

    def which_way(self):
        if self.main.startswith("test_"):
            return "unknown"
        over_a_line = any(body.get("Trunk") for _, _, body in self.own)
        short = [len(digits(body.get("Phone", ""))) < 7 and all(len(digits(e)) < 7 for e in body.get("Extensions", []))
                 for _, _, body in self.own if body.get("Phone")]
        if not over_a_line and any(short):
            return "internal"
        types = [str(body["CallType"]) for _, _, body in self.own if "CallType" in body]
        return {"0": "in", "1": "out", "2": "internal"}.get(types[0] if types else "", "unknown")

    def replay(self):
        """The person whom the client hears, from the bridges."""
        number, pair, place = {}, {}, {}
        meets, intervals, hears = False, [], None
        client_uid = self.main
        if self.direction in ("out", "unknown"):
            for _, event, uid, body in self.asterisk:
                extension = re.match(r"\w+/\d{1,6}-", body.get("Channel", ""))
                if event == "bridge" and not extension and not body["Channel"].startswith("Local/") \
                        and digits(body.get("CallerIDNum", "")) == self.client and self.client:
                    client_uid = uid
                    break
        events = [event for event in self.asterisk if event[1] in ("bridge", "bridge_leave")]
        for _, _, uid, body in events:
            channel = body["Channel"]
            if channel.startswith("Local/"):
                pair[uid] = channel.rsplit(";", 1)[0]
            else:
                number[uid] = self.person(channel, body)

        def heard(one_room):
            """Numbers in the rooms that the client's room is connected with over Local channels."""
            if client_uid not in place:
                return frozenset()
            rooms, grown = {place[client_uid]}, True
            while grown:
                grown = False
                stems = {pair[uid] for uid, room in place.items() if uid in pair and room in rooms}
                for uid, room in place.items():
                    if room not in rooms and (one_room or pair.get(uid) in stems):
                        rooms.add(room)
                        grown = True
            return frozenset(number[uid] for uid, room in place.items()
                             if room in rooms and uid in number and uid != client_uid)

        for one_room in (False, True):
            place.clear()
            intervals, hears = [], None
            for at, event, uid, body in events:
                if event == "bridge":
                    place[uid] = body["BridgeUniqueid"]
                elif place.get(uid) == body["BridgeUniqueid"]:
                    del place[uid]
                now = heard(one_room)
                if now and hears is None:
                    hears = [at, now]
                elif not now and hears is not None:
                    intervals.append((hears[0], at, hears[1]))
                    hears = None
            if intervals or hears:
                break
        hangups = [(at, body) for at, event, body in self.own if event == "hangup"]
        last_hangup = max((at for at, event, _, _ in self.asterisk if event == "hangup"), default=None)
        self.talk = self.hold = None
        if hears is not None and last_hangup is not None:
            intervals.append((hears[0], last_hangup, hears[1]))
        if intervals:
            self.talk = sum(to - start for start, to, _ in intervals)
            gaps = [after[0] - before[1] for before, after in zip(intervals, intervals[1:])]
            self.hold = sum(gap for gap in gaps if gap >= 500)
            self.talk += sum(gap for gap in gaps if gap < 500)
            # The two leave one after the other, and talk until the second has.
            parting = max((at for at, event, _, _ in events if event == "bridge_leave"), default=0) - intervals[-1][1]
            self.talk += parting if 0 < parting <= 1000 else 0
        begin = intervals[0][0] if intervals else hears[0] if hears else None
        answered = begin is not None or any(body.get("CallStatus") == "2" for _, body in hangups)
        ended = bool(hangups) or bool(intervals) and hears is None
        if answered:
            self.outcome = "answered"
        elif not ended:
            self.outcome = "unknown"
        elif self.direction == "in":
            self.outcome = "missed"
        else:
            self.outcome = "not_reached"
        end = begin if answered else hangups[-1][0] if hangups else None
        start = self.asterisk[0][0] if self.asterisk else None
        self.wait = end - start if end is not None and start is not None and end >= start else None
        self.answered_by = None
        if answered and self.direction != "out":
            who = intervals[0][2] if intervals else hears[1] if hears else ()
            self.answered_by = min(who) if who else self.rang[0]

    @staticmethod
    def person(channel, body):
        extension = re.match(r"\w+/(\d{1,6})-", channel)
        return extension.group(1) if extension else digits(body.get("CallerIDNum", ""))

    def persons(self):
        if self.direction == "internal":
            return [self.client]
        if self.direction != "out" and self.answered_by is not None:
            return [self.answered_by]
        return self.rang or [""]

    def message_lags(self):
        both = [(at, 0, None) for at, *_ in self.asterisk] + [(at, 1, action) for at, action, *_ in self.telegram]
        event, lags = None, []
        for at, is_message, action in sorted(both, key=lambda each: each[:2]):
            if not is_message:
                event = at
            elif action in ("send", "edit") and event is not None:
                lags.append(at - event)
        return lags

    def standing(self):
        sent = [(chat, message) for _, action, chat, message in self.telegram if action == "send"]
        gone = {(chat, message) for _, action, chat, message in self.telegram if action == "delete"}
        return sum(message not in gone or message[1] == "None" for message in sent)


def has_failed(status):
    return not re.fullmatch("[123][0-9][0-9]", status)


def spread(values):
    values = sorted(values)
    if not values:
        return None
    rank = lambda percent: values[math.ceil(percent * len(values) / 100) - 1]
    return {"count": len(values), "p50": rank(50), "p90": rank(90), "p95": rank(95), "max": values[-1]}


def figures(calls, fates):
    results = collections.Counter(call.outcome for call in calls)
    requests = [status for call in calls for _, status in call.http]
    fate = collections.Counter(fates[id(call)] for call in calls if call.outcome == "missed")
    return {
        "calls": len(calls),
        "results": {name: results[name] for name in ("answered", "missed", "not_reached", "busy", "in_progress", "unknown")},
        "called_back": fate["reached"] + fate["tried"],
        "rang_again_answered": fate["rang_again_answered"],
        "not_returned": fate["not_returned"],
        "wait_ms": spread([call.wait for call in calls if call.direction == "in" and call.wait is not None]),
        "talk_ms": spread([call.talk for call in calls if call.talk is not None]),
        "hold_ms": spread([call.hold for call in calls if call.hold is not None and call.hold >= 1000]),
        "message_lag_ms": spread([lag for call in calls for lag in call.message_lags()]),
        "messages_standing": sum(call.standing() for call in calls),
        "http_requests": len(requests),
        "http_failed": sum(map(has_failed, requests)),
    }


def callbacks(calls, now, within):
    fates, after, by = {}, [], collections.Counter()
    for call in calls:
        if call.outcome != "missed":
            continue
        client = same_client(call.client)
        if client is None:
            fates[id(call)] = "anonymous"
            continue
        near = [other for other in calls
                if other.enterprise == call.enterprise and same_client(other.client) == client
                and call.first < other.first <= call.first + within]
        near.sort(key=lambda other: other.first)
        out = [other for other in near if other.direction == "out"]
        again = [other for other in near if other.direction == "in"]
        if out:
            fates[id(call)] = "reached" if out[0].outcome == "answered" else "tried"
            after.append(out[0].first - call.first)
            by[call.enterprise, (out[0].rang or [""])[0]] += 1
        elif any(other.outcome == "answered" for other in again):
            fates[id(call)] = "rang_again_answered"
        elif now - call.first < within:
            fates[id(call)] = "pending"
        else:
            fates[id(call)] = "not_returned"
    return fates, spread(after), by


def main():
    root, zone, now, within = sys.argv[1:]
    root, now = pathlib.Path(root), datetime.datetime.fromisoformat(now.replace("Z", "+00:00")).timestamp() * 1000
    within, zone = int(within) * 60_000, int(zone) * 3_600_000
    calls = []
    for truth in sorted(pathlib.Path(f"{root}.truth").glob("*.tsv")):
        for row in truth.read_text().splitlines():
            _, _, uids, _, column = row.split("\t")
            calls.append(Call(truth.stem, uids.split(",")[0], lines_of(root, truth.stem, column)))
    fates, after, by = callbacks(calls, now, within)
    local = lambda call: datetime.datetime.fromtimestamp((call.first + zone) / 1000, UTC)
    keys = {
        "hour": lambda call: [local(call).hour],
        "weekday": lambda call: [local(call).isoweekday()],
        "day": lambda call: [local(call).date().isoformat()],
        "person": lambda call: [f"{call.enterprise} {person}" for person in call.persons()],
        "line": lambda call: [f"{call.enterprise} {call.trunk}"],
        "client": lambda call: [f"{call.enterprise} {same_client(call.client) or call.client}"],
        "enterprise": lambda call: [call.enterprise],
    }
    groups = {}
    for name, key in keys.items():
        of = collections.defaultdict(list)
        for call in calls:
            for one in key(call):
                of[one].append(call)
        groups[name] = {str(one): figures(own, fates) for one, own in of.items()}
    fate = collections.Counter(fates.values())
    heat = {"calls": [[0] * 24 for _ in range(7)], "missed": [[0] * 24 for _ in range(7)]}
    for call in calls:
        at = local(call)
        heat["calls"][at.weekday()][at.hour] += 1
        heat["missed"][at.weekday()][at.hour] += call.outcome == "missed"
    hosts = collections.defaultdict(list)
    for call in calls:
        for url, status in call.http:
            hosts[url.split("/")[2]].append(status)
    json.dump({
        "total": figures(calls, fates),
        "groups": groups,
        "by_weekday_and_hour": heat,
        "callbacks": {
            "within_ms": within,
            "missed": len(fates),
            "called_back": fate["reached"] + fate["tried"],
            **{name: fate[name] for name in ("reached", "rang_again_answered", "not_returned", "pending", "anonymous")},
            "after_ms": after,
            "by": {f"{enterprise} {person}": count for (enterprise, person), count in by.items()},
        },
        "requests": {host: [len(all_of), sum(map(has_failed, all_of))] for host, all_of in hosts.items()},
    }, sys.stdout)


main()
