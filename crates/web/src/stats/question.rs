//! What statistics are asked for: which days, and as what.

use chrono::NaiveDate;

use crate::days::day_named;
use crate::pages::{Language, Span, StatsFile, StatsLink};
use crate::request::{Malformed, Query};
use calltrace_model::stats::GroupBy;

/// A file that statistics can be had as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A row for each group.
    Csv,
    /// One document, as `calltrace stats` prints it.
    Json,
    /// A row for each group, for programs that count further.
    Parquet,
}

impl Format {
    /// All there are. A further one is named here and in the methods below, and written in `written`.
    pub(super) const ALL: [Format; 3] = [Format::Csv, Format::Json, Format::Parquet];

    /// As links have it, and files end.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Parquet => "parquet",
        }
    }

    /// As people call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Format::Csv => "CSV",
            Format::Json => "JSON",
            Format::Parquet => "Parquet",
        }
    }

    /// Its media type.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// What is asked for, as far as it makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Which days.
    pub(super) link: StatsLink,
    /// What was typed for the last day and is none.
    pub(super) mistake: Option<String>,
    /// As which file; `None` for the page.
    pub(super) format: Option<Format>,
    /// What the file puts calls together by, where that was said.
    pub(super) by: Option<GroupBy>,
}

impl Asked {
    /// Reads the parameters; a day that people may mistype becomes a mistake on the page, what only links carry must
    /// be right.
    ///
    /// # Errors
    /// What can't be read.
    pub(super) fn read(query: &Query) -> Result<Asked, Malformed> {
        let typed = query.field("date")?.unwrap_or_default().trim().to_owned();
        let date = day_named(&typed);
        let mistake = Some(typed).filter(|typed| date.is_none() && !typed.is_empty());
        let format = chosen(query, "format", &Format::ALL, Format::name)?;
        if format.is_some() && mistake.is_some() {
            return Err(Malformed);
        }
        let by = chosen(query, "by", &GroupBy::ALL, GroupBy::name)?;
        // There is one.
        if by == Some(GroupBy::Enterprise) {
            return Err(Malformed);
        }
        let span = chosen(query, "period", &Span::ALL, Span::name)?.unwrap_or_default();
        Ok(Asked {
            link: StatsLink { span, date },
            mistake,
            format,
            by,
        })
    }

    /// What a file puts calls together by.
    pub(super) fn group_by(&self) -> GroupBy {
        self.by.unwrap_or(match self.link.span {
            Span::Day => GroupBy::Hour,
            Span::Week | Span::TwoWeeks => GroupBy::Day,
        })
    }
}

/// The files that the page of these days leads to.
pub(super) fn files(
    span: Span,
    date: NaiveDate,
    token: &str,
    language: Language,
) -> Vec<StatsFile> {
    let date = Some(date);
    let front = StatsLink { span, date }.link(token, language);
    let all = Format::ALL.into_iter().map(|format| (format, None));
    let persons = (
        Format::Csv,
        Some((GroupBy::Person, language.of("сотрудники", "persons"))),
    );
    let lines = (
        Format::Csv,
        Some((GroupBy::Line, language.of("линии", "lines"))),
    );
    let file = |(format, by): (Format, Option<(GroupBy, &str)>)| {
        let (name, link) = (
            format.title().to_owned(),
            format!("{front}&format={}", format.name()),
        );
        match by {
            None => StatsFile { name, link },
            Some((by, word)) => StatsFile {
                name: format!("{name}: {word}"),
                link: format!("{link}&by={}", by.name()),
            },
        }
    };
    all.chain([persons, lines]).map(file).collect()
}

fn chosen<T: Copy>(
    query: &Query,
    parameter: &str,
    offered: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, Malformed> {
    let Some(typed) = query.field(parameter)? else {
        return Ok(None);
    };
    let chosen = offered.iter().copied().find(|one| name(*one) == typed);
    chosen.map(Some).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, Malformed> {
        Asked::read(&Query::new(Some(query)))
    }

    #[test]
    fn only_bounded_spans_up_to_a_day_can_be_asked_for() {
        let asked = read("").expect("nothing is a week up to today");
        assert_eq!(asked.link, StatsLink::default());
        assert_eq!(asked.group_by(), GroupBy::Day);
        let asked = read("period=day&date=2025-12-02&format=csv").expect("it is right");
        assert_eq!(
            (asked.link.span, asked.format),
            (Span::Day, Some(Format::Csv))
        );
        assert_eq!(asked.link.date, NaiveDate::from_ymd_opt(2025, 12, 2));
        assert_eq!(asked.group_by(), GroupBy::Hour);
        for wrong in [
            "period=year",
            "period=",
            "period=Week",
            "period=day&period=week",
            "format=pdf",
            "format=",
            "by=enterprise",
            "by=x",
            "format=csv&date=x",
            "date=%ff",
        ] {
            assert_eq!(read(wrong), Err(Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_day_that_is_none_is_a_mistake_to_show() {
        for typed in [
            "x",
            "2025-13-01",
            "2025-02-29",
            "12025-01-01",
            "1969-12-31",
            "-1-1-1",
        ] {
            let asked = read(&format!("date={typed}")).expect("it can be shown");
            assert_eq!(
                (asked.mistake.as_deref(), asked.link.date),
                (Some(typed), None)
            );
        }
        assert_eq!(read("date=").expect("as a form sends it").mistake, None);
    }
}
