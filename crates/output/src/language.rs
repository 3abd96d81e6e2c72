//! The language of a text for people, and the phrases that pages and messages share.

use crate::number::grouped;
use crate::stats::StatsWords;
use crate::story::{Voice, form};
use calltrace_model::call::{Direction, Outcome};

/// The languages of pages and messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Language {
    /// Russian.
    #[default]
    Russian,
    /// English.
    English,
}

impl Language {
    /// Chooses the language that `?lang=ru|en` asks for; otherwise the preferred one of `Accept-Language`
    /// (RFC 9110, 12.5.4); otherwise `fallback`.
    pub fn choose(
        asked: Option<&str>,
        accept_language: Option<&str>,
        fallback: Language,
    ) -> Language {
        asked
            .and_then(Language::of_tag)
            .or_else(|| accept_language.and_then(best_liked))
            .unwrap_or(fallback)
    }

    /// Reads `ru`, `en` or `en-GB`, in any case; returns `None` for another language.
    pub fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next()?;
        match primary.to_ascii_lowercase().as_str() {
            // Most speakers of these languages read Russian better than English.
            "ru" | "be" | "uk" | "kk" => Some(Language::Russian),
            "en" => Some(Language::English),
            _ => None,
        }
    }

    /// Returns the tag of the language, for `lang=` and `?lang=`.
    pub fn tag(self) -> &'static str {
        self.of("ru", "en")
    }

    /// Returns the wording for the story of a call.
    pub fn voice(self) -> Voice {
        self.of(Voice::Russian, Voice::English)
    }

    /// Returns the one of two texts that is in this language.
    pub fn of<T>(self, russian: T, english: T) -> T {
        match self {
            Language::Russian => russian,
            Language::English => english,
        }
    }

    /// Returns the number with the matching form of the word: `5 звонков`, `1 call`.
    pub fn count(self, n: usize, russian: [&str; 3], english: [&str; 2]) -> String {
        let word = form(n, self.of(&russian[..], &english));
        format!("{}\u{a0}{word}", self.number(n))
    }

    /// Formats a number: `12 345` and `12,345`.
    pub fn number(self, n: usize) -> String {
        grouped(n as u64, self.of('\u{a0}', ','))
    }

    /// Formats a duration: `1 мин 52 с`, `1 min 52 s`; up to a second in tenths.
    pub fn duration(self, millis: i64) -> String {
        let sign = if millis < 0 { "−" } else { "" };
        let millis = millis.abs();
        let seconds = millis / 1000;
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let (h, m, s) = self.of(("ч", "мин", "с"), ("h", "min", "s"));
        let text = if millis < 1000 {
            format!("0{}{}\u{a0}{s}", self.of(',', '.'), millis / 100)
        } else if hours > 0 {
            format!("{hours}\u{a0}{h} {minutes}\u{a0}{m}")
        } else if minutes > 0 && rest > 0 {
            format!("{minutes}\u{a0}{m} {rest}\u{a0}{s}")
        } else if minutes > 0 {
            format!("{minutes}\u{a0}{m}")
        } else {
            format!("{rest}\u{a0}{s}")
        };
        format!("{sign}{text}")
    }

    /// Names a direction.
    pub fn direction(self, direction: Direction) -> &'static str {
        match direction {
            Direction::Incoming => self.of("Входящий звонок", "Incoming call"),
            Direction::Outgoing => self.of("Исходящий звонок", "Outgoing call"),
            Direction::Internal => self.of("Внутренний звонок", "Internal call"),
            Direction::Unknown => self.of("Звонок", "Call"),
        }
    }

    /// Names a direction in one word, for a row.
    pub fn way(self, direction: Direction) -> &'static str {
        match direction {
            Direction::Incoming => self.of("входящий", "incoming"),
            Direction::Outgoing => self.of("исходящий", "outgoing"),
            Direction::Internal => self.of("внутренний", "internal"),
            Direction::Unknown => self.of("неизвестно", "unknown"),
        }
    }

    /// Names an outcome; the words differ by direction, and `None` stands for any.
    pub fn outcome(self, outcome: Outcome, direction: Option<Direction>) -> &'static str {
        match (outcome, direction) {
            (Outcome::Answered, Some(Direction::Outgoing | Direction::Internal)) => {
                self.of("Дозвонились", "Reached")
            }
            (Outcome::Answered, Some(_)) => self.of("Принят", "Answered"),
            (Outcome::Answered, None) => self.of("С ответом", "Answered"),
            (Outcome::Missed, _) => self.of("Пропущен", "Missed"),
            (Outcome::NotReached, _) => self.of("Недозвон", "Not reached"),
            (Outcome::Busy, _) => self.of("Занято", "Busy"),
            (Outcome::InProgress, _) => self.of("Идёт разговор", "In progress"),
            (Outcome::Unknown, _) => self.of("Конец не записан", "No end logged"),
        }
    }

    /// The same as [`Language::of`], as a `String`.
    pub fn text(self, russian: &str, english: &str) -> String {
        self.of(russian, english).to_owned()
    }

    /// `и ещё 3`, `and 3 more`.
    pub fn more(self, n: usize) -> String {
        self.of(format!("и ещё {n}"), format!("and {n} more"))
    }

    /// Returns the short name of a weekday: 0 for Monday to 6 for Sunday.
    pub fn weekday(self, day: usize) -> &'static str {
        let days = self.of(
            ["Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс"],
            StatsWords::ENGLISH.weekdays,
        );
        days[day]
    }

    /// `12 звонков, пропущено 3`; only the first part if none was missed.
    pub fn calls_and_missed(self, calls: usize, missed: usize) -> String {
        let all = self.count(calls, ["звонок", "звонка", "звонков"], ["call", "calls"]);
        match missed {
            0 => all,
            n => format!(
                "{all}, {} {}",
                self.of("пропущено", "missed"),
                self.number(n)
            ),
        }
    }

    /// Formats a day: `2 декабря 2025`, `2 December 2025`.
    pub fn day(self, day: chrono::NaiveDate) -> String {
        use chrono::Datelike;
        let months = self.of(
            [
                "января",
                "февраля",
                "марта",
                "апреля",
                "мая",
                "июня",
                "июля",
                "августа",
                "сентября",
                "октября",
                "ноября",
                "декабря",
            ],
            [
                "January",
                "February",
                "March",
                "April",
                "May",
                "June",
                "July",
                "August",
                "September",
                "October",
                "November",
                "December",
            ],
        );
        format!(
            "{} {} {}",
            day.day(),
            months[day.month0() as usize],
            day.year()
        )
    }

    /// Formats a day or a range of days: `26 ноября 2025 – 2 декабря 2025`.
    pub fn days(self, from: chrono::NaiveDate, to: chrono::NaiveDate) -> String {
        match from == to {
            true => self.day(from),
            false => format!("{} – {}", self.day(from), self.day(to)),
        }
    }
}

