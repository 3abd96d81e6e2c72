//! Statistics of many calls: how many, how long, by hour, person or line, and who was not called back. Pure.
//!
//! [`Counting`] takes calls one by one, as a [`StatsCall`] each, and gives [`Stats`]. [`Contacts`] answers for one
//! missed call whether the client was called back. Both borrow what they are given and keep numbers, so a table of
//! calls can be counted without a [`crate::call::Summary`] of each. Calls come in any order.

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

/// A quarter of an hour (milliseconds): hours of every zone begin at one.
pub const QUARTER_MILLIS: i64 = 15 * 60_000;
