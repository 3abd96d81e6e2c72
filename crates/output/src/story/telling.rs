//! Puts the steps of a call into words, for each kind of output.

use super::phrases::{self, Phrase, PhrasePart, Voice, phrase_text};
use calltrace_model::call::{RungParty, Step, StepEvent, Summary};

/// The output that describes a call, and how it writes parties, lines, chats and lengths.
pub trait Teller: Sized {
    /// In which words.
    fn voice(&self) -> Voice;

    /// What the call sums up to.
    fn summary(&self) -> &Summary;

    /// A participant by name and number; an unknown one if `party` is empty.
    fn party(&self, party: &str) -> String;

    /// Several of them.
    fn all<'p>(&self, parties: impl Iterator<Item = &'p String>) -> String;

    /// Those who are rung.
    fn rung(&self, rung: &[RungParty]) -> String;

    /// A line that the log names.
    fn line(&self, line: &str) -> String;

    /// Telegram chats, each by its name or only how many.
    fn chats(&self, chats: &[String]) -> String;

    /// What a message of a stage is called.
    fn stage(&self, stage: &str) -> String;

    /// How many.
    fn number(&self, n: usize) -> String;

    /// A length in milliseconds.
    fn duration(&self, millis: i64) -> String;

    /// How long the other side waited for the first person, who rang for so long (milliseconds).
    fn waited(&self, rang: Option<i64>) -> Option<i64> {
        rang
    }

    /// What the first request of a step asked for and got, if the step shows it.
    fn request(&self, _: &Step) -> Option<String> {
        None
    }

    /// Who does something.
    fn subject(&self, who: &[String]) -> String {
        self.all(who.iter())
    }

    /// The length of the talk and of the hold, each if it is known.
    fn lengths(&self, talked: Option<i64>, held: Option<i64>) -> Vec<String> {
        let lengths = [(talked, phrases::TALKED), (held, phrases::ON_HOLD)];
        let known = lengths.iter().filter(|(millis, _)| millis.is_some());
        known
            .map(|(millis, phrase)| {
                phrase_text(phrase, self.voice(), &[lasting(self, "lasted", *millis)])
            })
            .collect()
    }

    /// A step as a sentence without a full stop.
    fn step(&self, step: &Step) -> String {
        let (phrase, mut parts) = sentence(self, step);
        let s = self.summary();
        parts.push(part("callee", self.party(&s.client)));
        let client = phrase_text(phrases::client(s.direction), self.voice(), &parts);
        parts.push(part("client", client));
        phrase_text(phrase, self.voice(), &parts)
    }
}

fn part(name: &'static str, text: impl Into<Option<String>>) -> PhrasePart {
    PhrasePart {
        name,
        text: text.into(),
        count: 1,
    }
}

fn lasting(teller: &impl Teller, name: &'static str, millis: Option<i64>) -> PhrasePart {
    part(name, millis.map(|millis| teller.duration(millis)))
}

/// The phrase for a step, and the parts that only this step has.
fn sentence(teller: &impl Teller, step: &Step) -> (&'static Phrase, Vec<PhrasePart>) {
    let voice = teller.voice();
    let party = |name, party: &str| part(name, teller.party(party));
    let length = |name, millis: &Option<i64>| lasting(teller, name, *millis);
    let several = |name, text: String, count: usize| PhrasePart {
        name,
        text: (count > 0 || !text.is_empty()).then_some(text),
        count: count.max(1),
    };
    let all = |name, who: &[String]| several(name, teller.all(who.iter()), who.len());
    let subject = |name, who: &[String]| several(name, teller.subject(who), who.len());
    let rung = |name, rung: &[RungParty]| match rung {
        [] => part(name, None),
        rung => several(name, teller.rung(rung), rung.len()),
    };
    match &step.event {
        StepEvent::Called {
            direction,
            from,
            line,
            rings,
        } => (
            phrases::called(*direction, !from.is_empty(), !rings.is_empty()),
            vec![
                party("from", from),
                part("line", (!line.is_empty()).then(|| teller.line(line))),
                rung("rung", rings),
            ],
        ),
        StepEvent::Rang { who, by: None } => (&phrases::RANG, vec![rung("who", who)]),
        StepEvent::Rang { who, by: Some(by) } => {
            (&phrases::RANG_BY, vec![party("by", by), rung("who", who)])
        }
        StepEvent::Answered { by, after } => (
            &phrases::ANSWERED,
            vec![subject("by", by), length("after", &teller.waited(*after))],
        ),
        StepEvent::Held { by, calls, lasted } => (
            &phrases::HELD,
            vec![all("by", by), rung("rung", calls), length("lasted", lasted)],
        ),
        StepEvent::HandedOver { by, to, lasted } => (
            &phrases::HANDED_OVER,
            vec![all("by", by), rung("to", to), length("lasted", lasted)],
        ),
        StepEvent::Consulted { by, with, lasted } => (
            &phrases::CONSULTED,
            vec![
                party("by", by),
                party("with", with),
                length("lasted", lasted),
            ],
        ),
        StepEvent::Transferred { result, by, to, .. } => (
            phrases::transferred(*result),
            vec![party("by", by), party("to", to)],
        ),
        StepEvent::Resumed { with } => (&phrases::RESUMED, vec![all("who", with)]),
        StepEvent::Joined { who } => (&phrases::JOINED, vec![all("who", who)]),
        StepEvent::Left { who } => (&phrases::LEFT, vec![all("who", who)]),
        StepEvent::Messages {
            action,
            stage,
            chats,
            replaces,
            cut,
        } => (
            phrases::messages(*action, *replaces),
            vec![
                part("stage", teller.stage(stage)),
                part("chats", teller.chats(chats)),
                part("cut", cut.then(|| phrase_text(&phrases::CUT, voice, &[]))),
            ],
        ),
        StepEvent::Requests { lookup, result } => (
            phrases::requests(*lookup, *result),
            vec![
                number(teller, step),
                part(
                    "times",
                    Some(step.records.len())
                        .filter(|n| *n > 1)
                        .map(|n| n.to_string()),
                ),
                part("request", teller.request(step)),
            ],
        ),
        StepEvent::Queries => (&phrases::QUERIES, vec![number(teller, step)]),
        StepEvent::Ended {
            by,
            outcome,
            talked,
            held,
            waited,
        } => {
            let by = by
                .as_ref()
                .map(|by| subject("by", std::slice::from_ref(by)));
            let ended = match by {
                Some(by) => phrase_text(&phrases::HUNG_UP, voice, &[by]),
                None => phrase_text(&phrases::ENDED, voice, &[]),
            };
            let lengths = teller.lengths(*talked, *held).join(", ");
            (
                phrases::ended(*outcome),
                vec![
                    part("ended", ended),
                    part(
                        "lengths",
                        Some(lengths).filter(|lengths| !lengths.is_empty()),
                    ),
                    length("waited", waited),
                ],
            )
        }
        StepEvent::Unfinished { outcome } => (phrases::unfinished(*outcome), Vec::new()),
    }
}

/// How many records a step has.
fn number(teller: &impl Teller, step: &Step) -> PhrasePart {
    let count = step.records.len();
    PhrasePart {
        name: "n",
        text: Some(teller.number(count)),
        count,
    }
}
