//! The summary in one sentence: who called whom, how it ended, who talked how long.

use super::Language;
use super::story::StoryWords;
use calltrace_model::call::{
    CallState, Direction, Outcome, PersonDoing, Phase, Story, Summary, felt_hold,
};
use calltrace_output::story::Teller as _;

/// Returns the sentence. `live` holds the state of a call in progress, and its duration so far
/// (milliseconds).
pub(super) fn sentence(
    words: &StoryWords<'_>,
    story: &Story,
    live: Option<(&CallState, i64)>,
) -> String {
    let s = words.summary;
    if s.events == 0 {
        return words.language.text(
            "Событий этого звонка в журнале нет, есть только сообщения и запросы о нём.",
            "The log holds no events of this call, only messages and requests about it.",
        );
    }
    let parts = match live {
        Some((state, millis)) => vec![under_way(words, story, state, millis)],
        None => match s.outcome {
            Outcome::Answered | Outcome::InProgress => answered(words),
            Outcome::Missed | Outcome::NotReached => vec![unanswered(words)],
            Outcome::Busy => vec![words.language.text("номер занят", "the number is busy")],
            Outcome::Unknown => vec![words.language.text(
                "чем закончился звонок, в журнале нет",
                "how it ended is not in the log",
            )],
        },
    };
    format!("{}: {}.", subject(words, live.is_some()), parts.join("; "))
}

/// Says who calls whom.
fn subject(words: &StoryWords<'_>, is_live: bool) -> String {
    let l = words.language;
    let s = words.summary;
    let client = words.party(&s.client);
    let caller = s.rang.first().map(|who| words.party(who));
    match (s.direction, s.outcome) {
        (Direction::Incoming, Outcome::Answered) if !is_live => l.of(
            format!("Клиент {client} дозвонился"),
            format!("The client {client} got through"),
        ),
        (Direction::Incoming, Outcome::Missed) if !is_live => l.of(
            format!("Клиент {client} не дозвонился"),
            format!("The client {client} did not get through"),
        ),
        (Direction::Incoming, _) => l.of(
            format!("Звонит клиент {client}"),
            format!("The client {client} calls"),
        ),
        (Direction::Outgoing, _) => match caller {
            Some(caller) => l.of(
                format!("{caller} звонит клиенту {client}"),
                format!("{caller} calls the client {client}"),
            ),
            None => l.of(
                format!("Звонок клиенту {client}"),
                format!("A call to the client {client}"),
            ),
        },
        (Direction::Internal, _) => l.of(
            format!("{client} звонит коллеге"),
            format!("{client} calls a colleague"),
        ),
        (Direction::Unknown, _) => l.of(
            format!("Звонок, номер {client}"),
            format!("A call, number {client}"),
        ),
    }
}

/// Says who answered, when, and how long the client talked with each person.
fn answered(words: &StoryWords<'_>) -> Vec<String> {
    let l = words.language;
    let s = words.summary;
    let talks = talks(s);
    let after = after(l, words.waited(s.ring_millis));
    let mut parts = vec![match &s.answered_by {
        // If there are several, each is named below with the length of the talk.
        Some(who) if s.direction != Direction::Outgoing && talks.len() < 2 => format!(
            "{} {}{after}",
            l.of("отвечает", "answered by"),
            words.party(who)
        ),
        _ => format!("{}{after}", l.of("ответ", "answered")),
    }];
    let mut lengths = words.lengths(s.talk_millis, felt_hold(s)).into_iter();
    if talks.len() > 1 {
        let talk = lengths.next().filter(|_| s.talk_millis.is_some());
        let each = |(who, ms): &(String, i64)| match s.talk_millis {
            Some(_) => format!("{} — {}", words.party(who), l.duration(*ms)),
            None => words.party(who),
        };
        let each: Vec<String> = talks.iter().map(each).collect();
        let talk = talk.unwrap_or_else(|| l.of("разговор", "talk").to_owned());
        parts.push(format!("{talk} ({})", each.join(", ")));
    }
    parts.extend(lengths);
    if !s.ended {
        parts.push(l.text(
            "конца разговора в журнале нет",
            "the end of the talk is not in the log",
        ));
    }
    parts
}

