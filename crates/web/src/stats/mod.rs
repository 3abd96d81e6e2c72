//! `GET /stats/{enterprise}`: how many calls there were, how many were missed and not called back, how fast
//! people answer; for a day, a week or two weeks. Only the enterprise's token opens it, as for the list of
//! calls.

mod data;
mod question;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;

use crate::access::Resource;
use crate::answer::{NoticePage, page};
use crate::days::day_of;
use crate::limits::Length;
use crate::pages::{
    Notice, PageContext, StatsPage, Unreturned, stats_page, wanted_of_groups, wanted_of_rows,
};
use crate::site::{Site, Visit};
use calltrace_directory::Names;
use calltrace_model::record::Stamp;
use calltrace_model::stats::GroupBy;
use calltrace_output::json;
use calltrace_output::stats::{StatsView, document, write_csv, write_parquet};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

use data::{CountedDays, StatsData, counted, statistics};
use question::{FileFormat, StatsQuery, files};

/// The largest number of persons and of lines shown; the files have all of them.
const ROWS_MAX: usize = 20;

/// The message that is logged when statistics can't be made.
const FAILED: &str = "calls can't be counted";

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visit: Visit,
) -> Result<Response, NoticePage> {
    let bad = |_| visit.notice_page(Notice::BadRequest);
    let enterprise = visit.target.enterprise().map_err(bad)?;
    let known = site
        .admit(&visit, &Resource::Enterprise(&enterprise))
        .await?;
    let asked = StatsQuery::read(&visit.target.query).map_err(bad)?;
    let context = PageContext {
        language: visit.language,
        clock: site.clock,
        now: site.stamp(),
    };
    let today = day_of(&site.clock, context.now);
    let date = asked.link.date.unwrap_or(today);
    let period = CountedDays::of(&site, asked.link.span, date);
    if let Some(format) = asked.format {
        return file(&site, &visit, &enterprise, &asked, (format, date), period).await;
    }
    let counts = Some(period).filter(|_| asked.mistake.is_none());
    let (of, now) = (enterprise.clone(), context.now);
    let count = move |site: &Site| counted(site, &of, counts, now);
    let counted = visit.answer(&site, Length::Long, FAILED, count).await?;
    let names = names(&site, &enterprise, &counted).await;
    let token = visit.credentials.token().unwrap_or_default();
    let unreturned = counted.unreturned.into_iter().map(|(call, rang_again)| {
        let link = site.link(&visit, &known, &enterprise, &call);
        Unreturned {
            // The link is relative, because a proxy may have put a folder before the path.
            link: link.map(|link| format!("..{link}")),
            call,
            rang_again,
        }
    });
    let markup = stats_page(
        &context,
        &StatsPage {
            enterprise: &enterprise,
            title: known.title.as_deref(),
            span: asked.link.span,
            date,
            today,
            mistake: asked.mistake.as_deref(),
            zone: &site.clock.zone(period.since.unwrap_or(now)),
            days: &counted.days,
            persons: &counted.persons,
            lines: &counted.lines,
            unreturned: &unreturned.collect::<Vec<_>>(),
            rows_max: ROWS_MAX,
            troubles: &counted.troubles,
            names: &names,
            token,
            files: &files(asked.link.span, date, token, visit.language),
        },
    );
    let status = match asked.mistake {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    Ok(page(status, markup))
}

async fn names(site: &Site, enterprise: &EnterpriseName, counted: &StatsData) -> Names {
    let mut wanted = wanted_of_rows(counted.unreturned.iter().map(|(call, _)| call));
    for (stats, are_lines) in [(&counted.persons, false), (&counted.lines, true)] {
        let shown = &stats.groups[..stats.groups.len().min(ROWS_MAX)];
        wanted_of_groups(&mut wanted, shown, are_lines);
    }
    match counted.days.total.outcomes.all() {
        0 => Names::default(),
        _ => site.directory.names(enterprise, &wanted).await,
    }
}

/// The same statistics as a file for spreadsheets and programs, grouped as asked.
async fn file(
    site: &Arc<Site>,
    visit: &Visit,
    enterprise: &EnterpriseName,
    asked: &StatsQuery,
    (format, date): (FileFormat, NaiveDate),
    period: CountedDays,
) -> Result<Response, NoticePage> {
    let (by, now) = (asked.group_by(), site.stamp());
    let of = enterprise.clone();
    let write = move |site: &Site| written(site, &of, (period, by), format, now);
    let bytes = visit.answer(site, Length::Long, FAILED, write).await?;
    let (first, name) = (asked.link.span.first(date), by.name());
    let days = match first == date {
        true => date.to_string(),
        false => format!("{first}_{date}"),
    };
    let end = format.name();
    let name = format!("attachment; filename=\"calltrace-{enterprise}-{days}-{name}.{end}\"");
    let name = HeaderValue::try_from(name).expect("an enterprise's name is plain ASCII");
    let kind = HeaderValue::from_static(format.media_type());
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)], bytes).into_response())
}

fn written(
    site: &Site,
    enterprise: &EnterpriseName,
    (period, by): (CountedDays, GroupBy),
    format: FileFormat,
    now: Stamp,
) -> Result<Vec<u8>, Error> {
    let ([stats], mut found) = statistics(site, enterprise, (Some(period), [by]), now)?;
    let shown = StatsView {
        stats: &stats,
        enterprises: std::slice::from_ref(enterprise),
        since: period.since,
        until: period.until,
        limit: None,
        clock: &site.clock,
    };
    let mut bytes = Vec::new();
    let done = match format {
        FileFormat::Csv => write_csv(&mut bytes, &shown),
        FileFormat::Parquet => write_parquet(&mut bytes, &shown),
        FileFormat::Json => {
            // Folders are not shown, because they give information about the server.
            for trouble in found.iter_mut().flat_map(|found| &mut found.troubles) {
                trouble.path = trouble.path.file_name().unwrap_or_default().into();
            }
            let mut document = document(&shown);
            let report = json::report(found.as_slice(), &site.clock);
            document.insert("report".to_owned(), report);
            json::write(&mut bytes, &document.into(), true)
        }
    };
    done.expect("a vector takes all");
    Ok(bytes)
}
