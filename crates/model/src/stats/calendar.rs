//! Finds the hour and the day in which a call began, in the displayed zone.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use foldhash::fast::FixedState;

use super::QUARTER_MILLIS;
use crate::record::Stamp;

/// An hour of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalHour {
    pub date: NaiveDate,
    /// The hour, 0 to 23. If the clocks are set back, the two hours with the same number count as one.
    pub hour: u8,
}

impl LocalHour {
    /// The day of the week: 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> u8 {
        u8::try_from(self.date.weekday().num_days_from_monday()).expect("it is less than 7")
    }
}

/// Computes each quarter of an hour once: the rules of a zone cost more than all other counting of a call.
#[derive(Debug)]
pub(super) struct Calendar<F> {
    local: F,
    known: HashMap<i64, (LocalHour, u8), FixedState>,
    /// The quarter of the last call: calls mostly come in order.
    last: Option<(i64, (LocalHour, u8))>,
}

impl<F: Fn(Stamp) -> LocalHour> Calendar<F> {
    pub(super) fn new(local: F) -> Calendar<F> {
        Calendar {
            local,
            known: HashMap::default(),
            last: None,
        }
    }

    /// The hour of a time, and its day of the week.
    pub(super) fn hour_of(&mut self, at: Stamp) -> (LocalHour, u8) {
        // The mark of a clock that was not changed is a whole number of quarters.
        let quarter = at.0.div_euclid(QUARTER_MILLIS);
        if let Some((last, hour)) = self.last
            && last == quarter
        {
            return hour;
        }
        let local = &self.local;
        let hour = *self.known.entry(quarter).or_insert_with(|| {
            let hour = local(at);
            (hour, hour.weekday())
        });
        self.last = Some((quarter, hour));
        hour
    }
}
