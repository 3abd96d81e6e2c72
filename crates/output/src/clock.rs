//! Record times as they are shown to people.

use calltrace_model::record::Zone;
use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};

use calltrace_model::record::{LogZone, Stamp};

/// Turns record times into times of the zone they are shown in.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The zone of record times.
    pub log: LogZone,
    /// The zone that times are shown in.
    pub shown: Zone,
}

impl Clock {
    /// The moment of a record.
    pub fn moment(&self, at: Stamp) -> DateTime<Zone> {
        self.log.moment(at).with_timezone(&self.shown)
    }

    /// `2025-11-30 12:07:35`
    pub fn date_time(&self, at: Stamp) -> String {
        self.moment(at).format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `12:07:35`
    pub fn time(&self, at: Stamp) -> String {
        self.moment(at).format("%H:%M:%S").to_string()
    }

    /// `12:07:35.410`
    pub fn time_millis(&self, at: Stamp) -> String {
        self.moment(at).format("%H:%M:%S%.3f").to_string()
    }

    /// `2025-11-30`
    pub fn date(&self, at: Stamp) -> String {
        self.moment(at).format("%Y-%m-%d").to_string()
    }

    /// `2025-11-30 12:07:35+03:00`
    pub fn date_time_offset(&self, at: Stamp) -> String {
        self.moment(at).format("%Y-%m-%d %H:%M:%S%:z").to_string()
    }

    /// The zone as it is at that time, for a headline: `Europe/Minsk, UTC+03:00`; only `UTC` or `UTC+03:00` for a
    /// zone that has no other name.
    pub fn zone(&self, at: Stamp) -> String {
        let moment = self.moment(at);
        let name = self.zone_name();
        if name.starts_with("UTC") {
            return name.to_owned();
        }
        format!("{name}, UTC{}", moment.format("%:z"))
    }

    /// The zone's offset as it is at that time, for the head of a column: `UTC`, `UTC+03:00`.
    pub fn offset(&self, at: Stamp) -> String {
        match self.zone_name() {
            "UTC" => "UTC".to_owned(),
            _ => format!("UTC{}", self.moment(at).format("%:z")),
        }
    }

    /// The offset to be written after each of these times, if they do not all have the same: a zone with summer
    /// time has two. `None` if they all have one, which the head can name.
    pub fn offsets(
        &self,
        mut times: impl Iterator<Item = Stamp>,
    ) -> Option<impl Fn(Stamp) -> String> {
        let seconds = |at| self.moment(at).offset().fix().local_minus_utc();
        let first = times.next().map(seconds)?;
        let clock = *self;
        times
            .any(|at| seconds(at) != first)
            .then_some(move |at| clock.moment(at).format("%:z").to_string())
    }

    /// The line above times with another day or offset than the times before it, which have those of `head`: `---
    /// 2025-12-03`, with the zone if its offset is another. `None` if both are the same.
    pub fn heading(&self, head: &mut (NaiveDate, i32), at: Stamp) -> Option<String> {
        let next = self.day_and_offset(at);
        let before = std::mem::replace(head, next);
        let zone = match next.1 == before.1 {
            true => String::new(),
            false => format!(" ({})", self.zone(at)),
        };
        (next != before).then(|| format!("--- {}{zone}", next.0))
    }

    /// The head above times: their day, and by how many seconds the zone is ahead of UTC then.
    pub fn day_and_offset(&self, at: Stamp) -> (NaiveDate, i32) {
        let moment = self.moment(at);
        (moment.date_naive(), moment.offset().fix().local_minus_utc())
    }

    /// The zone's name; `UTC` for all its names.
    pub fn zone_name(&self) -> &'static str {
        match self.shown.name() {
            "UTC" | "Etc/UTC" | "Etc/UCT" | "Etc/Universal" | "Etc/Zulu" => "UTC",
            other => other,
        }
    }

    /// RFC 3339 in UTC with milliseconds, for programs: `2025-11-30T09:07:35.410Z`.
    pub fn rfc3339(&self, at: Stamp) -> String {
        let utc: DateTime<Utc> = self.log.moment(at);
        Utc.from_utc_datetime(&utc.naive_utc())
            .format("%Y-%m-%dT%H:%M:%S%.3fZ")
            .to_string()
    }

    /// RFC 3339 in the shown zone with milliseconds and its offset, also if that is UTC's:
    /// `2025-11-30T12:07:35.410+03:00`.
    pub fn rfc3339_shown(&self, at: Stamp) -> String {
        let moment = self.moment(at);
        moment.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }
}
