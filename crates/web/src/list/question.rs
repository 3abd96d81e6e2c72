//! What the list is asked for: the form's fields read, the days they speak of, links to more.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};

use crate::pages::{DIRECTIONS, Filters, Language, ListLinks, Mistake};
use crate::request::{Malformed, Query};
use calltrace_model::call::{Criteria, Direction, Outcome};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::stats::QUARTER_MILLIS;
use calltrace_output::Clock;

/// Rows on one page.
pub(super) const ROWS: usize = 50;

/// Pages that can be leafed through; who wants more asks for fewer days.
const PAGES_MAX: usize = 100;

/// Longest extension.
const EXTENSION_CHARS_MAX: usize = 20;

/// The days that are looked at, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// All there are.
    All,
    /// All up to this one.
    UpTo(NaiveDate),
    /// Those between two.
    Days(NaiveDate, NaiveDate),
}

/// The form as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// What was typed.
    pub(super) filters: Filters,
    /// What of it makes no sense.
    pub(super) mistake: Option<Mistake>,
    /// The number that was typed.
    pub(super) phone: Option<PhoneQuery>,
    /// Which page of the rows, from 1.
    pub(super) page: usize,
    /// Calls that began at this time or later are left out: pages stay what they were while new
    /// calls come in (milliseconds of record time).
    pub(super) as_of: Option<Stamp>,
}

impl Asked {
    /// Reads the fields; what people may mistype becomes a mistake, what only links carry must be
    /// right.
    pub(super) fn read(query: &Query) -> Result<Asked, Malformed> {
        let text = |name: &str| -> Result<String, Malformed> {
            Ok(query.field(name)?.unwrap_or_default().trim().to_owned())
        };
        let number = |name: &str| -> Result<Option<i64>, Malformed> {
            let typed = text(name)?;
            if typed.is_empty() {
                return Ok(None);
            }
            typed.parse().map(Some).map_err(|_| Malformed)
        };
        let page = number("page")?.unwrap_or(1);
        let page = usize::try_from(page).map_err(|_| Malformed)?;
        if !(1..=PAGES_MAX).contains(&page) {
            return Err(Malformed);
        }
        let mut asked = Asked {
            filters: Filters {
                phone: text("phone")?,
                extension: text("ext")?,
                ..Filters::default()
            },
            mistake: None,
            phone: None,
            page,
            as_of: number("asof")?.map(Stamp),
        };
        let texts = [
            text("from")?,
            text("to")?,
            text("hours")?,
            text("direction")?,
            text("result")?,
        ];
        asked.mistake = asked.understand(&texts).err();
        Ok(asked)
    }

    fn understand(
        &mut self,
        [from, to, hours, direction, result]: &[String; 5],
    ) -> Result<(), Mistake> {
        let filters = &mut self.filters;
        filters.from = date(from)?;
        filters.to = date(to)?;
        filters.hours = hours_of(hours)?;
        filters.direction = chosen(direction, &DIRECTIONS, Direction::name)?;
        filters.outcome = chosen(result, &Outcome::ALL, Outcome::name)?;
        if matches!((filters.from, filters.to), (Some(from), Some(to)) if from > to) {
            return Err(Mistake::Order);
        }
        if filters.hours.is_some() && (filters.from.is_none() || filters.from != filters.to) {
            return Err(Mistake::Choice);
        }
        let is_dialled = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
        if filters.extension.len() > EXTENSION_CHARS_MAX
            || !filters.extension.chars().all(is_dialled)
        {
            return Err(Mistake::Extension);
        }
        if !filters.phone.is_empty() {
            let phone = PhoneQuery::parse(&filters.phone).map_err(|_| Mistake::Phone)?;
            self.phone = Some(phone);
        }
        Ok(())
    }

    /// The days asked for; with none given and no number to look for, today.
    pub(super) fn period(&self, today: NaiveDate) -> Period {
        match (self.filters.from, self.filters.to) {
            (Some(from), Some(to)) => Period::Days(from, to),
            (Some(from), None) => Period::Days(from, today.max(from)),
            (None, Some(to)) => Period::UpTo(to),
            (None, None) if self.phone.is_some() => Period::All,
            (None, None) => Period::Days(today, today),
        }
    }

    /// Whether no day was asked for: then the newest day that has calls will do.
    pub(super) fn is_of_no_day(&self) -> bool {
        self.filters.from.is_none() && self.filters.to.is_none() && self.phone.is_none()
    }

    /// What a call must be like.
    pub(super) fn criteria(&self, period: Period, clock: &Clock, now: Stamp) -> Criteria {
        let filters = &self.filters;
        let (since, until) = match period {
            Period::All => (None, None),
            Period::UpTo(to) => (None, day_begin(clock, to + Days::new(1))),
            Period::Days(from, to) => (day_begin(clock, from), day_begin(clock, to + Days::new(1))),
        };
        let (since, until) = match filters.hours {
            Some((from, to)) => (
                since.map(|day| hour_begin(clock, day, from)),
                since.map(|day| hour_begin(clock, day, to)).min(until),
            ),
            None => (since, until),
        };
        let until = match (until, self.as_of) {
            (Some(until), Some(as_of)) => Some(until.min(as_of)),
            (until, as_of) => until.or(as_of),
        };
        let extension = Some(filters.extension.clone()).filter(|text| !text.is_empty());
        Criteria {
            phone: self.phone.clone(),
            extension,
            direction: filters.direction,
            outcome: filters.outcome,
            since,
            until,
            now: Some(now),
            ..Criteria::default()
        }
    }
}