/// Returns the known language with the greatest weight; the first one of equal weight.
fn best_liked(accepted: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for part in accepted.split(',').take(32) {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = parameters.trim().strip_prefix("q=");
        let weight = weight.map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
        let (Some(language), Some(weight)) = (Language::of_tag(tag), weight) else {
            continue;
        };
        if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Russian};

    #[test]
    fn the_requested_language_wins_then_the_preferred_one() {
        for (asked, accepted, want) in [
            (Some("en"), Some("ru"), English),
            (Some("EN-us"), None, English),
            (Some("fr"), Some("en"), English),
            (None, Some("en-GB,en;q=0.9,ru;q=0.8"), English),
            (None, Some("de,ru;q=0.9,en;q=0.8"), Russian),
            (None, Some("en;q=0,ru;q=0.1"), Russian),
            (None, Some("be-BY, en;q=0.5"), Russian),
            (None, Some("de, *;q=0.5"), Russian),
            (None, Some(";;q=,\u{0},q=x"), Russian),
            (None, None, Russian),
        ] {
            let chosen = Language::choose(asked, accepted, Russian);
            assert_eq!(chosen, want, "{asked:?} {accepted:?}");
        }
        assert_eq!(Language::choose(None, Some("de"), English), English);
    }

    #[test]
    fn numbers_go_with_their_words() {
        let calls = |n| Russian.count(n, ["звонок", "звонка", "звонков"], ["call", "calls"]);
        for (n, text) in [
            (0, "0 звонков"),
            (1, "1 звонок"),
            (2, "2 звонка"),
            (11, "11 звонков"),
            (12, "12 звонков"),
            (21, "21 звонок"),
            (114, "114 звонков"),
            (1004, "1 004 звонка"),
        ] {
            assert_eq!(calls(n).replace('\u{a0}', " "), text);
        }
        assert_eq!(
            English.count(1, ["", "", ""], ["call", "calls"]),
            "1\u{a0}call"
        );
        assert_eq!(English.number(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_are_in_words() {
        for (millis, text) in [
            (410, "0,4 с"),
            (14_000, "14 с"),
            (112_000, "1 мин 52 с"),
            (120_000, "2 мин"),
            (3_725_000, "1 ч 2 мин"),
        ] {
            assert_eq!(Russian.duration(millis).replace('\u{a0}', " "), text);
        }
        assert_eq!(English.duration(-2_000), "−2\u{a0}s");
    }
}
