//! Reads the text of a log line by line, without any other file.

use std::collections::HashSet;

use memchr::{memchr, memrchr};

use super::FilePosition;
use super::content::Bodies;
use calltrace_model::record::id::epoch_seconds;
use calltrace_model::record::{Ast, Body, LogZone, Record, Stamp};
use calltrace_model::redact;
use calltrace_store::scan::{ContentFinding, Scanner, Tuning};
use calltrace_store::source::Source;

/// Read of a file's beginning and of its end (bytes): some hundreds of lines each.
const HEAD_BYTES: usize = 64 << 10;
const TAIL_BYTES: usize = 128 << 10;

/// How many lines are searched for a secret: bodies are alike, and the patterns cost more than all the rest.
const SECRET_LINES_MAX: u64 = 400;

/// How many channel creations are compared with record times.
const LAGS_MAX: usize = 1000;

/// Two successive records of a file, the second with the earlier time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StepBack {
    pub(super) from: Stamp,
    pub(super) to: Stamp,
    pub(super) place: FilePosition,
}

impl StepBack {
    pub(super) fn millis(&self) -> i64 {
        self.from.since(self.to)
    }
}

/// What the lines of a file show.
#[derive(Debug, Default)]
pub(super) struct TextReading {
    pub(super) lines: u64,
    pub(super) unparsed: u64,
    pub(super) first_unparsed: Option<FilePosition>,
    /// Earliest and latest time.
    pub(super) first: Option<Stamp>,
    pub(super) last: Option<Stamp>,
    /// The largest step back in time.
    pub(super) back: Option<StepBack>,
    /// The first line that holds a secret, and the key that it belongs to.
    pub(super) secret: Option<(FilePosition, String)>,
    /// For the first record of each channel: record time, by this machine's clock, minus channel creation, by the
    /// telephony host's (milliseconds).
    pub(super) lags: Vec<i64>,
    /// What bodies and addresses say.
    pub(super) bodies: Bodies,
    met: HashSet<Vec<u8>>,
    previous: Option<Stamp>,
}

impl TextReading {
    /// The beginning and the end of a file, as far as they can be read without decoding the rest.
    pub(super) fn sample(source: &Source, zone: LogZone) -> TextReading {
        let mut reading = TextReading::default();
        let head = source.text_at(0, HEAD_BYTES);
        let whole = memrchr(b'\n', &head).map_or(0, |newline| newline + 1);
        reading.text(&head[..whole], Some(1), 0, zone);
        let Some(total) = source.content_bytes() else {
            return reading;
        };
        let from = total
            .saturating_sub(TAIL_BYTES as u64)
            .max(head.len() as u64);
        if from >= total {
            return reading;
        }
        // The text in between was not read, so a step back across it has no place.
        reading.previous = None;
        let tail = source.text_at(from, TAIL_BYTES);
        let skip = memchr(b'\n', &tail).map_or(tail.len(), |newline| newline + 1);
        reading.text(&tail[skip..], None, from + skip as u64, zone);
        reading
    }

    /// All of a file, with the damage of its content.
    pub(super) fn whole(source: &Source, zone: LogZone) -> (TextReading, Vec<ContentFinding>) {
        let scanner = Scanner::new(Tuning::default());
        let mut blocks = scanner.stream(source);
        let mut reading = TextReading::default();
        while let Some(block) = blocks.next_block() {
            let number = reading.lines + 1;
            reading.text(block.text, Some(number), block.offset, zone);
        }
        let findings = blocks.findings().to_vec();
        (reading, findings)
    }

    /// Reads lines. The first one has this number in the file, if that is known, and begins at `offset`.
    fn text(&mut self, text: &[u8], number: Option<u64>, offset: u64, zone: LogZone) {
        let mut at = offset;
        for (count, line) in (0..).zip(text.split_inclusive(|&b| b == b'\n')) {
            let place = number.map_or(FilePosition::Byte(at), |first| {
                FilePosition::Line(first + count)
            });
            self.line(line.strip_suffix(b"\n").unwrap_or(line), place, zone);
            at += line.len() as u64;
        }
    }

