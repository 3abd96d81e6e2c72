//! What a rotation of one enterprise did.

use std::path::Path;

use super::Mode;
use super::look::RotationSurvey;
use super::plan::Plan;
use super::step::{RotationStep, StepReport, WaitingFile};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

/// What was done, what waits, what went wrong.
#[derive(Debug)]
pub struct RotationReport {
    /// The enterprise.
    pub enterprise: EnterpriseName,
    /// Nothing was done; `steps` are those that would be done.
    pub dry_run: bool,
    /// Another rotation of it was running, so nothing was read.
    pub is_busy: bool,
    /// How the live file is rotated; `Auto` if the run did not get that far.
    pub mode: Mode,
    /// The reason for this mode, as a clause.
    pub reason: String,
    /// The steps, in order.
    pub steps: Vec<StepReport>,
    /// Entries with a log's name that are not regular files, each as a clause: "events.log.1 is a link".
    pub left_alone: Vec<String>,
    /// What is left for a later run.
    pub waiting: Vec<WaitingFile>,
    /// Archives that were compared with their indexes.
    pub checked: Vec<String>,
    /// Tables of calls that were made, by name.
    pub tables: Vec<String>,
    /// Tables that could not be made, each as a clause: its name, and why.
    pub without_table: Vec<String>,
    /// What went wrong. The path is that of the file, or of the folder.
    pub troubles: Vec<Trouble>,
}

impl RotationReport {
    pub(crate) fn new(enterprise: &EnterpriseName, dry_run: bool) -> RotationReport {
        RotationReport {
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

    /// Stores the results of a survey and a plan. Those of a later round replace them.
    pub(super) fn begin(&mut self, survey: &RotationSurvey, plan: &Plan) {
        self.mode = plan.mode;
        self.reason.clone_from(&plan.reason);
        self.left_alone.clone_from(&survey.more.left_alone);
        self.waiting.clone_from(&plan.waiting);
        for trouble in survey.troubles.iter().chain(&plan.troubles) {
            self.trouble(trouble.clone());
        }
    }

    pub(super) fn would(&mut self, steps: &[RotationStep]) {
        self.steps.extend(steps.iter().map(StepReport::of));
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Notes an error that does not end a step; `file` is the file concerned.
    pub(super) fn note<T>(&mut self, file: &Path, done: Result<T, Error>) -> Option<T> {
        done.inspect_err(|error| self.fail(file, error)).ok()
    }

    /// Notes an error that ended a step, or all work on the folder.
    pub(super) fn fail(&mut self, file: &Path, error: &Error) {
        self.trouble(match error {
            Error::Io { path, op, source } => Trouble::cant(path, op, source),
            other => Trouble::new(file, other.to_string()),
        });
    }
}
