//! The question to the list: the form's fields, the days they select, and the links to further pages.

use chrono::{Datelike, Days, NaiveDate};

use crate::days::{day_begin, day_named, hour_begin};
use crate::pages::{DIRECTIONS, Filters, Language, ListLinks, Mistake, StatsLink, StatsSpan};
use crate::request::{Malformed, Query};
use calltrace_model::call::{Criteria, Direction, Outcome};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_output::Clock;
use calltrace_store::tree::EnterpriseName;

/// Rows on one page.
pub(super) const ROWS: usize = 50;

/// The number of pages that links lead to; for more rows, fewer days must be asked for.
const PAGES_MAX: usize = 100;

/// The longest extension (characters).
const EXTENSION_CHARS_MAX: usize = 20;

/// The longest name of a line (characters).
const LINE_CHARS_MAX: usize = 40;

/// The largest number of days for which hours or days of the week can be selected, because each day is a
/// search of its own.
const SPLIT_DAYS_MAX: i64 = 31;

/// The days that are searched, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListDays {
    All,
    /// All days up to this one.
    UpTo(NaiveDate),
    /// The days from the first to the second.
    Days(NaiveDate, NaiveDate),
}

/// The form as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListRequest {
    pub(super) filters: Filters,
    /// Why the fields can't be understood.
    pub(super) mistake: Option<Mistake>,
    /// The phone number, parsed.
    pub(super) phone: Option<PhoneQuery>,
    /// The page of the rows, from 1.
    pub(super) page: usize,
    /// Calls that began at this time or later are left out, so that pages stay the same while new calls
    /// arrive (milliseconds of record time).
    pub(super) as_of: Option<Stamp>,
}

