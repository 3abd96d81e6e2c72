//! What each leg of a call did, and when: the picture of a call, without its drawing.
//!
//! The records are replayed, as `talk` does to find who talked to whom; here every leg keeps its
//! own track. Whoever was rung and never got a channel of their own (the host logs none for a
//! telephone that nobody picked up) has a lane as well.

use super::fact::{Event, Fact};
use super::summary::{Direction, Outcome, Summary};
use crate::record::{Stamp, phone};

/// What a leg does for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// It is there: hears a greeting, waits for something.
    Present,
    /// It rings, or hears the other side ring.
    Ringing,
    /// It is in the bridge of that number with nobody else.
    Alone(usize),
    /// It is in the bridge of that number with somebody.
    Talking(usize),
}

/// One stretch of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// What is done.
    pub doing: Doing,
    /// Its beginning.
    pub from: Stamp,
    /// Its end, exclusive.
    pub to: Stamp,
}

/// One leg over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Which of [`Summary::legs`]; `None` for somebody who was rung and has no channel.
    pub leg: Option<usize>,
    /// Extension or number; empty where nothing says.
    pub label: String,
    /// What it did, in order of time, without overlaps. Between two of them it did nothing that
    /// was logged.
    pub spans: Vec<Span>,
}

/// All lanes of a call: its legs in their order, then those who were only rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lanes {
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// The ids of the bridges, in the order of their appearance; [`Doing`] counts in this.
    pub bridges: Vec<String>,
    /// The first Asterisk event.
    pub first: Stamp,
    /// The last one.
    pub last: Stamp,
}

impl Lanes {
    /// The lanes of a call from its records (in order of time) and what they sum up to; of a call that goes on,
    /// up to `now`. `None` for a call without any Asterisk event.
    pub fn of(facts: &[Fact], summary: &Summary, now: Option<Stamp>) -> Option<Lanes> {
        let mut events = facts.iter().filter(|f| f.is_asterisk());
        let first = events.next()?;
        let last = events.next_back().unwrap_or(first).at;
        let last = now.map_or(last, |now| now.max(last));
        let bridges = bridges(facts);
        let dial = facts.iter().find(|f| f.event == Event::Dial).map(|f| f.at);
        let (moves, answered) = moves(facts, &bridges);
        let mut lanes: Vec<Lane> = Vec::new();
        for (at, leg) in summary.legs.iter().enumerate() {
            let own = |f: &&Fact| f.uid() == leg.uid.as_bytes() && f.is_asterisk();
            let mut own = facts.iter().filter(own);
            let Some(born) = own.next() else { continue };
            let gone = own.next_back().unwrap_or(born).at;
            let label = match leg.label.as_str() {
                "" if leg.uid == summary.main_uid => main_party(summary),
                label => label.to_owned(),
            };
            let is_main = leg.uid == summary.main_uid;
            let was_rung = summary.rang.contains(&label)
                && !lanes.iter().any(|lane: &Lane| lane.label == label);
            // Most hosts log a telephone that rings from the moment on at which it is picked up.
            let from = match dial {
                Some(dial) if was_rung && !is_main => dial.min(born.at),
                _ => born.at,
            };
            let rings_from = if is_main { dial } else { Some(from) };
            let mut track = Track::begin(from, rings_from);
            track.rings_until = answered;
            for step in moves.iter().filter(|step| step.leg == leg.uid.as_bytes()) {
                track.go(step.at, step.doing);
            }
            let hung_up = facts
                .iter()
                .any(|f| f.event == Event::Hangup && f.uid() == leg.uid.as_bytes());
            let goes_on = now.is_some() && track.doing.is_some() && !hung_up;
            let spans = track.end(if goes_on { last } else { gone.max(born.at) });
            let leg = Some(at);
            lanes.push(Lane { leg, label, spans });
        }
        let rung = rung(facts, summary, &lanes, last);
        lanes.extend(rung);
        Some(Lanes {
            lanes,
            bridges,
            first: first.at,
            last,
        })
    }

    /// When two were together for the first time.
    pub fn talk_from(&self) -> Option<Stamp> {
        let spans = self.lanes.iter().flat_map(|lane| &lane.spans);
        spans
            .filter(|span| matches!(span.doing, Doing::Talking(_)))
            .map(|span| span.from)
            .min()
    }
}

/// Whose channel the main leg is where its records don't name one.
fn main_party(summary: &Summary) -> String {
    match summary.direction {
        Direction::Outgoing => summary.rang.first().cloned().unwrap_or_default(),
        _ => summary.client.clone(),
    }
}

fn bridges(facts: &[Fact]) -> Vec<String> {
    let mut bridges: Vec<String> = Vec::new();
    for fact in facts.iter().filter(|f| f.event == Event::Bridge) {
        let bridge = String::from_utf8_lossy(fact.bridge());
        if !bridge.is_empty() && !bridges.iter().any(|known| *known == bridge) {
            bridges.push(bridge.into_owned());
        }
    }
    bridges
}

/// From `at` on the leg does that; `None`: it is in no bridge any more.
struct Move<'f> {
    leg: &'f [u8],
    at: Stamp,
    doing: Option<Doing>,
}

