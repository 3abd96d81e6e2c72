//! What the filters on calls ask of the engine, for every subcommand that takes them.

use chrono::{DateTime, Utc};

use super::Desk;
use crate::cli::CallArgs;
use calltrace_engine::{Found, SearchQuestion};
use calltrace_model::call::Criteria;
use calltrace_store::error::Error;

/// When `--since` begins and `--until` ends.
pub(super) type Period = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The time that was typed.
pub(super) fn period(desk: &Desk, args: &CallArgs) -> Result<Period, Error> {
    let since = desk.moment("--since", args.since.as_deref())?;
    let until = desk.moment("--until", args.until.as_deref())?;
    let (since, until) = (since.map(|m| m.begin), until.map(|m| m.end));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Error::Usage(
            "--since is not before --until; nothing can be between them".to_owned(),
        ));
    }
    Ok((since, until))
}

/// The question of all calls of all time that the filters let through.
pub(super) fn question(desk: &Desk, args: &CallArgs, strict: bool) -> SearchQuestion {
    let filter = args.content.record_filter();
    SearchQuestion {
        criteria: Criteria {
            phone: args.party.phone.clone(),
            extension: args.party.ext.clone(),
            trunk: args.party.trunk.clone(),
            chat: args.party.chat.clone(),
            direction: args.direction,
            outcome: args.status,
            unanswered: false,
            now: Some(desk.now_stamp()),
            min_talk_millis: args.min_talk,
            min_ring_millis: args.min_ring,
            transferred: args.transferred,
            fault: args.fault,
            since: None,
            until: None,
            needs_match: !filter.is_empty(),
        },
        filter,
        limit: None,
        count_only: false,
        tally: false,
        strict,
    }
}

/// What is to be said where calls have more records than are kept of one.
pub(super) fn left_out(found: &Found) -> Option<String> {
    (found.records_left_out > 0).then(|| {
        format!(
            "{}: at least {} records are more than are kept of one call; its row leaves them out",
            found.enterprise, found.records_left_out
        )
    })
}