impl ListRequest {
    /// Reads the fields. A field that people type may become a mistake; a field that only links set must
    /// be right.
    pub(super) fn read(query: &Query) -> Result<ListRequest, Malformed> {
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
        let mut asked = ListRequest {
            filters: Filters {
                phone: text("phone")?,
                extension: text("ext")?,
                line: text("line")?,
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
            text("weekday")?,
            text("direction")?,
            text("result")?,
        ];
        asked.mistake = asked.understand(&texts).err();
        Ok(asked)
    }

    fn understand(
        &mut self,
        [from, to, hours, weekday, direction, result]: &[String; 6],
    ) -> Result<(), Mistake> {
        let filters = &mut self.filters;
        filters.from = date(from)?;
        filters.to = date(to)?;
        filters.hours = hours_of(hours)?;
        filters.weekday = weekday_of(weekday)?;
        filters.direction = chosen(direction, &DIRECTIONS, Direction::name)?;
        filters.outcome = chosen(result, &Outcome::ALL, Outcome::name)?;
        if matches!((filters.from, filters.to), (Some(from), Some(to)) if from > to) {
            return Err(Mistake::Order);
        }
        if filters.hours.is_some() || filters.weekday.is_some() {
            let (Some(from), Some(to)) = (filters.from, filters.to) else {
                return Err(Mistake::Choice);
            };
            if (to - from).num_days() >= SPLIT_DAYS_MAX {
                return Err(Mistake::Choice);
            }
        }
        let is_odd = filters.line.chars().any(char::is_control);
        if is_odd || filters.line.chars().count() > LINE_CHARS_MAX {
            return Err(Mistake::Choice);
        }
        let is_dialled = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
        if filters.extension.len() > EXTENSION_CHARS_MAX
            || !filters.extension.chars().all(is_dialled)
        {
            return Err(Mistake::Extension);
        }
        if !filters.phone.is_empty() {
            let phone = PhoneQuery::typed(&filters.phone).map_err(|_| Mistake::Phone)?;
            self.phone = Some(phone);
        }
        Ok(())
    }

    /// Returns the days asked for; today if neither days nor a number were given.
    pub(super) fn period(&self, today: NaiveDate) -> ListDays {
        match (self.filters.from, self.filters.to) {
            (Some(from), Some(to)) => ListDays::Days(from, to),
            (Some(from), None) => ListDays::Days(from, today.max(from)),
            (None, Some(to)) => ListDays::UpTo(to),
            (None, None) if self.phone.is_some() => ListDays::All,
            (None, None) => ListDays::Days(today, today),
        }
    }

    /// Whether no day was asked for; then the newest day that has calls is shown.
    pub(super) fn names_no_day(&self) -> bool {
        self.filters.from.is_none() && self.filters.to.is_none() && self.phone.is_none()
    }

    /// Returns the time ranges to search, the newest first: one, or one for each day if hours or a day of the
    /// week were selected.
    pub(super) fn windows(&self, period: ListDays, clock: &Clock) -> Vec<ListTimeRange> {
        let end_of = |day: NaiveDate| day_begin(clock, day + Days::new(1));
        let (from, to) = match period {
            ListDays::All => return vec![(None, None)],
            ListDays::UpTo(to) => return vec![(None, end_of(to))],
            ListDays::Days(from, to) => (from, to),
        };
        let (hours, weekday) = (self.filters.hours, self.filters.weekday);
        if hours.is_none() && weekday.is_none() {
            return vec![(day_begin(clock, from), end_of(to))];
        }
        let days = from.iter_days().take_while(|day| *day <= to);
        let wanted = days.filter(|day| weekday.is_none_or(|weekday| weekday == weekday_in(*day)));
        let window = |day: NaiveDate| {
            let (begin, end) = (day_begin(clock, day), end_of(day));
            match hours {
                None => (begin, end),
                Some((from, to)) => (
                    begin.map(|day| hour_begin(clock, day, from)),
                    begin.map(|day| hour_begin(clock, day, to)).min(end),
                ),
            }
        };
        let mut windows: Vec<ListTimeRange> = wanted.map(window).collect();
        windows.reverse();
        windows
    }

    /// Returns the criteria of calls that began in a time range.
    pub(super) fn criteria(&self, (since, until): ListTimeRange, now: Stamp) -> Criteria {
        let filters = &self.filters;
        let until = match (until, self.as_of) {
            (Some(until), Some(as_of)) => Some(until.min(as_of)),
            (until, as_of) => until.or(as_of),
        };
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Criteria {
            phone: self.phone.clone(),
            extensions: given(&filters.extension).into_iter().collect(),
            trunks: given(&filters.line).into_iter().collect(),
            direction: filters.direction,
            outcome: filters.outcome,
            since,
            until,
            now: Some(now),
            ..Criteria::default()
        }
    }
}

/// The first moment, and the last (exclusive); `None` for no bound.
pub(super) type ListTimeRange = (Option<Stamp>, Option<Stamp>);

fn date(typed: &str) -> Result<Option<NaiveDate>, Mistake> {
    if typed.is_empty() {
        return Ok(None);
    }
    day_named(typed).map(Some).ok_or(Mistake::Date)
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

/// Reads `8-10`: from eight until ten.
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

/// Reads `1` for Monday to `7` for Sunday, as in ISO 8601; returns 0 to 6.
fn weekday_of(typed: &str) -> Result<Option<u8>, Mistake> {
    match typed.as_bytes() {
        [] => Ok(None),
        [day @ b'1'..=b'7'] => Ok(Some(day - b'1')),
        _ => Err(Mistake::Choice),
    }
}

fn weekday_in(day: NaiveDate) -> u8 {
    u8::try_from(day.weekday().num_days_from_monday()).expect("it is less than 7")
}

/// The address of the list with other fields.
pub(super) struct ListAddress<'a> {
    pub(super) enterprise: &'a EnterpriseName,
    pub(super) token: &'a str,
    pub(super) language: Language,
    pub(super) asked: &'a ListRequest,
    pub(super) period: ListDays,
    pub(super) today: NaiveDate,
    /// The time that the rows are fixed to.
    pub(super) as_of: Stamp,
    /// There are rows after those of this page.
    pub(super) has_older: bool,
}

impl ListAddress<'_> {
    pub(super) fn links(&self) -> ListLinks {
        let filters = &self.asked.filters;
        let link = |filters: &Filters| filters.link(self.token, self.language);
        let page = |page: usize| match page {
            1 => link(&self.fixed()),
            _ => format!("{}&page={page}&asof={}", link(&self.fixed()), self.as_of.0),
        };
        let day = |day: NaiveDate| link(&filters.on(day, day));
        let (before, after) = match self.period {
            ListDays::Days(from, to) if self.asked.phone.is_none() => (
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
        let stats = match self.period {
            ListDays::Days(from, to) => StatsLink::around(from, to),
            ListDays::UpTo(to) => StatsLink {
                span: StatsSpan::default(),
                date: Some(to),
            },
            ListDays::All => StatsLink::default(),
        };
        ListLinks {
            all: link(&Filters::default()),
            language: filters.link(self.token, other),
            stats: format!(
                "../stats/{}{}",
                self.enterprise,
                stats.link(self.token, self.language)
            ),
            newer: (at > 1).then(|| page(at - 1)),
            older: (self.has_older && at < PAGES_MAX).then(|| page(at + 1)),
            is_cut: self.has_older && at == PAGES_MAX,
            day_before: before,
            day_after: after,
            spans: spans.map(|(from, to)| {
                let is_split = filters.hours.is_some() || filters.weekday.is_some();
                let is_here = self.period == ListDays::Days(from, to) && !is_split;
                tab(is_here, filters.on(from, to))
            }),
            outcomes: [None, Some(Outcome::Missed)]
                .map(|outcome| tab(filters.outcome == outcome, of_outcome(outcome))),
        }
    }

    /// Returns the filters with the days that were searched, so that the next page shows the same days even
    /// if it is opened tomorrow.
    pub(super) fn fixed(&self) -> Filters {
        let filters = &self.asked.filters;
        match self.period {
            ListDays::Days(from, to) => Filters {
                hours: filters.hours,
                weekday: filters.weekday,
                ..filters.on(from, to)
            },
            _ => filters.clone(),
        }
    }
}
