//! What a rotation of one enterprise did.

use std::path::Path;

use super::Mode;
use super::look::Survey;
use super::plan::Plan;
use super::step::{Done, Step, Waiting};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

/// What was done, what waits, what went wrong.
#[derive(Debug)]
pub struct Report {
    /// Whose.
    pub enterprise: EnterpriseName,
    /// Nothing was done: the steps are those that would be.
    pub dry_run: bool,
    /// Another rotation of it was running, so nothing was looked at.
    pub is_busy: bool,
    /// How the live file is taken care of; `Auto` when it did not come to that.
    pub mode: Mode,
    /// Why so, as a clause.
    pub reason: String,
    /// The steps, in order.
    pub steps: Vec<Done>,
    /// What bears a log's name and is no regular file, each as a clause: "events.log.1 is a link".
    pub left_alone: Vec<String>,
    /// What is left for a later run.
    pub waiting: Vec<Waiting>,
    /// Archives that were compared with their indexes.
    pub checked: Vec<String>,
    /// Tables of calls that were made, by name.
    pub tables: Vec<String>,
    /// Windows of time without one, each as a clause: its name, and why.
    pub without_table: Vec<String>,
    /// What went wrong. The path is that of the file, or of the folder.
    pub troubles: Vec<Trouble>,
}

impl Report {
    pub(super) fn new(enterprise: &EnterpriseName, dry_run: bool) -> Report {
        Report {
            enterprise: enterprise.clone(),
            dry_run,
            is_busy: false,
            mode: Mode::Auto,
            reason: String::new(),
            steps: Vec::new(),
            left_alone: Vec::new(),
            waiting: Vec::new(),
            checked: Vec::new(),
            tables: Vec::new(),
            without_table: Vec::new(),
            troubles: Vec::new(),
        }
    }

    /// Takes over what a look and a plan say. A later one counts instead of the one before.
    pub(super) fn begin(&mut self, survey: &Survey, plan: &Plan) {
        self.mode = plan.mode;
        self.reason.clone_from(&plan.reason);
        self.left_alone.clone_from(&survey.more.left_alone);
        self.waiting.clone_from(&plan.waiting);
        for trouble in survey.troubles.iter().chain(&plan.troubles) {
            self.trouble(trouble.clone());
        }
    }

    pub(super) fn would(&mut self, steps: &[Step]) {
        self.steps.extend(steps.iter().map(Done::of));
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Notes the error of what does not end a step; `file` is what it was done for.
    pub(super) fn note<T>(&mut self, file: &Path, done: Result<T, Error>) -> Option<T> {
        done.inspect_err(|error| self.fail(file, error)).ok()
    }

    /// Notes an error that ended a step, or everything in the folder.
    pub(super) fn fail(&mut self, file: &Path, error: &Error) {
        self.trouble(match error {
            Error::Io { path, op, source } => Trouble::cant(path, op, source),
            other => Trouble::new(file, other.to_string()),
        });
    }
}
