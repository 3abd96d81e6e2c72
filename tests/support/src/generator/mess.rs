//! Adds the disorder that occurs in practice, in small amounts.

use super::lines::{Day, put, put_time};
use super::random::SplitMix64;

/// Two workers append to one file; a record waits at most this long for its turn.
const LATE_MS: u32 = 300;
/// Records of the next day that a worker may leave in the day's file.
const STRAY_LINES: usize = 200;

/// Moves one line in fifty behind those of up to 300 ms later. Times stay as they are.
pub fn interleave(day: &mut Day, rng: &mut SplitMix64) {
    let mut turns: Vec<_> = day
        .lines
        .drain(..)
        .map(|line| {
            let late = if rng.one_in(50) {
                i64::from(rng.below(LATE_MS + 1))
            } else {
                0
            };
            (line.at_ms + late, line)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    day.lines.extend(turns.into_iter().map(|(_, line)| line));
}

/// The first lines of a day that a worker still writes into the file of the day before: about every
/// other one, up to 200 and to a tenth of the day.
pub fn strays(day: &Day, rng: &mut SplitMix64) -> Vec<usize> {
    let most = STRAY_LINES.min(day.lines.len() / 10);
    (0..day.lines.len())
        .filter(|_| rng.one_in(2))
        .take(most)
        .collect()
}

/// Junk for one file: line numbers before which to write it, in order.
pub fn junk(lines: usize, day_ms: i64, rng: &mut SplitMix64) -> Vec<(usize, Vec<u8>)> {
    let mut junk: Vec<_> = (0..JUNK.len())
        .map(|kind| {
            (
                rng.below(lines.max(1) as u32) as usize,
                junk_line(kind, day_ms, rng),
            )
        })
        .collect();
    junk.sort();
    junk
}

/// Texts that fit no kind of line, each written once per file. The empty ones are made by hand.
const JUNK: [&str; 8] = [
    "Traceback (most recent call last):",
    "  File \"/opt/call_tracer/main.py\", line 81, in log_event",
    "|FOO",
    "|AST|dial",
    "|TG|send|100000001",
    "",
    "nul",
    "bytes",
];

fn junk_line(kind: usize, day_ms: i64, rng: &mut SplitMix64) -> Vec<u8> {
    let mut line = Vec::new();
    let at = day_ms + rng.range(0, 86_399_999);
    let stamp = |line: &mut Vec<u8>| {
        put_time(line, at);
        put(line, format_args!(",{:03}", at.rem_euclid(1000)));
    };
    match JUNK[kind] {
        // A crash of the machine: the file grew, its pages were never written.
        "nul" => {
            stamp(&mut line);
            line.extend_from_slice(b"|AST|bri");
            line.extend([0; 64]);
        }
        "bytes" => line.extend_from_slice(b"\xd0\xff\xfe\xc3\x28 \xed\xa0\x80 \xf5"),
        text => {
            if text.starts_with('|') {
                stamp(&mut line);
            }
            line.extend_from_slice(text.as_bytes());
        }
    }
    line
}
