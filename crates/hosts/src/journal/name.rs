//! Names of journal files.

use chrono::NaiveDate;

const PREFIX: &str = "Listen_AMI_";
const SUFFIX: &str = ".db";

/// The day of a journal, from its file name; `None` if it is not the name of a journal.
pub fn day_of_name(name: &str) -> Option<NaiveDate> {
    day(name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?)
}

/// The name of the journal of a day: `Listen_AMI_2025-12-02.db`.
pub fn name_of_day(day: NaiveDate) -> String {
    format!("{PREFIX}{}{SUFFIX}", day.format("%Y-%m-%d"))
}

/// A day as names contain it, `2025-12-02`; `None` for anything else.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let is_of_form = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_of_form
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_are_known_by_the_form_of_their_names() {
        let day = NaiveDate::from_ymd_opt(2025, 12, 2).expect("a day");
        assert_eq!(day_of_name("Listen_AMI_2025-12-02.db"), Some(day));
        assert_eq!(name_of_day(day), "Listen_AMI_2025-12-02.db");
        for none in [
            "Listen_AMI_2025-12-02.db-journal",
            "Listen_AMI_2025-12-2.db",
            "Listen_AMI_2025-13-01.db",
            "Listen_AMI_+025-12-02.db",
            "Listen_AMI_2025-12-02.DB",
            "../Listen_AMI_2025-12-02.db",
            "",
        ] {
            assert_eq!(day_of_name(none), None, "{none}");
        }
    }
}
