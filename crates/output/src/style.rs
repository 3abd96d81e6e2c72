//! Colours, by meaning. They are always written; the code that opens the output strips them if they are not wanted.

use owo_colors::{OwoColorize, XtermColors};

use calltrace_model::call::Outcome;

pub(super) fn good(text: &str) -> String {
    text.green().to_string()
}

pub(super) fn bad(text: &str) -> String {
    text.red().to_string()
}

pub(super) fn doubtful(text: &str) -> String {
    text.yellow().to_string()
}

pub(super) fn strong(text: &str) -> String {
    text.bold().to_string()
}

pub(super) fn matched(text: &str) -> String {
    text.red().bold().to_string()
}

pub(super) fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

/// Text that leads to an address, on terminals that know OSC 8.
pub(super) fn linked(address: &str, text: &str) -> String {
    format!("\u{1b}]8;;{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
}

pub(super) fn outcome(outcome: Outcome, text: &str) -> String {
    match outcome {
        Outcome::Answered => good(text),
        Outcome::Missed | Outcome::NotReached | Outcome::Busy => bad(text),
        Outcome::InProgress | Outcome::Unknown => doubtful(text),
    }
}

/// A colour per leg, the same for the same place among the legs. Twelve colours, then the same ones bold,
/// underlined, and both: no two of 48 legs look alike.
pub(super) fn leg(index: usize, text: &str) -> String {
    let text = text
        .color(XtermColors::from(LEGS[index % LEGS.len()]))
        .to_string();
    match index / LEGS.len() % 4 {
        0 => text,
        1 => text.bold().to_string(),
        2 => text.underline().to_string(),
        _ => text.bold().underline().to_string(),
    }
}

/// The same colours as those of names, in an order in which neighbours differ.
const LEGS: [u8; 12] = [31, 133, 64, 166, 68, 161, 29, 97, 130, 94, 99, 168];

/// Colours (of the 256 that terminals have) that can be read on a dark ground as well as on a light
/// one.
const NAMED: [u8; 12] = [29, 31, 64, 68, 94, 97, 99, 130, 133, 161, 166, 168];

/// The colour of a name, the same in every run.
pub(super) fn named(name: &[u8], text: &str) -> String {
    let at = usize::try_from(fnv1a(name) % NAMED.len() as u64).expect("less than the palette");
    text.color(XtermColors::from(NAMED[at])).to_string()
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo): the standard library's hash may change with its version.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Text without colours: each sequence from an escape to the next `m` is removed.
#[cfg(test)]
pub(super) fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of a colour of the 6x6x6 cube, as WCAG 2 has it.
    fn luminance(color: u8) -> f64 {
        let part = |weight: f64, step: u8| {
            let level = [0.0, 95.0, 135.0, 175.0, 215.0, 255.0][usize::from(step)] / 255.0;
            let linear: f64 = if level <= 0.03928 {
                level / 12.92
            } else {
                f64::powf((level + 0.055) / 1.055, 2.4)
            };
            weight * linear
        };
        let at = color - 16;
        part(0.2126, at / 36) + part(0.7152, at / 6 % 6) + part(0.0722, at % 6)
    }

    #[test]
    fn named_colours_are_read_on_black_and_on_white() {
        for color in NAMED {
            let light = luminance(color) + 0.05;
            assert!(light / 0.05 >= 3.0, "{color} on black: {}", light / 0.05);
            assert!(1.05 / light >= 3.0, "{color} on white: {}", 1.05 / light);
        }
    }

    #[test]
    fn no_two_legs_look_alike() {
        let legs: std::collections::BTreeSet<String> = (0..48).map(|at| leg(at, "x")).collect();
        assert_eq!(legs.len(), 48);
        let sorted = |mut colors: [u8; 12]| {
            colors.sort_unstable();
            colors
        };
        assert_eq!(sorted(LEGS), sorted(NAMED));
    }

    #[test]
    fn a_name_has_its_colour_for_good() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(named(b"0367", "x"), "\u{1b}[38;5;68mx\u{1b}[39m");
    }
}
