//! `GET /search`: calls that match, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Days, NaiveDate, NaiveTime};
use serde_json::{Value, json};

use super::failure::answer;
use super::timeline::time;
use super::trace::{STATUSES, enterprise, enterprises, parameter, phone, status, unreadable};
use super::{ApiAccess, ApiFailure};
use crate::limits::Length;
use crate::request::Query;
use crate::site::Site;
use calltrace_engine::{SearchQuestion, newest_first};
use calltrace_model::call::{Criteria, Outcome, Summary};
use calltrace_model::record::LogZone;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_output::Clock;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 1000;

/// The factor by which the number of searched calls grows when too few of them have the wanted
/// status.
const MORE: usize = 8;

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    ApiAccess { target }: ApiAccess,
) -> Result<Response, ApiFailure> {
    let asked = SearchRequest::read(&target.query)?;
    let by = Arc::clone(&site);
    let found = site
        .work
        .run(Length::Long, move || found(&by, &asked))
        .await?;
    found.map_err(|error| unreadable(&error))
}

/// The question, as it was written and as it was understood.
struct SearchRequest {
    enterprise: Option<EnterpriseName>,
    phone: Option<(String, PhoneQuery)>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    limit: usize,
    /// One of [`STATUSES`].
    status: Option<&'static str>,
}

impl SearchRequest {
    fn read(query: &Query) -> Result<SearchRequest, ApiFailure> {
        let phone = |typed: String| -> Result<_, ApiFailure> {
            let message = "phone: must be a phone number in any form, or at least its last seven digits; all digits of a short number, at least three; or the word or address of a caller without a number, such as anonymous";
            let parsed =
                PhoneQuery::typed(&typed).map_err(|_| ApiFailure::unprocessable(message))?;
            Ok((typed, parsed))
        };
        Ok(SearchRequest {
            enterprise: enterprise(query)?,
            phone: parameter(query, "phone")?.map(phone).transpose()?,
            from: date(query, "date_from")?,
            to: date(query, "date_to")?,
            limit: limit(query)?,
            status: parameter(query, "status")?
                .map(|word| status_of(&word))
                .transpose()?,
        })
    }

    /// Returns the question for `limit` calls of one enterprise.
    fn question(&self, zone: LogZone, limit: usize) -> SearchQuestion {
        let midnight = |day: NaiveDate| zone.stamp(day.and_time(NaiveTime::MIN).and_utc());
        let after = |day: NaiveDate| day.checked_add_days(Days::new(1)).map(midnight);
        SearchQuestion {
            criteria: Criteria {
                phone: self.phone.as_ref().map(|(_, query)| query.clone()),
                since: self.from.map(midnight),
                until: self.to.and_then(after),
                outcome: match self.status {
                    Some("completed") => Some(Outcome::Answered),
                    _ => None,
                },
                unanswered: self.status == Some("failed"),
                ..Criteria::default()
            },
            limit: Some(limit),
            ..SearchQuestion::default()
        }
    }

    fn filters(&self) -> Value {
        json!({
            "enterprise": self.enterprise.as_ref().map(EnterpriseName::as_str),
            "phone": self.phone.as_ref().map(|(typed, _)| typed),
            "date_from": self.from.map(|day| day.to_string()),
            "date_to": self.to.map(|day| day.to_string()),
            "status": self.status,
        })
    }
}

fn found(site: &Site, asked: &SearchRequest) -> Result<Response, Error> {
    let names = enterprises(site, asked.enterprise.clone())?;
    let mut limit = asked.limit;
    let (mut rows, is_complete) = loop {
        let engine = site.lister();
        let question = asked.question(engine.zone(), limit);
        let answers = match asked.status {
            None => engine.search_newest(&site.tree, &names, &question),
            // How many calls of each enterprise have the phone number is known only after the
            // search.
            Some(_) => engine.search_each(&site.tree, &names, &question),
        };
        let (mut rows, mut is_complete, mut is_all) = (Vec::new(), true, true);
        for found in answers {
            let found = found?;
            is_complete &= !Trouble::any_matters(&found.troubles);
            let were = found.calls.len();
            let fits = |call: &Summary| asked.status.is_none_or(|it| it == status(call));
            let fitting = found.calls.into_iter().filter(fits);
            let before = rows.len();
            rows.extend(fitting.map(|call| (found.enterprise.clone(), call)));
            is_all &= were < limit || rows.len() - before >= asked.limit;
        }
        if is_all {
            break (rows, is_complete);
        }
        limit = limit.saturating_mul(MORE);
    };
    rows.sort_by(|(a_name, a), (b_name, b)| {
        newest_first(
            (a.first, a_name, &a.main_uid),
            (b.first, b_name, &b.main_uid),
        )
    });
    rows.truncate(asked.limit);
    let results: Vec<Value> = rows
        .iter()
        .map(|(name, call)| row(name, call, &site.clock))
        .collect();
    let document = json!({
        "total": results.len(),
        "results": results,
        "limit": asked.limit,
        "filters": asked.filters(),
        "complete": is_complete,
    });
    Ok(answer(StatusCode::OK, &document))
}

fn row(enterprise: &EnterpriseName, call: &Summary, clock: &Clock) -> Value {
    json!({
        "unique_id": call.main_uid,
        "enterprise_number": enterprise.as_str(),
        "phone_number": phone(call),
        "call_status": status(call),
        "start_time": time(call.first, clock),
        "end_time": call.ended.then(|| time(call.last, clock)),
        "events_count": call.events,
        // An integration's answer is logged as a request.
        "http_requests_count": call.http - call.integrations,
        "sql_queries_count": call.sql,
        "telegram_messages_count": call.telegram,
        "integration_responses_count": call.integrations,
        "created_at": time(call.first, clock),
        "updated_at": time(call.last, clock),
    })
}

fn date(query: &Query, name: &'static str) -> Result<Option<NaiveDate>, ApiFailure> {
    let read = |text: String| day(name, &text);
    parameter(query, name)?.map(read).transpose()
}

/// Reads the day that a parameter or a field contains.
pub(crate) fn day(name: &str, text: &str) -> Result<NaiveDate, ApiFailure> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.filter(|day| day.to_string() == text);
    day.ok_or_else(|| {
        ApiFailure::unprocessable(format!("{name}: must be a day, such as 2025-10-03"))
    })
}

fn limit(query: &Query) -> Result<usize, ApiFailure> {
    let Some(text) = parameter(query, "limit")? else {
        return Ok(LIMIT);
    };
    let number = text.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
    number.ok_or_else(|| ApiFailure::unprocessable("limit: must be a number from 1 to 1000"))
}

fn status_of(word: &str) -> Result<&'static str, ApiFailure> {
    let found = STATUSES.into_iter().find(|status| *status == word);
    found.ok_or_else(|| ApiFailure::unprocessable("status: must be active, completed or failed"))
}