    fn line(&mut self, line: &[u8], place: FilePosition, zone: LogZone) {
        self.lines += 1;
        if line.is_empty() {
            return;
        }
        let record = Record::parse(line);
        if record.at.is_none() {
            self.unparsed += 1;
            self.first_unparsed = self.first_unparsed.or(Some(place));
        }
        if let Some(at) = record.at {
            self.time(at, place, zone);
            self.bodies.take(&record, place);
            if let Body::Ast(ast) = record.body {
                self.birth(at, &ast, zone);
            }
        }
        if self.secret.is_none() && self.lines <= SECRET_LINES_MAX {
            self.secret =
                redact::key_of_secret(&String::from_utf8_lossy(line)).map(|key| (place, key));
        }
    }

    fn time(&mut self, at: Stamp, place: FilePosition, zone: LogZone) {
        let back = self.previous.map(|from| StepBack {
            from,
            to: at,
            place,
        });
        let deeper = |step: &StepBack| {
            let known = self.back.map_or(0, |known| known.millis());
            step.millis() > known && !is_change_of_hour(step, zone)
        };
        self.back = back.filter(deeper).or(self.back);
        self.previous = Some(at);
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(Some(at));
    }

    /// Records how long after the birth of its channel a call's first record was written: normally a second or two.
    fn birth(&mut self, at: Stamp, ast: &Ast<'_>, zone: LogZone) {
        let begins = matches!(ast.event, b"start" | b"dial");
        if !begins || self.met.len() >= LAGS_MAX || !self.met.insert(ast.uid.to_vec()) {
            return;
        }
        if let Some(born) = epoch_seconds(ast.uid) {
            let written = zone.moment(at).timestamp_millis();
            self.lags.push(written - born * 1000);
        }
    }
}

/// Whether the zone's clocks change around the step: record times go back with them.
fn is_change_of_hour(step: &StepBack, zone: LogZone) -> bool {
    let offset = |at: Stamp| zone.moment(at).timestamp_millis() - at.0;
    offset(step.from.plus_millis(-super::DAY_MILLIS))
        != offset(step.to.plus_millis(super::DAY_MILLIS))
}

#[cfg(test)]
mod tests {
    use calltrace_model::record::Zone;

    use super::*;

    fn read(lines: &[&str], zone: Zone) -> TextReading {
        let mut reading = TextReading::default();
        let text = lines.join("\n");
        reading.text(text.as_bytes(), Some(1), 0, LogZone(zone));
        reading
    }

    #[test]
    fn steps_back_births_junk_and_secrets_are_seen_with_their_lines() {
        let reading = read(
            &[
                "2025-11-30 09:00:02,000|AST|start|1764493200.1|{}",
                "junk",
                "2025-11-30 09:10:00,000|AST|dial|1764493200.1|{\"pwd\": \"12345\"}",
                "2025-11-30 09:04:00,000|AST|start|1764493439.7|{}",
                "2025-11-30 09:05:00,000|AST|start|nothing|{}",
            ],
            Zone::UTC,
        );
        assert_eq!((reading.lines, reading.unparsed), (5, 1));
        assert_eq!(reading.first_unparsed, Some(FilePosition::Line(2)));
        let back = reading.back.expect("six minutes");
        assert_eq!(
            (back.millis(), back.place),
            (360_000, FilePosition::Line(4))
        );
        assert_eq!(
            reading.secret,
            Some((FilePosition::Line(3), "pwd".to_owned()))
        );
        // The second record of a call says nothing, nor does an id without a birth.
        assert_eq!(reading.lags, [2000, 1000]);
    }

    #[test]
    fn setting_clocks_back_for_winter_is_not_a_step_back() {
        let lines = [
            "2025-10-26 02:59:59,000|AST|start|1.1|{}",
            "2025-10-26 02:00:00,000|AST|start|1.2|{}",
        ];
        assert!(
            read(&lines, Zone::named("Europe/Berlin").expect("a zone"))
                .back
                .is_none()
        );
        assert!(read(&lines, Zone::UTC).back.is_some());
    }
}
