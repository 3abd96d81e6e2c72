//! What a list is asked for, and the link that asks for it.

use chrono::NaiveDate;

use super::Language;
use crate::request::in_query;
use calltrace_model::call::{Direction, Outcome};

/// What is typed into the form, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// A phone number in any form, or what a caller without one shows.
    pub phone: String,
    /// An extension.
    pub extension: String,
    /// A line, as logs name it.
    pub line: String,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day, inclusive.
    pub to: Option<NaiveDate>,
    /// Of each day only these hours, from and to, the second exclusive: 0 to 24.
    pub hours: Option<(u32, u32)>,
    /// Only this day of each week: 0 for Monday to 6 for Sunday.
    pub weekday: Option<u8>,
    /// Which way.
    pub direction: Option<Direction>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl Filters {
    /// Nothing is asked for but the newest.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }

    /// The same of all these days, whole.
    pub fn on(&self, from: NaiveDate, to: NaiveDate) -> Filters {
        Filters {
            from: Some(from),
            to: Some(to),
            hours: None,
            weekday: None,
            ..self.clone()
        }
    }

    /// Where the list with these filters is, relative to any list: `token` opens it.
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

/// What of the form can't be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Neither a phone number nor what a caller without one shows.
    Phone,
    /// No extension: digits, `*` and `#`, 20 at most.
    Extension,
    /// No date of the form 2025-11-30.
    Date,
    /// The first day is after the last.
    Order,
    /// No such hours, day of the week, line, direction or result.
    Choice,
}

/// Directions that the form offers.
pub(crate) const DIRECTIONS: [Direction; 3] = [
    Direction::Incoming,
    Direction::Outgoing,
    Direction::Internal,
];
