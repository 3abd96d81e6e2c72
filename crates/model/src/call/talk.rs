//! Replays the events of a call to find who heard whom, and when.
//!
//! People ask who talked to whom, not which bridges there were. So the halves of a Local channel count as
//! one, and bridges that they connect count as one conversation. What a channel hears is a set of
//! participants (numbers and extensions, never channels). A holding bridge connects no one.

use super::channels::{
    Channel, PartyPair, endpoint, follow, is_extension, may_move, note_meetings, party, people,
    reached_from, same_party, two_meet,
};
use super::fact::{Event, Fact};
use crate::record::Stamp;

/// Asterisk moves a channel from one bridge to the next within some milliseconds (a masquerade, an optimised
/// Local channel). People do not notice a silence shorter than this (milliseconds).
pub(super) const SWAP_MILLIS: i64 = 500;

/// The channel of a line leaves, and the script logs its hangup, within this time after the talk
/// (milliseconds); this is not a hold.
const PARTING_MILLIS: i64 = 1_000;

/// The talks and transfers that the bridges of a call show.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Talk {
    /// When the second channel of the call entered a bridge.
    pub begin: Option<Stamp>,
    /// Whether a channel is still in a bridge after the last record.
    pub open: bool,
    /// Whether two channels are still in one bridge.
    pub together: bool,
    /// What the followed channel heard, in order of time.
    pub heard: Vec<TalkSpan>,
    /// The transfers of the followed channel, one after the other.
    pub transfers: Vec<Transfer>,
    /// When a channel last left a bridge.
    pub parted: Option<Stamp>,
    /// When the followed channel last entered or left a bridge.
    pub gone: Option<Stamp>,
    /// The number or extension that left first and so ended the last talk. `None` while it lasts, and if the
    /// records do not show it.
    pub ended_by: Option<String>,
}

/// A period in which the same people were heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkSpan {
    pub from: Stamp,
    /// The end, exclusive; `None` while it lasts, and if no end was logged.
    pub to: Option<Stamp>,
    /// The numbers and extensions that were heard, sorted.
    pub with: Vec<String>,
}

/// How a party was transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// Without a talk to the new party before.
    Blind,
    /// After a talk with the new party.
    Attended,
}

impl TransferKind {
    pub const ALL: [TransferKind; 2] = [TransferKind::Blind, TransferKind::Attended];

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            TransferKind::Blind => "blind",
            TransferKind::Attended => "attended",
        }
    }
}

/// The result of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferResult {
    /// The new party talked.
    Completed,
    /// The new party was consulted, and the old one came back.
    Refused,
    /// The new party did not pick up.
    NotAnswered,
}

impl TransferResult {
    pub const ALL: [TransferResult; 3] = [
        TransferResult::Completed,
        TransferResult::Refused,
        TransferResult::NotAnswered,
    ];

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            TransferResult::Completed => "completed",
            TransferResult::Refused => "refused",
            TransferResult::NotAnswered => "not_answered",
        }
    }
}

/// A transfer, completed or attempted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub kind: TransferKind,
    pub result: TransferResult,
    /// The party that transferred.
    pub by: String,
    pub to: String,
    /// When the new party was heard, or the old one again; for a transfer that was not answered, when the new
    /// party was rung.
    pub at: Stamp,
}

impl Talk {
    /// Replays the events without following a channel.
    pub(super) fn of(facts: &[Fact]) -> Talk {
        Talk::followed(facts, b"", "")
    }

    /// Replays the events and notes what the channel `uid` of the number `own` hears. The facts may be in any
    /// order.
    pub(super) fn followed(facts: &[Fact], uid: &[u8], own: &str) -> Talk {
        let mut talk = Talk::default();
        if facts.iter().all(|f| f.bridge().is_empty()) {
            return talk;
        }
        let mut order: Vec<&Fact> = facts.iter().filter(|f| may_move(f)).collect();
        let time = |f: &&Fact| (f.at, f.place);
        if !order.is_sorted_by_key(time) {
            order.sort_by_key(time);
        }
        let halves_only = !uid.is_empty() && !two_meet(&order);
        let mut channels: Vec<Channel<'_>> = Vec::new();
        let mut entered: Vec<&[u8]> = Vec::new();
        let mut met: Vec<PartyPair> = Vec::new();
        let mut met_before_gap = 0;
        let (mut heard, mut reached) = (Vec::new(), Vec::new());
        let mut ended_by: Option<&Fact> = None;
        for fact in order {
            if !follow(&mut channels, fact) {
                continue;
            }
            if fact.event == Event::Bridge && !fact.holding {
                if !entered.contains(&fact.uid()) {
                    entered.push(fact.uid());
                }
                if entered.len() == 2 {
                    talk.begin.get_or_insert(fact.at);
                }
            }
            if uid.is_empty() {
                continue;
            }
            if fact.event == Event::BridgeLeave && !fact.holding {
                talk.parted = Some(fact.at);
            }
            // A hangup may be logged seconds after the channel has left.
            if fact.uid() == uid && !fact.bridge().is_empty() {
                talk.gone = Some(fact.at);
            }
            // A channel that leaves meets no one.
            if channels.len() > 2 && matches!(fact.event, Event::Bridge | Event::NewCallerid) {
                note_meetings(&channels, uid, own, &mut met);
            }
            // Names are built only when the set changes: most calls have ten events and two changes.
            reached_from(&channels, uid, halves_only, &mut reached);
            if reached == heard {
                continue;
            }
            let mut with = people(&channels, &reached);
            std::mem::swap(&mut heard, &mut reached);
            with.retain(|party| !same_party(party, own));
            if with.is_empty() && talk.heard.last().is_some_and(|last| last.to.is_none()) {
                met_before_gap = met.len();
                ended_by = Some(fact);
            }
            ended_by = ended_by.filter(|_| with.is_empty());
            talk.hear(fact.at, with, &met, met_before_gap);
        }
        // The party that hangs up leaves the bridge first. The line belongs to the client, unless the client
        // has another one.
        let is_line = |name: &[u8]| !is_extension(endpoint(name));
        let is_client = |fact: &Fact| {
            let has_other = channels.iter().any(|c| c.uid == uid && is_line(c.name));
            is_line(fact.channel()) && (fact.uid() == uid || !has_other)
        };
        talk.ended_by = ended_by
            .filter(|fact| fact.event == Event::BridgeLeave)
            .and_then(|fact| {
                let who = party(fact.channel(), fact.caller())?;
                Some(if is_client(fact) { own.to_owned() } else { who })
            });
        talk.open = channels.iter().any(|c| c.bridge.is_some());
        talk.together = channels.iter().enumerate().any(|(i, a)| {
            channels[..i]
                .iter()
                .any(|b| a.bridge.is_some() && a.bridge == b.bridge)
        });
        talk
    }

