//! Builds the steps that are part of a call: rings, answers, hold, transfers, the end.

use super::meetings::Meeting;
use super::{RungParty, Step, StepEvent};
use crate::call::channels::{endpoint, is_extension, party, same_party};
use crate::call::fact::{CallType, Event, Fact};
use crate::call::summary::{Direction, RingOutcome, Ringing, Summary};
use crate::call::talk::{SWAP_MILLIS, TalkSpan, Transfer, TransferResult};
use crate::record::{Stamp, text};

/// Telephones that begin to ring within this many milliseconds are rung together.
const TOGETHER_MILLIS: i64 = 1_500;

/// A call and the ringing that comes within this many milliseconds are one step.
const AT_ONCE_MILLIS: i64 = 2_500;

/// The party that hangs up leaves its bridge within this many milliseconds of the moment from which the other
/// hears no one.
const PARTING_MILLIS: i64 = 300;

/// The steps. They are not sorted by time.
pub(super) fn steps(facts: &[Fact], s: &Summary, meetings: &[Meeting]) -> Vec<Step> {
    let mut builder = StoryBuilder {
        facts,
        s,
        meetings,
        rung: vec![false; s.ringing.len()],
        callers: callers(facts, s),
        steps: Vec::new(),
    };
    builder.beginning();
    builder.talk();
    builder.other_rings();
    builder.consultations();
    builder.end();
    builder.steps
}

/// When the call ended; `None` while it has not ended.
pub(super) fn end(facts: &[Fact], s: &Summary) -> Option<Stamp> {
    let last_of = |events: &[Event]| {
        let of = facts.iter().rev().find(|f| events.contains(&f.event));
        of.map(|f| f.at)
    };
    let gone = last_of(&[Event::BridgeLeave, Event::BridgeDestroy, Event::Hangup]);
    gone.filter(|_| s.ended)
}

/// The time until which the client heard no one after the last person. The inner value is `None` while this
/// lasts; the outer value is `None` if the call ended with that person.
pub(super) fn waited_on(facts: &[Fact], s: &Summary) -> Option<Option<Stamp>> {
    let left = s.heard.last()?.to?;
    if !s.ended {
        return (!s.heard.is_empty()).then_some(None);
    }
    let mut known = s
        .heard
        .windows(2)
        .map(|pair| pair[1].from.since(pair[0].to.unwrap_or(pair[1].from)));
    let before: i64 = known.by_ref().filter(|gap| *gap > SWAP_MILLIS).sum();
    let rest = s.hold_millis? - before;
    (rest >= super::FELT_HOLD_MILLIS_MIN).then(|| {
        Some(
            left.plus_millis(rest)
                .min(end(facts, s).unwrap_or(left.plus_millis(rest))),
        )
    })
}

struct StoryBuilder<'c> {
    facts: &'c [Fact],
    s: &'c Summary,
    meetings: &'c [Meeting],
    /// Which of the ringings are in a step already.
    rung: Vec<bool>,
    /// For each ringing, which of our parties caused it; `None` if the call itself caused it.
    callers: Vec<Option<String>>,
    steps: Vec<Step>,
}

fn transferred(transfer: &Transfer) -> StepEvent {
    StepEvent::Transferred {
        kind: transfer.kind,
        result: transfer.result,
        by: transfer.by.clone(),
        to: transfer.to.clone(),
    }
}

