//! The calls of a period, with progress on a terminal. Each message is printed once.

use std::collections::HashSet;
use std::io::{IsTerminal as _, stderr};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::super::calls::left_out;
use super::super::missing::Missing;
use super::super::{App, progress};
use calltrace_engine::SearchQuestion;
use calltrace_model::call::{Outcome, Summary};
use calltrace_model::record::Stamp;
use calltrace_store::error::Trouble;
use calltrace_store::tree::EnterpriseName;

/// Asks the engine for calls, and shows progress on a terminal.
pub(super) struct Asker<'d> {
    app: &'d App,
    enterprises: &'d [EnterpriseName],
    question: SearchQuestion,
    reported: HashSet<String>,
    pub(super) bar: ProgressBar,
    begin: Instant,
    /// Troubles with files that could not be read so far.
    pub(super) missing: Missing,
}

/// The calls of a period.
pub(super) struct PeriodCalls {
    /// In order of time.
    pub(super) rows: Vec<(EnterpriseName, Summary)>,
    /// Everything was read, and no call is in progress.
    pub(super) is_final: bool,
}

impl<'d> Asker<'d> {
    pub(super) fn new(
        app: &'d App,
        enterprises: &'d [EnterpriseName],
        question: SearchQuestion,
        days: u64,
    ) -> Asker<'d> {
        let bar = match stderr().is_terminal() && !app.global.quiet {
            true => ProgressBar::new(days),
            false => ProgressBar::hidden(),
        };
        let style =
            ProgressStyle::with_template("{pos} of {len} days, {eta} left  {prefix}{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Asker {
            app,
            enterprises,
            question,
            reported: HashSet::new(),
            bar,
            begin: Instant::now(),
            missing: Missing::default(),
        }
    }

    /// Prints a message once, without disturbing the progress bar.
    pub(super) fn say(&mut self, text: String) {
        if !self.reported.contains(&text) {
            self.bar.suspend(|| self.app.say(&text));
            self.reported.insert(text);
        }
    }

    /// The calls that began at `from` or later and before `to`.
    pub(super) fn ask(&mut self, from: Option<Stamp>, to: Option<Stamp>) -> PeriodCalls {
        let (mut rows, mut is_final) = (Vec::new(), true);
        self.each(from, to, false, |enterprise, calls, _, is_whole| {
            let goes_on = |call: &Summary| call.outcome == Outcome::InProgress;
            is_final &= is_whole && !calls.iter().any(goes_on);
            rows.extend(calls.into_iter().map(|call| (enterprise.clone(), call)));
        });
        rows.sort_by(|(a, one), (b, other)| {
            (one.first, a, &one.main_uid).cmp(&(other.first, b, &other.main_uid))
        });
        PeriodCalls { rows, is_final }
    }

    /// Whether no call began in this period.
    pub(super) fn is_empty(&mut self, from: Option<Stamp>, to: Option<Stamp>) -> bool {
        let mut all = 0;
        self.each(from, to, true, |_, _, count, _| all += count);
        all == 0
    }

    fn each(
        &mut self,
        from: Option<Stamp>,
        to: Option<Stamp>,
        count_only: bool,
        mut take: impl FnMut(&EnterpriseName, Vec<Summary>, usize, bool),
    ) {
        self.question.criteria.since = from;
        self.question.criteria.until = to;
        self.question.count_only = count_only;
        let (engine, tree) = (&self.app.engine, &self.app.tree);
        let answers = engine.search_each(tree, self.enterprises, &self.question);
        let read = progress::text(engine.meter().now(), self.begin.elapsed());
        self.bar.set_prefix(format!("{read}  "));
        for (enterprise, answer) in self.enterprises.iter().zip(answers) {
            let Some(found) = self.missing.answer(answer) else {
                take(enterprise, Vec::new(), 0, false);
                continue;
            };
            self.missing.add(&found.troubles);
            if let Some(text) = left_out(&found).filter(|_| !count_only) {
                self.say(text);
            }
            let is_whole = !Trouble::any_matters(&found.troubles);
            take(enterprise, found.calls, found.count, is_whole);
        }
    }
}
