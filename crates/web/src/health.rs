//! `GET /health`: checks whether everything that the pages need is available. It is for programs, needs no
//! token, and gives strangers no useful information.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, Semaphore};
use tokio::task;
use tokio::time::timeout;

use calltrace_directory::{Concern, Directory};
use calltrace_model::sanitise::sanitise;
use calltrace_store::fsx::may_write;
use calltrace_store::tree::{EnterpriseName, LogFile, Tree, look_at};

/// How long a result stays valid, so that frequent requests do not cost the database more.
const FRESH: Duration = Duration::from_secs(1);

/// The time limit of one check.
const CHECK: Duration = Duration::from_secs(3);

/// The check that affects only names when it fails.
const NAMES_ONLY: &str = "metadata";

/// The check of the database.
const DATABASE: &str = "postgres";

/// The last result.
#[derive(Debug)]
pub(super) struct HealthCheck {
    last: Mutex<Option<(Instant, HealthReport)>>,
    /// Allows one check of the tree at a time: threads must not pile up if a disk hangs.
    looking: Arc<Semaphore>,
}

impl Default for HealthCheck {
    fn default() -> HealthCheck {
        HealthCheck {
            last: Mutex::new(None),
            looking: Arc::new(Semaphore::new(1)),
        }
    }
}