impl StoryBuilder<'_> {
    fn push(&mut self, at: Stamp, event: StepEvent, records: Vec<usize>) {
        self.steps.push(Step { at, event, records });
    }

    /// The records of these events in a period, both ends inclusive.
    fn records(&self, from: Stamp, to: Stamp, events: &[Event]) -> Vec<usize> {
        let within = |f: &Fact| (from..=to).contains(&f.at) && events.contains(&f.event);
        let all = self.facts.iter().enumerate();
        all.filter(|(_, f)| within(f)).map(|(at, _)| at).collect()
    }

    /// Takes the ringings that begin in a period (both ends inclusive) and are in no step yet.
    fn take_rings(
        &mut self,
        from: Stamp,
        to: Stamp,
        wanted: impl Fn(usize, &Ringing) -> bool,
    ) -> Vec<RungParty> {
        let mut taken: Vec<RungParty> = Vec::new();
        for (at, (ringing, is_in_step)) in self.s.ringing.iter().zip(&mut self.rung).enumerate() {
            if !*is_in_step && (from..=to).contains(&ringing.from) && wanted(at, ringing) {
                *is_in_step = true;
                if !taken.iter().any(|known| known.party == ringing.party) {
                    taken.push(RungParty {
                        party: ringing.party.clone(),
                        outcome: ringing.outcome,
                    });
                }
            }
        }
        taken
    }

    fn beginning(&mut self) {
        let Some(first) = self.facts.iter().position(Fact::is_asterisk) else {
            return;
        };
        let at = self.facts[first].at;
        let until = at.plus_millis(AT_ONCE_MILLIS);
        let first_ring = self.s.ringing.iter().map(|ringing| ringing.from).min();
        // When ringing begins at once, the telephones that follow within a moment belong to the same step.
        let rings = match first_ring {
            Some(ring) if ring <= until => {
                let own: Vec<bool> = self.callers.iter().map(Option::is_none).collect();
                self.take_rings(at, ring.plus_millis(TOGETHER_MILLIS), |at, _| own[at])
            }
            _ => Vec::new(),
        };
        let from = match self.s.direction {
            Direction::Outgoing => self.s.rang.first().cloned().unwrap_or_default(),
            _ => self.s.client.clone(),
        };
        let event = StepEvent::Called {
            direction: self.s.direction,
            from,
            line: self.s.trunk.clone(),
            rings,
        };
        let mut records = self.records(at, until, &[Event::Start, Event::Dial]);
        if records.is_empty() {
            records.push(first);
        }
        self.push(at, event, records);
    }

    fn talk(&mut self) {
        let s = self.s;
        let Some(first) = s.heard.first() else { return };
        let entered = self.records(
            first.from.plus_millis(-SWAP_MILLIS),
            first.from,
            &[Event::Bridge],
        );
        let answered = match s.direction {
            Direction::Outgoing => vec![s.client.clone()],
            _ => first.with.clone(),
        };
        let event = StepEvent::Answered {
            by: answered,
            after: s.ring_millis,
        };
        self.push(first.from, event, entered);
        for pair in s.heard.windows(2) {
            self.change(&pair[0], &pair[1]);
        }
        let last = s.heard.last().unwrap_or(first);
        if let Some((left, until)) = last.to.zip(waited_on(self.facts, s)) {
            self.silence(last, left, until);
        }
        let given_up = s
            .handed_on
            .iter()
            .filter(|t| t.result == TransferResult::NotAnswered);
        for transfer in given_up {
            let at = end(self.facts, s).unwrap_or(transfer.at);
            let records = self.records(transfer.at, transfer.at, &[Event::Dial]);
            self.push(at, transferred(transfer), records);
        }
    }

    /// Adds the steps between one period of talk and the next.
    fn change(&mut self, before: &TalkSpan, after: &TalkSpan) {
        let left = before.to.unwrap_or(after.from);
        let gap = after.from.since(left);
        if gap > SWAP_MILLIS {
            self.silence(before, left, Some(after.from));
        }
        let entered = self.records(left.plus_millis(-SWAP_MILLIS), after.from, &[Event::Bridge]);
        let is_now = |t: &&Transfer| t.at == after.from && t.result != TransferResult::NotAnswered;
        if let Some(transfer) = self.s.handed_on.iter().find(is_now) {
            self.push(after.from, transferred(transfer), entered.clone());
            if transfer.result != TransferResult::Refused {
                return;
            }
        }
        let missing = |from: &[String], than: &[String]| -> Vec<String> {
            from.iter()
                .filter(|who| !than.contains(who))
                .cloned()
                .collect()
        };
        if gap > SWAP_MILLIS {
            let with = after.with.clone();
            self.push(after.from, StepEvent::Resumed { with }, entered);
            return;
        }
        let (joined, gone) = (
            missing(&after.with, &before.with),
            missing(&before.with, &after.with),
        );
        if !joined.is_empty() {
            self.push(after.from, StepEvent::Joined { who: joined }, entered);
        }
        if !gone.is_empty() {
            let records = self.records(left, after.from, &[Event::BridgeLeave, Event::Hangup]);
            self.push(after.from, StepEvent::Left { who: gone }, records);
        }
    }

    /// Adds the step in which the other side hears no one from `left` to `until`.
    fn silence(&mut self, before: &TalkSpan, left: Stamp, until: Option<Stamp>) {
        let to = until.unwrap_or(Stamp(i64::MAX));
        let lasted = until.map(|until| until.since(left));
        let by = before.with.clone();
        let followed = self.s.followed(self.facts);
        // A telephone may be asked to call another one a moment before it puts the other side on hold.
        let from = left.plus_millis(-TOGETHER_MILLIS);
        let is_own = |f: &Fact| f.uid() == followed || same_party(&text(f.phone()), &self.s.client);
        let dials: Vec<usize> = self.records(from, to, &[Event::Dial]);
        let mut targets: Vec<RungParty> = Vec::new();
        for dial in dials
            .iter()
            .map(|&at| &self.facts[at])
            .filter(|f| is_own(f))
        {
            let rings = self.take_rings(dial.at, dial.at, |_, _| true);
            // A party that was rung before is not a new ringing, but is still the target of the transfer.
            let again = dial
                .extensions()
                .map(text)
                .filter(|party| !rings.iter().any(|r| r.party == *party));
            let again = again.map(|party| RungParty {
                outcome: match self
                    .s
                    .heard
                    .iter()
                    .any(|h| h.from >= dial.at && h.with.contains(&party))
                {
                    true => RingOutcome::Answered,
                    false => RingOutcome::NotAnswered,
                },
                party,
            });
            let again: Vec<RungParty> = again.collect();
            targets.extend(
                rings
                    .into_iter()
                    .chain(again)
                    .filter(|r| !same_party(&r.party, &self.s.client)),
            );
        }
        let mut calls = self.take_rings(from, to, |_, _| true);
        // A host may log no dial of a consultation.
        for meeting in self
            .meetings
            .iter()
            .filter(|m| (left..=to).contains(&m.from))
        {
            let asked = before.with.iter().find_map(|by| meeting.other(by));
            if let Some(asked) = asked.filter(|asked| !calls.iter().any(|c| c.party == *asked)) {
                calls.push(RungParty {
                    party: asked.to_owned(),
                    outcome: RingOutcome::Answered,
                });
            }
        }
        let mut records = self.records(
            left,
            left.plus_millis(PARTING_MILLIS).min(to),
            &[Event::BridgeLeave],
        );
        records.extend(&dials);
        records.sort_unstable();
        records.dedup();
        // A party that transferred the other side and is then rung for it again, as after parking, is not the
        // target of the transfer.
        let (again, targets): (Vec<RungParty>, Vec<RungParty>) = targets
            .into_iter()
            .partition(|rung| before.with.contains(&rung.party));
        if let (false, Some(&dial)) = (again.is_empty(), dials.first()) {
            let rang = StepEvent::Rang {
                who: again,
                by: None,
            };
            self.push(self.facts[dial].at, rang, vec![dial]);
        }
        let to = targets;
        let event = match to.is_empty() {
            true => StepEvent::Held { by, calls, lasted },
            false => StepEvent::HandedOver { by, to, lasted },
        };
        self.push(left, event, records);
    }

    /// Adds the ringings that are in no other step: those of a queue, of one telephone after the other, or
    /// after a greeting.
    fn other_rings(&mut self) {
        while let Some(next) = self.rung.iter().position(|is_in_step| !is_in_step) {
            let at = self.s.ringing[next].from;
            let until = at.plus_millis(TOGETHER_MILLIS);
            let callers = self.callers.clone();
            let by = callers[next].clone();
            let who = self.take_rings(at, until, |other, _| callers[other] == by);
            let records = self.records(at, until, &[Event::Dial]);
            self.push(at, StepEvent::Rang { who, by }, records);
        }
    }

    fn consultations(&mut self) {
        for meeting in self.meetings {
            // When two parties talk before the other side hears anyone, or after it has left, neither was
            // heard before. They still get a step.
            let heard = self
                .s
                .heard
                .iter()
                .rev()
                .find(|heard| heard.from <= meeting.from);
            let by = heard.and_then(|heard| {
                let is_one = |who: &&String| meeting.other(who).is_some();
                heard.with.iter().find(is_one)
            });
            let by = by.unwrap_or(&meeting.pair.0);
            let with = meeting.other(by).unwrap_or(&meeting.pair.1).to_owned();
            let lasted = meeting.to.map(|to| to.since(meeting.from));
            if lasted.is_some_and(|lasted| lasted < SWAP_MILLIS) {
                continue;
            }
            let event = StepEvent::Consulted {
                by: by.clone(),
                with,
                lasted,
            };
            let from = meeting.from.plus_millis(-SWAP_MILLIS);
            let records = self.records(from, meeting.from, &[Event::Bridge]);
            self.push(meeting.from, event, records);
        }
    }

    fn end(&mut self) {
        let s = self.s;
        let Some(last) = self.facts.iter().rposition(Fact::is_asterisk) else {
            return;
        };
        let Some(at) = end(self.facts, s) else {
            let event = StepEvent::Unfinished { outcome: s.outcome };
            self.push(self.facts[last].at, event, vec![last]);
            return;
        };
        let left = s.heard.last().and_then(|heard| heard.to);
        let waited_on = waited_on(self.facts, s).is_some();
        let event = StepEvent::Ended {
            by: left
                .filter(|_| !waited_on)
                .and_then(|left| self.hung_up(left))
                .filter(|by| !by.is_empty()),
            outcome: s.outcome,
            talked: s.talk_millis,
            held: super::felt_hold(s),
            waited: s.wait_millis,
        };
        // A party that hangs up has left at once; the script may log the hangup seconds later.
        let shown = left.filter(|_| !waited_on).unwrap_or(at).min(at);
        let records = self.records(shown, at, &[Event::BridgeLeave, Event::Hangup]);
        self.push(shown, event, records);
    }

    /// Who left first when the last talk ended, at `left`.
    fn hung_up(&self, left: Stamp) -> Option<String> {
        let until = left.plus_millis(PARTING_MILLIS);
        let mut leaving = self.facts.iter().filter(|f| {
            f.event == Event::BridgeLeave && !f.holding && (left..=until).contains(&f.at)
        });
        let followed = self.s.followed(self.facts);
        // If a prefix hides the client's number, the caller's channel is followed.
        let is_ours = |f: &Fact| {
            self.s.direction == Direction::Outgoing && is_extension(endpoint(f.channel()))
        };
        leaving.find_map(|f| match f.uid() == followed && !is_ours(f) {
            true => Some(self.s.client.clone()),
            false => party(f.channel(), f.caller()),
        })
    }
}

fn callers(facts: &[Fact], s: &Summary) -> Vec<Option<String>> {
    let internal = |f: &&Fact| f.event == Event::Dial && f.call_type == Some(CallType::Internal);
    let dials: Vec<&Fact> = facts.iter().filter(internal).collect();
    let caller = |ringing: &Ringing| {
        let dial = dials.iter().find(|f| {
            f.at == ringing.from && f.extensions().any(|e| e == ringing.party.as_bytes())
        })?;
        let by = text(dial.phone());
        let is_call =
            by.is_empty() || same_party(&by, &s.client) || dial.uid() == s.main_uid.as_bytes();
        (!is_call).then_some(by)
    };
    s.ringing.iter().map(caller).collect()
}
