//! The plan: makes steps from a survey and a policy, each with its reason. Pure; a step that can't be done now is
//! reported, not tried.

use super::look::{LiveFileState, RotationFile, RotationSurvey, kept_since};
use super::step::{RotationStep, StepKind, WaitingFile};
use super::writers::OpenWriters;
use super::{Mode, Policy};
use crate::survey::names::{archive_of, of_day};
use crate::survey::times::day_of;
use calltrace_store::error::Trouble;
use calltrace_store::fsx::list_writers;
use calltrace_store::source::ContentFormat;
use calltrace_store::tree::FileName;

/// All steps for an enterprise.
#[derive(Debug)]
pub(super) struct Plan {
    /// Never `Auto`.
    pub(super) mode: Mode,
    pub(super) reason: String,
    pub(super) steps: Vec<RotationStep>,
    pub(super) waiting: Vec<WaitingFile>,
    pub(super) troubles: Vec<Trouble>,
    /// Whether the writer seems to rotate the live file.
    pub(super) rotates_itself: bool,
}

impl Plan {
    /// Whether a step finishes an interrupted run, after which a new plan is needed.
    pub(super) fn finishes_an_interrupted_run(&self) -> bool {
        let takes_off = |step: &RotationStep| matches!(step.kind, StepKind::TakeOff { .. });
        self.steps.iter().any(takes_off)
    }

    /// Removes the steps that a wrong clock would turn into a loss. False if there are none.
    pub(super) fn hold_back_expiry(&mut self) -> bool {
        let loses =
            |step: &RotationStep| matches!(step.kind, StepKind::Expire(_)) && step.bytes != Some(0);
        let before = self.steps.len();
        self.steps.retain(|step| !loses(step));
        self.steps.len() < before
    }

    /// Adds a step for a whole file.
    fn add(
        &mut self,
        kind: impl FnOnce(FileName) -> StepKind,
        seen: &RotationFile,
        why: impl Into<String>,
    ) {
        let step = RotationStep::new(kind(seen.log.name.clone()), why);
        self.steps.push(step.bytes(seen.log.bytes));
    }

    fn wait(&mut self, file: String, why: impl Into<String>) {
        let why = why.into();
        self.waiting.push(WaitingFile { file, why });
    }
}

/// Makes the plan.
pub(super) fn plan(survey: &RotationSurvey, policy: &Policy) -> Plan {
    let rotates_itself = survey.rotates_itself();
    let (mode, reason) = match policy.mode {
        Mode::Auto => choose(survey, rotates_itself),
        chosen => (chosen, "it was asked for".to_owned()),
    };
    let mut plan = Plan {
        mode,
        reason,
        steps: Vec::new(),
        waiting: Vec::new(),
        troubles: Vec::new(),
        rotates_itself,
    };
    let first_kept = kept_since(survey.more.today, policy);
    let expired = |seen: &&RotationFile| {
        let is_old = seen.more.age_from.is_some_and(|day| day < first_kept);
        // An empty file holds no line that could be lost.
        let is_empty = seen.is_finished_lines() && seen.log.bytes == 0;
        let expires = is_empty || is_old && !seen.more.is_unshipped;
        !seen.more.may_grow && !seen.log.is_live_too && expires
    };
    take_off(&mut plan, survey);
    let (expired, kept): (Vec<&RotationFile>, Vec<&RotationFile>) =
        survey.finished().partition(expired);
    for seen in expired {
        expire(&mut plan, seen, policy);
    }
    for seen in &kept {
        seal(&mut plan, seen, &kept);
        let is_old = seen.more.age_from.is_some_and(|day| day < first_kept);
        if is_old && seen.more.is_unshipped && seen.log.name.gz {
            plan.wait(seen.log.name.full(), UNSHIPPED);
        }
    }
    if let Some((seen, live)) = survey.live_file() {
        live_file(&mut plan, seen, live, survey, policy);
    }
    for seen in &kept {
        match policy.recompress && is_to_recompress(seen, &kept) {
            true => plan.add(StepKind::Recompress, seen, "it can't be read at random"),
            false => make_index(&mut plan, seen),
        }
    }
    if let Some(seen) = survey.live() {
        make_index(&mut plan, seen);
    }
    for orphan in &survey.orphans {
        let step = RotationStep::new(StepKind::Forget(orphan.clone()), "its log is gone");
        plan.steps.push(step);
    }
    let is_changed = !plan.steps.is_empty() || !survey.more.catalog_is_fresh;
    if !survey.files.is_empty() && is_changed {
        plan.steps.push(RotationStep::new(
            StepKind::Catalog,
            "the files have changed",
        ));
    }
    plan
}

