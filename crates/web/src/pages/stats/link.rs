//! The days of statistics, and the link to them.

use chrono::{Days, NaiveDate};

use crate::pages::Language;
use crate::request::in_query;

/// The number of days of statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatsSpan {
    /// One day.
    Day,
    /// Seven days.
    #[default]
    Week,
    /// Fourteen days.
    TwoWeeks,
}

impl StatsSpan {
    /// All spans, the shortest first.
    pub const ALL: [StatsSpan; 3] = [StatsSpan::Day, StatsSpan::Week, StatsSpan::TwoWeeks];

    /// The name in links.
    pub const fn name(self) -> &'static str {
        match self {
            StatsSpan::Day => "day",
            StatsSpan::Week => "week",
            StatsSpan::TwoWeeks => "two-weeks",
        }
    }

    /// The number of days.
    pub const fn days(self) -> u64 {
        match self {
            StatsSpan::Day => 1,
            StatsSpan::Week => 7,
            StatsSpan::TwoWeeks => 14,
        }
    }

    /// Returns the first day of the span that ends with `last`.
    pub fn first(self, last: NaiveDate) -> NaiveDate {
        last - Days::new(self.days() - 1)
    }
}

/// The parameters of a link to statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatsLink {
    /// The number of days.
    pub span: StatsSpan,
    /// The last of the days; `None` for today.
    pub date: Option<NaiveDate>,
}

impl StatsLink {
    /// Returns the shortest span that holds these days; if there are too many, the span of the last ones.
    pub fn around(from: NaiveDate, to: NaiveDate) -> StatsLink {
        let mut spans = StatsSpan::ALL.into_iter();
        StatsLink {
            span: spans
                .find(|span| span.first(to) <= from)
                .unwrap_or(StatsSpan::TwoWeeks),
            date: Some(to),
        }
    }

    /// Returns the address, relative to any other statistics; `token` opens them.
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
            (30, StatsSpan::Day),
            (29, StatsSpan::Week),
            (24, StatsSpan::Week),
            (23, StatsSpan::TwoWeeks),
            (1, StatsSpan::TwoWeeks),
        ] {
            let around = StatsLink::around(day(from), day(30));
            assert_eq!((around.span, around.date), (span, Some(day(30))), "{from}");
        }
    }
}
