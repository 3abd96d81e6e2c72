//! Which days statistics are of, and the link that asks for them.

use chrono::{Days, NaiveDate};

use crate::pages::Language;
use crate::request::in_query;

/// How many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    /// One.
    Day,
    /// Seven.
    #[default]
    Week,
    /// Fourteen.
    TwoWeeks,
}

impl Span {
    /// All there are, the shortest first.
    pub const ALL: [Span; 3] = [Span::Day, Span::Week, Span::TwoWeeks];

    /// As links have it.
    pub const fn name(self) -> &'static str {
        match self {
            Span::Day => "day",
            Span::Week => "week",
            Span::TwoWeeks => "two-weeks",
        }
    }

    /// How many days.
    pub const fn days(self) -> u64 {
        match self {
            Span::Day => 1,
            Span::Week => 7,
            Span::TwoWeeks => 14,
        }
    }

    /// The first day where `last` is the last.
    pub fn first(self, last: NaiveDate) -> NaiveDate {
        last - Days::new(self.days() - 1)
    }
}

/// What a link to statistics asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatsLink {
    /// How many days.
    pub span: Span,
    /// The last of them; `None` for today.
    pub date: Option<NaiveDate>,
}

impl StatsLink {
    /// The shortest span that holds these days; of too many the last ones.
    pub fn around(from: NaiveDate, to: NaiveDate) -> StatsLink {
        let mut spans = Span::ALL.into_iter();
        StatsLink {
            span: spans
                .find(|span| span.first(to) <= from)
                .unwrap_or(Span::TwoWeeks),
            date: Some(to),
        }
    }

    /// Where they are, relative to any other statistics: `token` opens them.
    pub fn link(&self, token: &str, language: Language) -> String {
        let (token, language, span) = (in_query(token), language.tag(), self.span.name());
        let date = self
            .date
            .map_or(String::new(), |date| format!("&date={date}"));
        format!("?token={token}&lang={language}&period={span}{date}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_lead_to_the_shortest_span_that_holds_them() {
        let day = |day| NaiveDate::from_ymd_opt(2025, 11, day).expect("a day");
        for (from, span) in [
            (30, Span::Day),
            (29, Span::Week),
            (24, Span::Week),
            (23, Span::TwoWeeks),
            (1, Span::TwoWeeks),
        ] {
            let around = StatsLink::around(day(from), day(30));
            assert_eq!((around.span, around.date), (span, Some(day(30))), "{from}");
        }
    }
}