/// Every change of who is in which bridge, and with somebody or alone; and when two were connected for
/// the first time.
///
/// Of a call that was started from the CRM the host logs two bridges with one leg each, and not what
/// lies between them: where no bridge ever holds two, two legs in bridges are together.
fn moves<'f>(facts: &'f [Fact], bridges: &[String]) -> (Vec<Move<'f>>, Option<Stamp>) {
    let mut moves: Vec<Move<'f>> = Vec::new();
    let mut answered = None;
    let halves_only = !ever_two_in_a_bridge(facts);
    let mut inside: Vec<(&[u8], &[u8])> = Vec::new();
    let mut known: Vec<(&[u8], Option<Doing>)> = Vec::new();
    for fact in facts {
        match fact.event {
            Event::Bridge if !fact.bridge().is_empty() => {
                inside.retain(|(leg, _)| *leg != fact.uid());
                inside.push((fact.uid(), fact.bridge()));
            }
            Event::BridgeLeave => inside.retain(|inside| *inside != (fact.uid(), fact.bridge())),
            Event::BridgeDestroy => inside.retain(|(_, bridge)| *bridge != fact.bridge()),
            Event::Hangup => inside.retain(|(leg, _)| *leg != fact.uid()),
            _ => continue,
        }
        if !known.iter().any(|(leg, _)| *leg == fact.uid()) {
            known.push((fact.uid(), None));
        }
        for (leg, before) in &mut known {
            let now = inside
                .iter()
                .find(|(uid, _)| uid == leg)
                .map(|(_, bridge)| {
                    let number = bridges.iter().position(|b| b.as_bytes() == *bridge);
                    let number = number.unwrap_or_default();
                    let with = |other: &&(&[u8], &[u8])| halves_only || other.1 == *bridge;
                    match inside.iter().filter(with).count() {
                        1 => Doing::Alone(number),
                        _ => Doing::Talking(number),
                    }
                });
            if matches!(now, Some(Doing::Talking(_))) {
                answered.get_or_insert(fact.at);
            }
            if now != *before {
                *before = now;
                moves.push(Move {
                    leg,
                    at: fact.at,
                    doing: now,
                });
            }
        }
    }
    (moves, answered)
}

fn ever_two_in_a_bridge(facts: &[Fact]) -> bool {
    let entered = || facts.iter().filter(|f| f.event == Event::Bridge);
    entered().any(|a| entered().any(|b| a.bridge() == b.bridge() && a.uid() != b.uid()))
}

/// One leg's spans while they are being made.
struct Track {
    spans: Vec<Span>,
    since: Stamp,
    doing: Option<Doing>,
    /// When it begins to ring, unless it is in a bridge before.
    rings_from: Option<Stamp>,
    /// When it rings no more, should it never get into a bridge: somebody picked up.
    rings_until: Option<Stamp>,
}

impl Track {
    fn begin(at: Stamp, rings_from: Option<Stamp>) -> Track {
        Track {
            spans: Vec::new(),
            since: at,
            doing: Some(Doing::Present),
            rings_from,
            rings_until: None,
        }
    }

    fn go(&mut self, at: Stamp, doing: Option<Doing>) {
        if let Some(rings) = self.rings_from.take().filter(|rings| *rings < at) {
            self.close(rings);
            self.doing = Some(Doing::Ringing);
            if let Some(until) = self.rings_until.filter(|until| (rings..at).contains(until)) {
                self.close(until);
                self.doing = Some(Doing::Present);
            }
        }
        self.close(at);
        self.doing = doing;
    }

    fn close(&mut self, at: Stamp) {
        if let Some(doing) = self.doing
            && at > self.since
        {
            self.spans.push(Span {
                doing,
                from: self.since,
                to: at,
            });
        }
        self.since = at.max(self.since);
    }

    fn end(mut self, at: Stamp) -> Vec<Span> {
        self.go(at, None);
        self.spans
    }
}

/// Those whom a dial rang and who have no channel in the log: an extension that did not pick up, a
/// client who did not.
fn rung(facts: &[Fact], summary: &Summary, lanes: &[Lane], last: Stamp) -> Vec<Lane> {
    let Some(dial) = facts
        .iter()
        .find(|f| f.event == Event::Dial && f.uid() == summary.main_uid.as_bytes())
    else {
        return Vec::new();
    };
    let answered = lanes.iter().flat_map(|lane| &lane.spans);
    let answered = answered
        .filter(|span| matches!(span.doing, Doing::Talking(_)) && span.from >= dial.at)
        .map(|span| span.from)
        .min();
    let hangup = || facts.iter().find(|f| f.event == Event::Hangup);
    let until = match (answered, summary.outcome) {
        (Some(at), _) => at,
        (None, Outcome::Missed) => hangup().map_or(last, |f| f.at),
        (None, _) => last,
    };
    let parties = match summary.direction {
        Direction::Outgoing => vec![summary.client.clone()],
        _ => summary.rang.clone(),
    };
    let has_lane = |party: &str| {
        let same =
            |label: &str| label == party || phone::same_number(label.as_bytes(), party.as_bytes());
        lanes.iter().any(|lane| same(&lane.label))
    };
    let rung = parties
        .into_iter()
        .filter(|party| !party.is_empty() && until > dial.at);
    rung.filter(|party| !has_lane(party))
        .map(|label| Lane {
            leg: None,
            label,
            spans: vec![Span {
                doing: Doing::Ringing,
                from: dial.at,
                to: until,
            }],
        })
        .collect()
}