/// ` через 8 с`; empty if the time is not known.
fn after(l: Language, millis: Option<i64>) -> String {
    millis.map_or_else(String::new, |ms| {
        format!(" {} {}", l.of("через", "after"), l.duration(ms))
    })
}

/// Returns who talked to the client, and how long in total (milliseconds), in order of appearance.
fn talks(s: &Summary) -> Vec<(String, i64)> {
    let mut talks: Vec<(String, i64)> = Vec::new();
    for heard in &s.heard {
        let lasted = heard.to.map_or(0, |to| to.since(heard.from));
        for who in &heard.with {
            match talks.iter_mut().find(|(known, _)| known == who) {
                Some((_, millis)) => *millis += lasted,
                None => talks.push((who.clone(), lasted)),
            }
        }
    }
    talks
}

/// Returns the extensions that all legs of a call rang, each once: the main leg may have dialled only some of
/// them.
pub(super) fn rung(s: &Summary) -> Vec<String> {
    let mut rung: Vec<String> = Vec::new();
    let of_dials = s.ringing.iter().map(|ringing| &ringing.party);
    let own = s.rang.iter().filter(|_| s.direction != Direction::Outgoing);
    for party in own.chain(of_dials) {
        if !party.is_empty() && *party != s.client && !rung.contains(party) {
            rung.push(party.clone());
        }
    }
    rung
}

fn unanswered(words: &StoryWords<'_>) -> String {
    let l = words.language;
    let s = words.summary;
    let rung = rung(s);
    // A telephone that refuses at once has not rung for any time.
    let lasted = s.ring_millis.or(s.wait_millis).filter(|ms| *ms >= 1000);
    let unanswered = match lasted {
        Some(ms) => l.of(
            format!("за {} нет ответа", l.duration(ms)),
            format!("no answer in {}", l.duration(ms)),
        ),
        None => l.of("нет ответа".to_owned(), "no answer".to_owned()),
    };
    match (s.direction, rung.as_slice()) {
        (Direction::Outgoing, _) => unanswered,
        (_, []) => {
            let after = after(l, lasted);
            l.of(
                format!("звонок завершён{after}, никого ещё не вызывали"),
                format!("the call ended{after}, before anybody was rung"),
            )
        }
        (_, rung) => {
            let rung = words.all(rung.iter());
            l.of(
                format!("вызывали {rung}, {unanswered}"),
                format!("{rung} rang, {unanswered}"),
            )
        }
    }
}

/// Says what the call does at the moment.
fn under_way(words: &StoryWords<'_>, story: &Story, state: &CallState, millis: i64) -> String {
    let l = words.language;
    let client = story.people.iter().find(|lane| lane.is_client);
    let doing = client
        .and_then(|lane| lane.spans.last())
        .filter(|span| span.to.is_none());
    let activity = match (doing.map(|span| &span.doing), state.phase) {
        (Some(PersonDoing::Held), _) => l.text("сейчас на удержании", "on hold now"),
        (Some(PersonDoing::Talks(who)), _) => format!(
            "{} {}",
            l.of("идёт разговор, на линии", "talking now with"),
            words.all(who.iter())
        ),
        (_, Phase::Answered | Phase::Transferred) => l.text("идёт разговор", "talking now"),
        (_, Phase::Ringing) => {
            let rung = match words.summary.direction {
                Direction::Outgoing => Vec::new(),
                _ => rung(words.summary),
            };
            let ringing = l.text("вызываем", "ringing");
            match rung.as_slice() {
                [] => ringing,
                rung => format!("{ringing} {}", words.all(rung.iter())),
            }
        }
        _ => l.text("звонок поступил", "it has just come in"),
    };
    format!("{activity}, {} {}", l.of("уже", "for"), l.duration(millis))
}