/// Adds steps for lines that an interrupted run copied and did not take off.
fn take_off(plan: &mut Plan, survey: &RotationSurvey) {
    for seen in survey.live().into_iter().chain(survey.finished()) {
        if let Some((archive, held_bytes)) = &seen.more.to_take_off {
            let why = format!(
                "{} already holds them, from a run that died",
                archive.full()
            );
            let (log, archive) = (seen.log.name.clone(), archive.clone());
            let step = RotationStep::new(StepKind::TakeOff { log, archive }, why);
            plan.steps.push(step.bytes(*held_bytes));
        }
    }
}

fn expire(plan: &mut Plan, seen: &RotationFile, policy: &Policy) {
    if let Some(busy) = &seen.more.busy {
        let why = format!("is to be removed, but {busy}");
        return plan.wait(seen.log.name.full(), why);
    }
    let why = match seen.log.last.map(day_of) {
        Some(day) => format!(
            "its last record is of {day}; {}",
            match policy.keep_days {
                1 => "one day is kept".to_owned(),
                days => format!("{days} days are kept"),
            }
        ),
        None => "it is empty".to_owned(),
    };
    plan.add(StepKind::Expire, seen, why);
}

fn seal(plan: &mut Plan, seen: &RotationFile, kept: &[&RotationFile]) {
    if !seen.is_finished_lines() || seen.more.to_take_off.is_some() {
        return;
    }
    if let Some(busy) = &seen.more.busy {
        return plan.wait(seen.log.name.full(), busy.clone());
    }
    if seen.more.ends_within_line {
        return plan.wait(seen.log.name.full(), ENDS_WITHIN_LINE);
    }
    let archive = archive_of(&seen.log.name);
    let is_there = kept.iter().any(|other| other.log.name == archive);
    if is_there && seen.more.held_bytes == seen.log.bytes {
        return plan.add(StepKind::Finish, seen, "its archive holds all of it");
    }
    let step = into_archive(seen.log.name.clone(), is_there);
    plan.steps.push(step.bytes(seen.log.bytes));
}

/// If the file were sealed now, the piece would stay next to the complete line, as a record of its own.
const ENDS_WITHIN_LINE: &str =
    "ends within a line, which the next run of `calltrace sync` completes";

/// Removed now, its lines would be nowhere.
const UNSHIPPED: &str =
    "is to be removed, but is not in object storage yet; calltrace ship copies it there";

/// Seals a finished file, or adds it to the archive that exists.
fn into_archive(log: FileName, is_there: bool) -> RotationStep {
    match is_there {
        false => RotationStep::new(StepKind::Seal(log), "it is finished"),
        true => RotationStep::new(
            StepKind::Merge(log),
            "its archive exists and does not hold all of it",
        ),
    }
}

/// Whether it is a gzip archive that is not BGZF and has no log of the same name.
fn is_to_recompress(seen: &RotationFile, kept: &[&RotationFile]) -> bool {
    let plain_of_same_name = FileName {
        gz: false,
        ..seen.log.name.clone()
    };
    let is_alone = !kept
        .iter()
        .any(|other| other.log.name == plain_of_same_name);
    seen.log.form == ContentFormat::Gzip && seen.log.name.gz && is_alone
}

/// Adds the index of a file that no other step replaces.
fn make_index(plan: &mut Plan, seen: &RotationFile) {
    let is_sealed_now = plan.steps.iter().any(|step| {
        let target = step.kind.to().as_ref() == Some(&seen.log.name);
        target || step.kind.changes(&seen.log.name)
    });
    if let Some(why) = seen.index_due()
        && !is_sealed_now
        && !seen.log.is_live_too
    {
        plan.add(StepKind::Index, seen, why);
    }
}

/// Adds the steps for the live file, unless lines are to be taken off it first.
fn live_file(
    plan: &mut Plan,
    seen: &RotationFile,
    live: &LiveFileState,
    survey: &RotationSurvey,
    policy: &Policy,
) {
    if seen.more.to_take_off.is_none()
        && let Some(due) = due(seen, live, survey, policy)
    {
        match plan.mode {
            Mode::Auto | Mode::Archive => {}
            Mode::Rename => rename(plan, seen, live, survey, due),
            Mode::Collapse => collapse(plan, seen, live, survey, policy, &due),
        }
    }
}

/// Why the live file is due, as a clause.
fn due(
    seen: &RotationFile,
    live: &LiveFileState,
    survey: &RotationSurvey,
    policy: &Policy,
) -> Option<String> {
    let first = seen.log.first.map(day_of);
    if live.is_blank {
        None
    } else if let Some(day) = first.filter(|day| *day < survey.more.today) {
        Some(format!("its first record is of {day}"))
    } else if let Some(max) = policy.size_max.filter(|_| is_large(seen, policy)) {
        Some(format!("it is larger than {max} bytes"))
    } else {
        policy.force.then(|| "it was asked for".to_owned())
    }
}