/// The result of all checks.
#[derive(Debug, Clone, Default)]
pub(super) struct HealthReport {
    /// The result of each check, in order; an error holds a reason that strangers may read.
    pub(super) checks: Vec<(&'static str, Result<(), String>)>,
    /// Oddities of sources that answer.
    pub(super) concerns: Vec<(&'static str, Concern)>,
}

/// The number of enterprises that the services are asked about.
const PROBED_MAX: usize = 4;

impl HealthCheck {
    /// Answers `GET /health`.
    pub(super) async fn answer(
        &self,
        tree: &Tree,
        directory: &Directory,
        port: u16,
        now: DateTime<Utc>,
    ) -> Response {
        answer(&self.report(tree, directory, now).await, port)
    }

    /// Returns the result of all checks, at most one second old.
    pub(super) async fn report(
        &self,
        tree: &Tree,
        directory: &Directory,
        now: DateTime<Utc>,
    ) -> HealthReport {
        // Concurrent callers share one check.
        let mut last = self.last.lock().await;
        match &*last {
            Some((at, report)) if at.elapsed() < FRESH => report.clone(),
            _ => {
                let report = self.look(tree, directory, now).await;
                *last = Some((Instant::now(), report.clone()));
                report
            }
        }
    }

    async fn look(&self, tree: &Tree, directory: &Directory, now: DateTime<Utc>) -> HealthReport {
        let checked = timeout(CHECK, directory.check());
        let (logs, checked) = tokio::join!(self.look_at_logs(tree), checked);
        let checked = checked
            .unwrap_or_else(|_| vec![("directory", Err("it does not answer in time".to_owned()))]);
        let (mut probed, logs) = match logs {
            Ok(enterprises) => (enterprises, Ok(())),
            Err(what) => (Vec::new(), Err(what)),
        };
        let mut checks = vec![("logs", logs)];
        checks.extend(checked);
        probed.truncate(PROBED_MAX);
        let concerns = directory.concerns(&probed, now).await;
        HealthReport { checks, concerns }
    }

    /// Returns the enterprises.
    async fn look_at_logs(&self, tree: &Tree) -> Result<Vec<EnterpriseName>, String> {
        let hangs = || "the log tree does not answer in time".to_owned();
        let turn = Arc::clone(&self.looking);
        let turn = turn.try_acquire_owned().map_err(|_| hangs())?;
        let tree = tree.clone();
        let look = task::spawn_blocking(move || {
            let _turn = turn;
            list(&tree)
        });
        match timeout(CHECK, look).await {
            Err(_) => Err(hangs()),
            Ok(Err(_)) => Err("the check of the log tree failed".to_owned()),
            Ok(Ok(listed)) => listed,
        }
    }
}

/// Judges an empty tree: it is a new one if this process may write to it; otherwise its disk is most likely
/// not mounted.
fn empty(is_writable: bool) -> Result<(), String> {
    match is_writable {
        true => Ok(()),
        false => Err("the log tree holds no enterprise".to_owned()),
    }
}

fn list(tree: &Tree) -> Result<Vec<EnterpriseName>, String> {
    let reason = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => "the log tree does not exist",
        ErrorKind::PermissionDenied => "no permission to read the log tree",
        ErrorKind::NotADirectory => "the log tree is not a folder",
        _ => "the log tree can't be read",
    };
    if !tree.is_local() {
        return tree.enterprises().map_err(|error| error.to_string());
    }
    let entries = std::fs::read_dir(tree.root()).map_err(reason);
    let listed = entries.and_then(|mut entries| {
        let failed = entries.find_map(Result::err);
        failed.map_or(Ok(()), |error| Err(reason(error)))
    });
    listed.map_err(str::to_owned)?;
    let enterprises = tree.enterprises().unwrap_or_default();
    if enterprises.is_empty() {
        empty(may_write(tree.root()))?;
    } else if all_are_closed(tree, &enterprises) {
        return Err("no permission to read any of the logs".to_owned());
    }
    Ok(enterprises)
}

/// Whether this process may read none of the logs. It stops at the first log that opens.
fn all_are_closed(tree: &Tree, enterprises: &[EnterpriseName]) -> bool {
    let is_refusal = |error: &io::Error| error.kind() == ErrorKind::PermissionDenied;
    let mut refused = false;
    for folder in enterprises.iter().map(|name| tree.folder(name)) {
        let listed = folder.and_then(|folder| Ok((look_at(&folder)?, folder)));
        refused |= listed.as_ref().is_err_and(is_refusal);
        let Ok((files, folder)) = listed else {
            continue;
        };
        for file in files {
            match LogFile::open(&folder, file.name) {
                Ok(_) => return false,
                Err(error) => refused |= is_refusal(&error),
            }
        }
    }
    refused
}

/// The fields that programs of the earlier service look for (`status`, `service`, `port`, `database`) are
/// next to the result of each check.
fn answer(report: &HealthReport, port: u16) -> Response {
    let state = |result: &Result<(), String>| match result {
        Ok(()) => json!({ "state": "ok" }),
        Err(reason) => json!({ "state": "error", "reason": sanitise(reason.as_bytes()) }),
    };
    let mut checks: Map<String, Value> = report
        .checks
        .iter()
        .map(|(name, result)| ((*name).to_owned(), state(result)))
        .collect();
    for (name, concern) in &report.concerns {
        let check = checks.get_mut(*name).and_then(Value::as_object_mut);
        let warnings = check.map(|check| check.entry("warnings").or_insert_with(|| json!([])));
        if let Some(Value::Array(warnings)) = warnings {
            warnings.push(concern.to_string().into());
        }
    }
    let failed = report.checks.iter().filter(|(_, result)| result.is_err());
    let mut failed = failed.map(|(name, _)| *name).peekable();
    // A load balancer must not take the server out of use because of missing names.
    let (status, word, state) = match (failed.peek().is_some(), failed.all(|it| it == NAMES_ONLY)) {
        (false, _) => (StatusCode::OK, "healthy", "ok"),
        (true, true) => (StatusCode::OK, "healthy", "degraded"),
        (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "failing"),
    };
    let mut databases = report.checks.iter().filter(|(name, _)| *name == DATABASE);
    let database = match databases.next() {
        None => "none".to_owned(),
        Some((_, Ok(()))) => "connected".to_owned(),
        Some((_, Err(reason))) => format!("error: {}", sanitise(reason.as_bytes())),
    };
    let body = json!({
        "service": "calltrace",
        "version": env!("CARGO_PKG_VERSION"),
        "status": word,
        "state": state,
        "port": port,
        "database": database,
        "checks": checks,
    });
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_names_degrade_and_missing_logs_fail() {
        let status = |failing: &[&str]| {
            let look = |name: &'static str| match failing.contains(&name) {
                true => (name, Err("it is away".to_owned())),
                false => (name, Ok(())),
            };
            {
                let report = HealthReport {
                    checks: vec![look("logs"), look("postgres"), look("metadata")],
                    concerns: vec![("metadata", Concern::CacheEmpty)],
                };
                answer(&report, 8026).status()
            }
        };
        assert_eq!(status(&[]), 200);
        assert_eq!(status(&["metadata"]), 200);
        assert_eq!(status(&["postgres"]), 503);
        assert_eq!(status(&["logs", "metadata"]), 503);
    }

    #[test]
    fn an_empty_tree_is_new_if_it_may_be_written_to() {
        assert_eq!(empty(true), Ok(()));
        assert_eq!(
            empty(false),
            Err("the log tree holds no enterprise".to_owned())
        );
    }
}