fn date(typed: &str) -> Result<Option<NaiveDate>, Mistake> {
    if typed.is_empty() {
        return Ok(None);
    }
    let date = NaiveDate::parse_from_str(typed, "%Y-%m-%d").map_err(|_| Mistake::Date)?;
    // Days that no log has and whose neighbours no calendar has.
    let years = 1970..=9000;
    let known = years.contains(&chrono::Datelike::year(&date));
    known.then_some(Some(date)).ok_or(Mistake::Date)
}

fn chosen<T: Copy>(
    typed: &str,
    offered: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, Mistake> {
    let chosen = offered.iter().copied().find(|one| name(*one) == typed);
    match typed.is_empty() || chosen.is_some() {
        true => Ok(chosen),
        false => Err(Mistake::Choice),
    }
}

/// The first moment of a day in the zone that is shown; where clocks are put forward at midnight,
/// the first that there is; where a whole day was left out, that of the next.
fn day_begin(clock: &Clock, day: NaiveDate) -> Option<Stamp> {
    let midnight = day.and_time(NaiveTime::MIN);
    let hours = (0..=24).map(|hour| midnight + TimeDelta::hours(hour));
    let mut moments = hours.filter_map(|time| clock.shown.from_local_datetime(&time).earliest());
    let moment: DateTime<Utc> = moments.next()?.with_timezone(&Utc);
    Some(clock.log.stamp(moment))
}

/// The moment of a day at which the shown clocks have this hour (0 to 24), or the first after it; the day
/// itself where they never have.
fn hour_begin(clock: &Clock, day: Stamp, hour: u32) -> Stamp {
    let quarters = (0..=26 * 4).map(|quarter| day.plus_millis(quarter * QUARTER_MILLIS));
    let date = clock.moment(day).date_naive();
    let passed = |at: &Stamp| {
        let moment = clock.moment(*at);
        moment.date_naive() > date || moment.hour() >= hour
    };
    quarters.clone().find(passed).unwrap_or(day)
}

/// `8-10`: from eight, until ten.
fn hours_of(typed: &str) -> Result<Option<(u32, u32)>, Mistake> {
    if typed.is_empty() {
        return Ok(None);
    }
    let (from, to) = typed.split_once('-').ok_or(Mistake::Choice)?;
    let hour = |text: &str| text.parse().ok().filter(|hour| *hour <= 24);
    match (hour(from), hour(to)) {
        (Some(from), Some(to)) if from < to => Ok(Some((from, to))),
        _ => Err(Mistake::Choice),
    }
}

/// The day in the shown zone that a call began on.
pub(super) fn day_of(clock: &Clock, at: Stamp) -> NaiveDate {
    clock.moment(at).date_naive()
}

/// Where links on the list lead: to itself, with other fields.
pub(super) struct Address<'a> {
    pub(super) token: &'a str,
    pub(super) language: Language,
    pub(super) asked: &'a Asked,
    pub(super) period: Period,
    pub(super) today: NaiveDate,
    /// As of when the rows are told.
    pub(super) as_of: Stamp,
    /// There are rows after those of this page.
    pub(super) has_older: bool,
}

impl Address<'_> {
    pub(super) fn links(&self) -> ListLinks {
        let filters = &self.asked.filters;
        let link = |filters: &Filters| filters.link(self.token, self.language);
        let page = |page: usize| match page {
            1 => link(&self.fixed()),
            _ => format!("{}&page={page}&asof={}", link(&self.fixed()), self.as_of.0),
        };
        let day = |day: NaiveDate| link(&filters.on(day, day));
        let (before, after) = match self.period {
            Period::Days(from, to) if self.asked.phone.is_none() => (
                from.checked_sub_days(Days::new(1)).map(day),
                to.checked_add_days(Days::new(1))
                    .filter(|day| *day <= self.today)
                    .map(day),
            ),
            _ => (None, None),
        };
        let ago = |days: u64| self.today - Days::new(days);
        let spans = [(ago(0), ago(0)), (ago(1), ago(1)), (ago(6), ago(0))];
        let tab = |is_here: bool, filters: Filters| (!is_here).then(|| link(&filters));
        let other = self.language.of(Language::English, Language::Russian);
        let of_outcome = |outcome: Option<Outcome>| Filters {
            outcome,
            ..self.fixed()
        };
        let at = self.asked.page;
        ListLinks {
            all: link(&Filters::default()),
            language: filters.link(self.token, other),
            newer: (at > 1).then(|| page(at - 1)),
            older: (self.has_older && at < PAGES_MAX).then(|| page(at + 1)),
            is_cut: self.has_older && at == PAGES_MAX,
            day_before: before,
            day_after: after,
            spans: spans.map(|(from, to)| {
                let is_here = self.period == Period::Days(from, to) && filters.hours.is_none();
                tab(is_here, filters.on(from, to))
            }),
            outcomes: [None, Some(Outcome::Missed)]
                .map(|outcome| tab(filters.outcome == outcome, of_outcome(outcome))),
        }
    }

    /// The filters with the days that were looked at: the next page is of the same days, also
    /// tomorrow.
    pub(super) fn fixed(&self) -> Filters {
        let filters = &self.asked.filters;
        match self.period {
            Period::Days(from, to) => Filters {
                hours: filters.hours,
                ..filters.on(from, to)
            },
            _ => filters.clone(),
        }
    }
}
