//! Numbers of clients in a notice, masked.

use std::mem;

use crate::finding::{FigureValue, Finding, ScopePart};
use crate::notice::Notice;

/// How many of the last digits stay readable.
const DIGITS_SHOWN: usize = 4;

/// A run of digits that is this long in a text is taken for a number.
const PHONE_DIGITS_MIN: usize = 9;

/// The notice with only the last four digits of clients' numbers, also of those within texts.
pub(super) fn masked(notice: &Notice) -> Notice {
    let mut notice = notice.clone();
    let resolved = notice.resolved.iter_mut().map(|over| &mut over.finding);
    for finding in notice.firing.iter_mut().chain(resolved) {
        mask(finding);
    }
    notice
}

fn mask(finding: &mut Finding) {
    if let Some(ScopePart::Client(number)) = &mut finding.scope.part {
        *number = masked_number(number);
    }
    for figure in &mut finding.figures {
        match &mut figure.value {
            FigureValue::Phone(number) => *number = masked_number(number),
            FigureValue::Text(text) => *text = masked_text(text),
            _ => {}
        }
    }
}

fn masked_number(number: &str) -> String {
    let hidden = number.chars().count().saturating_sub(DIGITS_SHOWN);
    let shown = number.chars().skip(hidden);
    let stars = std::iter::repeat_n('*', hidden);
    stars.chain(shown).collect()
}

fn masked_text(text: &str) -> String {
    let (mut masked, mut digits) = (String::new(), String::new());
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let run = mem::take(&mut digits);
        match run.len() < PHONE_DIGITS_MIN {
            true => masked.push_str(&run),
            false => masked.push_str(&masked_number(&run)),
        }
        masked.push(c);
    }
    masked.pop();
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_digits_of_a_number_stay() {
        for (number, shown) in [
            ("375295305942", "********5942"),
            ("5942", "5942"),
            ("", ""),
            ("анонимный", "*****мный"),
        ] {
            assert_eq!(masked_number(number), shown);
        }
        for (text, shown) in [
            (
                "call from 375295305942, line 0001363",
                "call from ********5942, line 0001363",
            ),
            ("375295305942", "********5942"),
            ("17 of 103", "17 of 103"),
        ] {
            assert_eq!(masked_text(text), shown);
        }
    }
}
