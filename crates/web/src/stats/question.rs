//! The question to statistics: which days, and as which file.

use chrono::NaiveDate;

use crate::days::day_named;
use crate::pages::{Language, StatsFile, StatsLink, StatsSpan};
use crate::request::{Malformed, Query};
use calltrace_model::stats::GroupBy;

/// A format in which statistics can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// One row per group.
    Csv,
    /// One document, as `calltrace stats` prints it.
    Json,
    /// One row per group, for programs that process it further.
    Parquet,
}

impl FileFormat {
    /// All formats. A new one is added here and in the methods below, and the function `written` writes it.
    pub(super) const ALL: [FileFormat; 3] =
        [FileFormat::Csv, FileFormat::Json, FileFormat::Parquet];

    /// The name in links, and the extension of the file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            FileFormat::Csv => "csv",
            FileFormat::Json => "json",
            FileFormat::Parquet => "parquet",
        }
    }

    /// The title for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            FileFormat::Csv => "CSV",
            FileFormat::Json => "JSON",
            FileFormat::Parquet => "Parquet",
        }
    }

    /// Its media type.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            FileFormat::Csv => "text/csv; charset=utf-8",
            FileFormat::Json => "application/json",
            FileFormat::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// The question, as far as it could be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatsQuery {
    pub(super) link: StatsLink,
    /// The text for the last day that is not a day.
    pub(super) mistake: Option<String>,
    /// The format of the file; `None` for the page.
    pub(super) format: Option<FileFormat>,
    /// The key by which the file groups calls, if it was given.
    pub(super) by: Option<GroupBy>,
}

impl StatsQuery {
    /// Reads the parameters. A day that people may mistype becomes a mistake on the page; a parameter
    /// that only links set must be right.
    ///
    /// # Errors
    /// Returns an error when a parameter can't be read.
    pub(super) fn read(query: &Query) -> Result<StatsQuery, Malformed> {
        let typed = query.field("date")?.unwrap_or_default().trim().to_owned();
        let date = day_named(&typed);
        let mistake = Some(typed).filter(|typed| date.is_none() && !typed.is_empty());
        let format = chosen(query, "format", &FileFormat::ALL, FileFormat::name)?;
        if format.is_some() && mistake.is_some() {
            return Err(Malformed);
        }
        let by = chosen(query, "by", &GroupBy::ALL, GroupBy::name)?;
        // The page is of one enterprise.
        if by == Some(GroupBy::Enterprise) {
            return Err(Malformed);
        }
        let span = chosen(query, "period", &StatsSpan::ALL, StatsSpan::name)?.unwrap_or_default();
        Ok(StatsQuery {
            link: StatsLink { span, date },
            mistake,
            format,
            by,
        })
    }

    /// Returns the key by which the file groups calls.
    pub(super) fn group_by(&self) -> GroupBy {
        self.by.unwrap_or(match self.link.span {
            StatsSpan::Day => GroupBy::Hour,
            StatsSpan::Week | StatsSpan::TwoWeeks => GroupBy::Day,
        })
    }
}

/// Returns the links to files of these days.
pub(super) fn files(
    span: StatsSpan,
    date: NaiveDate,
    token: &str,
    language: Language,
) -> Vec<StatsFile> {
    let date = Some(date);
    let front = StatsLink { span, date }.link(token, language);
    let all = FileFormat::ALL.into_iter().map(|format| (format, None));
    let persons = (
        FileFormat::Csv,
        Some((GroupBy::Person, language.of("сотрудники", "persons"))),
    );
    let lines = (
        FileFormat::Csv,
        Some((GroupBy::Line, language.of("линии", "lines"))),
    );
    let file = |(format, by): (FileFormat, Option<(GroupBy, &str)>)| {
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

    fn read(query: &str) -> Result<StatsQuery, Malformed> {
        StatsQuery::read(&Query::new(Some(query)))
    }

    #[test]
    fn only_bounded_spans_up_to_a_day_can_be_asked_for() {
        let asked = read("").expect("no parameters mean a week up to today");
        assert_eq!(asked.link, StatsLink::default());
        assert_eq!(asked.group_by(), GroupBy::Day);
        let asked = read("period=day&date=2025-12-02&format=csv").expect("it is right");
        assert_eq!(
            (asked.link.span, asked.format),
            (StatsSpan::Day, Some(FileFormat::Csv))
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
    fn an_invalid_day_is_shown_as_a_mistake() {
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
