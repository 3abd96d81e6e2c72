//! Lines in memory: one day's text in one buffer, and the JSON bodies that go into it.
//!
//! A line is rendered once, into the buffer of the day of its time; later steps sort and copy
//! spans, never text. Call patterns decide what is written; files are written elsewhere.

use super::random::SplitMix64;
use chrono::{DateTime, Datelike, Timelike};
use std::io::Write;

pub const DAY_MS: i64 = 86_400_000;
/// The PBX writes times inside bodies in its own zone, GMT+3; record times are UTC.
pub const HOST_OFFSET_MS: i64 = 3 * 3_600_000;

/// Digits of a Telegram message id. Fixed, because the id is filled in after the day is sorted:
/// ids must rise with time, and a pattern renders a call's later messages long before their turn.
pub const MESSAGE_ID_DIGITS: usize = 8;

/// Where a rendered line waits for its Telegram message id.
#[derive(Clone, Copy)]
pub struct MessageMark {
    pub slot: u32,
    /// Bytes from the line's start to the id.
    pub id_at: u8,
    pub sends: bool,
}

/// A span of [`Day::text`], without a newline.
#[derive(Clone, Copy)]
pub struct Line {
    pub at_ms: i64,
    pub start: usize,
    pub bytes: u32,
    pub call: u32,
    pub mark: Option<MessageMark>,
}

#[derive(Default)]
pub struct Day {
    pub text: Vec<u8>,
    pub lines: Vec<Line>,
}

impl Day {
    pub fn span(&self, line: &Line) -> &[u8] {
        &self.text[line.start..line.start + line.bytes as usize]
    }

    fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }
}

/// Today's lines, and those of calls that run past midnight.
#[derive(Default)]
pub struct Book {
    pub today: Day,
    tomorrow: Day,
    midnight_ms: i64,
}

impl Book {
    /// Opens the day that starts at `day_ms`; what ran over from the day before is already in it.
    pub fn open_day(&mut self, day_ms: i64) {
        std::mem::swap(&mut self.today, &mut self.tomorrow);
        self.tomorrow.clear();
        self.midnight_ms = day_ms + DAY_MS;
    }

    /// Writes a line: the timestamp, `|`, and what `rest` appends.
    pub fn line(
        &mut self,
        at_ms: i64,
        call: u32,
        rest: impl FnOnce(&mut Vec<u8>) -> Option<MessageMark>,
    ) {
        let day = match at_ms < self.midnight_ms {
            true => &mut self.today,
            false => &mut self.tomorrow,
        };
        let start = day.text.len();
        put_time(&mut day.text, at_ms);
        put(
            &mut day.text,
            format_args!(",{:03}|", at_ms.rem_euclid(1000)),
        );
        let mark = rest(&mut day.text).map(|mark| MessageMark {
            id_at: mark.id_at + 24,
            ..mark
        });
        let bytes = (day.text.len() - start) as u32;
        day.lines.push(Line {
            at_ms,
            start,
            bytes,
            call,
            mark,
        });
    }
}

/// Appends formatted text to a buffer.
pub fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a Vec<u8> takes any write");
}

/// Appends `YYYY-MM-DD HH:MM:SS`.
pub fn put_time(out: &mut Vec<u8>, ms: i64) {
    let t = DateTime::from_timestamp_millis(ms).expect("plans lie within chrono's years");
    let pair = |n: u32| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
    put(out, format_args!("{:04}-", t.year()));
    out.extend(pair(t.month()));
    out.push(b'-');
    out.extend(pair(t.day()));
    out.push(b' ');
    out.extend(pair(t.hour()));
    out.push(b':');
    out.extend(pair(t.minute()));
    out.push(b':');
    out.extend(pair(t.second()));
}

/// `YYYY-MM-DD HH:MM:SS` on the PBX's clock.
pub fn host_time(ms: i64) -> String {
    let mut out = Vec::with_capacity(19);
    put_time(&mut out, ms + HOST_OFFSET_MS);
    String::from_utf8(out).expect("digits and dashes")
}

/// One JSON object under construction: values are rendered at once, keys are ordered at the end.
#[derive(Default)]
pub struct Body {
    values: Vec<u8>,
    fields: Vec<(&'static str, usize, usize)>,
    /// The object as last rendered; a dispatch request repeats it.
    pub json: Vec<u8>,
}

impl Body {
    pub fn clear(&mut self) {
        self.values.clear();
        self.fields.clear();
    }

    pub fn text(&mut self, key: &'static str, value: &str) {
        let start = self.values.len();
        put_json_text(&mut self.values, value);
        self.fields.push((key, start, self.values.len()));
    }

    /// A value that is already JSON: a number, `true`.
    pub fn plain(&mut self, key: &'static str, value: &str) {
        let start = self.values.len();
        self.values.extend_from_slice(value.as_bytes());
        self.fields.push((key, start, self.values.len()));
    }

    pub fn list<S: AsRef<str>>(&mut self, key: &'static str, items: &[S]) {
        let start = self.values.len();
        self.values.push(b'[');
        for (nth, item) in items.iter().enumerate() {
            if nth > 0 {
                self.values.extend_from_slice(b", ");
            }
            put_json_text(&mut self.values, item.as_ref());
        }
        self.values.push(b']');
        self.fields.push((key, start, self.values.len()));
    }

    /// Renders into [`Body::json`]. Key order is not stable in the field: one body in eight is
    /// shuffled, half of those keep Token first.
    pub fn render(&mut self, rng: &mut SplitMix64) {
        match rng.below(16) {
            0 => rng.shuffle(&mut self.fields),
            1 => rng.shuffle(&mut self.fields[1..]),
            _ => {}
        }
        self.json.clear();
        for (nth, (key, start, end)) in self.fields.iter().enumerate() {
            self.json
                .extend_from_slice(if nth == 0 { b"{\"" } else { b", \"" });
            self.json.extend_from_slice(key.as_bytes());
            self.json.extend_from_slice(b"\": ");
            self.json.extend_from_slice(&self.values[*start..*end]);
        }
        self.json.push(b'}');
    }
}

fn put_json_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}
