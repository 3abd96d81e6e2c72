//! Phone numbers as people write them.

use calltrace_model::sanitise::sanitise;

/// `+375 29 000-12-34` and `+7 900 000-12-34`; anything else as it is.
pub fn phone(digits: &str) -> String {
    match parts(digits) {
        Some((country, rest)) => format!("+{country} {rest}"),
        None => sanitise(digits.as_bytes()).into_owned(),
    }
}

/// A number as [`phone`] writes it, without the country's code: `29 000-12-34`.
pub(super) fn local(digits: &str) -> String {
    parts(digits).map_or_else(|| phone(digits), |(_, rest)| rest)
}

/// The country's code, and the rest as people write it.
fn parts(digits: &str) -> Option<(&str, String)> {
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    let (country, area) = match digits.len() {
        12 if all_digits && digits.starts_with("375") => (3, 2),
        11 if all_digits && digits.starts_with('7') => (1, 3),
        _ => return None,
    };
    let (country, rest) = digits.split_at(country);
    let (area, number) = rest.split_at(area);
    let (first, middle, last) = (&number[..3], &number[3..5], &number[5..]);
    Some((country, format!("{area} {first}-{middle}-{last}")))
}

/// `412,345`, with that sign between thousands.
pub fn grouped(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_grouped_and_strange_ones_kept() {
        assert_eq!(phone("375290001234"), "+375 29 000-12-34");
        assert_eq!(phone("79000001234"), "+7 900 000-12-34");
        assert_eq!(local("375290001234"), "29 000-12-34");
        assert_eq!(phone("151"), "151");
        assert_eq!(local("151"), "151");
        assert_eq!(phone("\u{1b}[2J"), "\\u{1b}[2J");
    }
}
