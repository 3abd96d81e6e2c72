//! The filters of the list of calls, and the link to the list with these filters.

use chrono::NaiveDate;

use super::Language;
use crate::request::in_query;
use calltrace_model::call::{Direction, Outcome};

/// The fields of the form, as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// A phone number in any form, or what is shown for a caller without one.
    pub phone: String,
    /// An extension.
    pub extension: String,
    /// A line, by its name in logs.
    pub line: String,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day, inclusive.
    pub to: Option<NaiveDate>,
    /// The hours of each day, from and to, the second exclusive: 0 to 24.
    pub hours: Option<(u32, u32)>,
    /// The day of each week: 0 for Monday to 6 for Sunday.
    pub weekday: Option<u8>,
    /// The direction.
    pub direction: Option<Direction>,
    /// The outcome.
    pub outcome: Option<Outcome>,
}

impl Filters {
    /// Whether no filter is set.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }

    /// Returns the same filters for these whole days.
    pub fn on(&self, from: NaiveDate, to: NaiveDate) -> Filters {
        Filters {
            from: Some(from),
            to: Some(to),
            hours: None,
            weekday: None,
            ..self.clone()
        }
    }

    /// Returns the address of the list with these filters, relative to any list; `token` opens it.
    pub fn link(&self, token: &str, language: Language) -> String {
        let mut link = format!("?token={}&lang={}", in_query(token), language.tag());
        let date = |date: Option<NaiveDate>| date.map(|date| date.to_string());
        let fields = [
            ("phone", Some(self.phone.clone())),
            ("ext", Some(self.extension.clone())),
            ("line", Some(self.line.clone())),
            ("from", date(self.from)),
            ("to", date(self.to)),
            ("hours", self.hours.map(|(from, to)| format!("{from}-{to}"))),
            ("weekday", self.weekday.map(|day| (day + 1).to_string())),
            ("direction", self.direction.map(|it| it.name().to_owned())),
            ("result", self.outcome.map(|it| it.name().to_owned())),
        ];
        for (name, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                link.push_str(&format!("&{name}={}", in_query(&value)));
            }
        }
        link
    }
}

/// A field of the form that can't be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The text is neither a phone number nor what is shown for a caller without one.
    Phone,
    /// The text is not an extension: digits, `*` and `#`, at most 20.
    Extension,
    /// The text is not a date of the form 2025-11-30.
    Date,
    /// The first day is after the last.
    Order,
    /// There are no such hours, day of the week, line, direction or result.
    Choice,
}

/// The directions that the form offers.
pub(crate) const DIRECTIONS: [Direction; 3] = [
    Direction::Incoming,
    Direction::Outgoing,
    Direction::Internal,
];
