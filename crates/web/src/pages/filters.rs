//! What a list is asked for, and the link that asks for it.

use chrono::NaiveDate;

use super::Language;
use crate::request::in_query;
use calltrace_model::call::{Direction, Outcome};

/// What is typed into the form, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// A phone number in any form.
    pub phone: String,
    /// An extension.
    pub extension: String,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day, inclusive.
    pub to: Option<NaiveDate>,
    /// Of one day only these hours, from and to, the second exclusive: 0 to 24.
    pub hours: Option<(u32, u32)>,
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

    /// The same of all hours of these days.
    pub fn on(&self, from: NaiveDate, to: NaiveDate) -> Filters {
        Filters {
            from: Some(from),
            to: Some(to),
            hours: None,
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
            ("from", date(self.from)),
            ("to", date(self.to)),
            ("hours", self.hours.map(|(from, to)| format!("{from}-{to}"))),
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
    /// No phone number, or fewer than seven digits of one.
    Phone,
    /// No extension: digits, `*` and `#`, 20 at most.
    Extension,
    /// No date of the form 2025-11-30.
    Date,
    /// The first day is after the last.
    Order,
    /// No such hours, direction or result.
    Choice,
}

/// Directions that the form offers.
pub(crate) const DIRECTIONS: [Direction; 3] = [
    Direction::Incoming,
    Direction::Outgoing,
    Direction::Internal,
];