fn rename(
    plan: &mut Plan,
    seen: &RotationFile,
    live: &LiveFileState,
    survey: &RotationSurvey,
    due: String,
) {
    let target = of_day(live.day);
    let there = survey.files.iter().find(|seen| seen.log.name == target);
    let is_freed = |seen: &RotationFile| {
        let frees = |step: &RotationStep| step.kind.changes(&seen.log.name);
        seen.log.is_live_too || plan.steps.iter().any(frees)
    };
    if there.is_some_and(|seen| !is_freed(seen)) {
        let why = format!("is due, but {} is still there", target.full());
        return plan.wait(seen.log.name.full(), why);
    }
    let writers = live.hold.writers.as_slice();
    let why = match writers {
        [] => due,
        writers => format!("{due}; {} must open it again", list_writers(writers)),
    };
    plan.add(|_| StepKind::Rename(live.day), seen, why);
    if !live.hold.is_free && !writers.is_empty() {
        let why = format!("still open in {}", list_writers(writers));
        return plan.wait(target.full(), why);
    }
    let archive = archive_of(&target);
    let is_there = survey.files.iter().any(|seen| seen.log.name == archive) || there.is_some();
    let step = into_archive(target, is_there);
    plan.steps.push(step.bytes(seen.log.bytes));
}

/// Adds the steps of a collapse: each day that has ended goes to its own archive; today's lines stay, unless all lines
/// are due.
fn collapse(
    plan: &mut Plan,
    seen: &RotationFile,
    live: &LiveFileState,
    survey: &RotationSurvey,
    policy: &Policy,
    due: &str,
) {
    if let Some(why) = no_collapse(&live.hold) {
        let path = std::path::PathBuf::from(seen.log.name.full());
        return plan.troubles.push(Trouble::new(&path, why));
    }
    if live.stretches.is_empty() {
        return plan.add(|_| StepKind::Collapse(live.day), seen, due);
    }
    let takes_all = policy.force || is_large(seen, policy);
    for day in &live.stretches {
        if takes_all || *day < survey.more.today {
            plan.add(|_| StepKind::Collapse(*day), seen, due);
        }
    }
}

fn is_large(seen: &RotationFile, policy: &Policy) -> bool {
    policy.size_max.is_some_and(|max| seen.log.bytes > max)
}

/// Why lines can't be taken off the live file's front, and what to do instead.
fn no_collapse(hold: &OpenWriters) -> Option<String> {
    let not_appending = hold.not_appending();
    if !not_appending.is_empty() {
        return Some(format!(
            "is due, but can't be rotated: {} has it open without O_APPEND; let it write through \
             WatchedFileHandler (--mode rename)",
            list_writers(&not_appending)
        ));
    }
    if hold.is_hidden() {
        return Some(
            "is due, but can't be rotated: it is open in a process that can't be looked into; run \
             as root, or as the user who writes it"
                .to_owned(),
        );
    }
    let why = hold.no_collapse.as_ref()?;
    Some(format!(
        "is due, but can't be rotated: {why}; {}let the writer use WatchedFileHandler (--mode \
         rename)",
        match hold.writers.as_slice() {
            [] => String::new(),
            writers => format!("it is open in {}; ", list_writers(writers)),
        }
    ))
}

/// The best mode for the live file, and why.
fn choose(survey: &RotationSurvey, rotates_itself: bool) -> (Mode, String) {
    let Some((_, live)) = survey.live_file() else {
        let why = "there are only files named after days";
        return (Mode::Archive, why.to_owned());
    };
    let hold = &live.hold;
    let is_held = !hold.is_free && (!hold.writers.is_empty() || hold.unseen);
    if rotates_itself && is_held {
        let why = match hold.writers.as_slice() {
            [] => "its writer rotates it".to_owned(),
            writers => format!("{} rotates it", list_writers(writers)),
        };
        return (Mode::Archive, why);
    }
    if !is_held {
        let why = if hold.is_free {
            "no process has events.log open for writing (shown by a lease)"
        } else {
            "no process has events.log open for writing (shown by open descriptors)"
        };
        return (Mode::Rename, why.to_owned());
    }
    let why = match hold.writers.as_slice() {
        [] => "events.log is open".to_owned(),
        writers if writers.iter().all(|writer| writer.appends) => {
            format!(
                "{} keeps events.log open and appends to it",
                list_writers(writers)
            )
        }
        writers => format!("{} keeps events.log open", list_writers(writers)),
    };
    (Mode::Collapse, why)
}

#[cfg(test)]
mod tests;
