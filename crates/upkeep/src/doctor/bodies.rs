//! Bodies of events and addresses of requests that differ from what hosts write: they come from another writer,
//! from another enterprise or from a fault.

use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding};

/// Checks the newest file that was read, as all checks of text do.
pub(super) fn check(survey: &HealthSurvey, _: &Circumstances<'_>) -> Vec<Finding> {
    let Some(seen) = survey.sampled() else {
        return Vec::new();
    };
    let Some(reading) = &seen.more.reading else {
        return Vec::new();
    };
    let bodies = &reading.bodies;
    let (own, file) = (&survey.more.enterprise, seen.log.name.full());
    let mut findings = Vec::new();
    if let Some((place, word)) = &bodies.unknown_type {
        findings.push(
            Finding::note(Code::OddBody)
                .file(file.clone())
                .at(Some(*place))
                .seen("an unknown CallType: {word}")
                .with("word", Field::Text(word.clone()))
                .why("0 is incoming, 1 outgoing, 2 internal; the direction of such a call is worked out from its legs")
                .remedy("see what writes it: an emulator puts the number of its pattern there"),
        );
    }
    if let Some((place, event, key)) = &bodies.missing {
        findings.push(
            Finding::note(Code::OddBody)
                .file(file.clone())
                .at(Some(*place))
                .seen("a {event} without {key}")
                .with("event", Field::Text(event.clone()))
                .with("key", Field::Text((*key).to_owned()))
                .why("what the key says about a call is missing in answers about it")
                .remedy("see what writes it: an older listener, or another program"),
        );
    }
    if let Some(place) = bodies.second_token {
        findings.push(
            Finding::warning(Code::TwoTokens)
                .file(file.clone())
                .at(Some(place))
                .seen("events with more than one Token")
                .why("a Token stands for one host: calls of two hosts, or of two enterprises, are mixed here")
                .remedy("see which hosts send events for this enterprise, and that each has its own"),
        );
    }
    let is_other = |named: &&(super::FilePosition, String)| named.1 != own.as_str();
    if let Some((place, named)) = bodies.named.iter().find(is_other) {
        findings.push(
            Finding::warning(Code::OtherEnterprise)
                .file(file)
                .at(Some(*place))
                .seen("a request with {named} in its address")
                .with("named", Field::Text(named.clone()))
                .why("a program asks for names and integrations of another enterprise; a fault once took the first four characters of the Token for the number")
                .remedy("fix the program that asks, and check which answers it got"),
        );
    }
    findings
}
