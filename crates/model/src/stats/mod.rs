//! Statistics of many calls: how many, how long, by hour, person or line, and which clients were not called
//! back. Pure.
//!
//! [`Counting`] takes calls one by one as [`StatsCall`]s, and gives [`Stats`]. [`Contacts`] finds whether the
//! client of a missed call was called back. Both borrow the calls and keep only numbers, so a table of calls
//! can be counted without a [`crate::call::Summary`] of each. Calls may come in any order.

mod calendar;
mod contacts;
mod counting;
mod group;
mod grouping;
mod input;
mod name_table;
mod outcomes;
mod sample;
#[cfg(test)]
mod tests;

pub use calendar::LocalHour;
pub use contacts::{Contacts, Fate, Fates, Returns, criteria_after, end_of};
pub use counting::{CallbackPerson, Counting, HostRequests, Stats, UnreturnedCall, WeekCounts};
pub use group::{Figures, Group, GroupBy, GroupKey};
pub use input::{NameList, Requests, StatsCall, StatsRequest};
pub use outcomes::Outcomes;
pub use sample::Spread;

/// A quarter of an hour (milliseconds): in every zone, hours begin at a whole quarter.
pub const QUARTER_MILLIS: i64 = 15 * 60_000;