    /// Notes that the followed channel hears these parties from `at` on.
    fn hear(&mut self, at: Stamp, with: Vec<String>, met: &[PartyPair], met_before_gap: usize) {
        let last = self.heard.last_mut();
        if let Some(last) = last
            && last.to.is_none()
        {
            if last.with == with {
                return;
            }
            last.to = Some(at);
        }
        if with.is_empty() {
            return;
        }
        if let Some(last) = self.heard.last_mut() {
            let stays = last.with.iter().any(|party| with.contains(party));
            let gap = last.to.map_or(0, |to| at.since(to));
            let by = last.with.first().cloned().unwrap_or_default();
            let meets = |(a, b): &&PartyPair, x: &str| a == x || b == x;
            let mut transfer = None;
            if !stays {
                let to = with[0].clone();
                let consulted = met.iter().any(|(a, b)| {
                    last.with.contains(a) && with.contains(b)
                        || last.with.contains(b) && with.contains(a)
                });
                transfer = Some(Transfer {
                    kind: match consulted {
                        true => TransferKind::Attended,
                        false => TransferKind::Blind,
                    },
                    result: TransferResult::Completed,
                    by,
                    to,
                    at,
                });
            } else if gap > SWAP_MILLIS {
                let fresh = &met[met_before_gap.min(met.len())..];
                let asked = fresh.iter().find(|pair| meets(pair, &by));
                transfer = asked.map(|(a, b)| Transfer {
                    kind: TransferKind::Attended,
                    result: TransferResult::Refused,
                    to: if *a == by { b.clone() } else { a.clone() },
                    by: by.clone(),
                    at,
                });
            }
            if last.with == with && gap <= SWAP_MILLIS {
                last.to = None;
                return;
            }
            self.transfers.extend(transfer);
        }
        self.heard.push(TalkSpan {
            from: at,
            to: None,
            with,
        });
    }

    /// When a person was first heard.
    pub(super) fn first_heard(&self) -> Option<Stamp> {
        self.heard.first().map(|heard| heard.from)
    }

    /// How long a person was heard, and how long no one was heard after that and before the followed channel
    /// left (milliseconds). `until` ends a talk that no record ends, and the call if it `rings_on` for an
    /// extension that did not pick up. `None` if no end is known.
    pub(super) fn talk_and_hold(&self, until: Option<Stamp>, rings_on: bool) -> Option<(i64, i64)> {
        let first = self.first_heard()?;
        let (mut talk, mut hold, mut end) = (0, 0, first);
        for heard in &self.heard {
            let to = heard.to.or(until)?.max(heard.from);
            let gap = heard.from.since(end);
            match gap > SWAP_MILLIS {
                true => hold += gap,
                false => talk += gap.max(0),
            }
            talk += to.since(heard.from);
            end = to;
        }
        let gone = self.gone.max(until.filter(|_| rings_on));
        let rest = gone.map_or(0, |gone| gone.since(end));
        // The two leave one after the other, and talk until the second has left.
        let parting = self.parted.map_or(0, |parted| parted.since(end));
        match rest > PARTING_MILLIS {
            true => hold += rest,
            false if parting <= PARTING_MILLIS => talk += parting.max(0),
            false => {}
        }
        Some((talk, hold))
    }

    /// The parties to which the followed channel was transferred.
    pub(super) fn transferred_to(&self) -> Vec<String> {
        let done = self.transfers.iter();
        done.filter(|transfer| transfer.result == TransferResult::Completed)
            .map(|transfer| transfer.to.clone())
            .collect()
    }
}
