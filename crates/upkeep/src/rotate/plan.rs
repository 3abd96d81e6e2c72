//! The plan: what there is and what is wanted, made into steps, each with its reason. Pure; what
//! can't be done now is said, not tried.

use super::look::{Live, Seen, Survey, kept_since};
use super::step::{Kind, Step, Waiting};
use super::writers::Hold;
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
    pub(super) steps: Vec<Step>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) troubles: Vec<Trouble>,
    /// The writer rotates the live file, as far as that shows.
    pub(super) rotates_itself: bool,
}

impl Plan {
    /// Whether something is done first that changes what there is to do.
    pub(super) fn finishes_a_dead_run(&self) -> bool {
        let takes_off = |step: &Step| matches!(step.kind, Kind::TakeOff { .. });
        self.steps.iter().any(takes_off)
    }

    /// Takes out the steps that a wrong clock would turn into a loss. False when there are none.
    pub(super) fn hold_back_expiry(&mut self) -> bool {
        let loses = |step: &Step| matches!(step.kind, Kind::Expire(_)) && step.bytes != Some(0);
        let before = self.steps.len();
        self.steps.retain(|step| !loses(step));
        self.steps.len() < before
    }

    /// A step that is done to a file as it is.
    fn add(&mut self, kind: impl FnOnce(FileName) -> Kind, seen: &Seen, why: impl Into<String>) {
        let step = Step::new(kind(seen.log.name.clone()), why);
        self.steps.push(step.bytes(seen.log.bytes));
    }

    fn wait(&mut self, file: String, why: impl Into<String>) {
        let why = why.into();
        self.waiting.push(Waiting { file, why });
    }
}

/// What is to be done.
pub(super) fn plan(survey: &Survey, policy: &Policy) -> Plan {
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
    let expired = |seen: &&Seen| {
        let is_old = seen.more.age_from.is_some_and(|day| day < first_kept);
        // An empty file holds no line that could be lost.
        let is_empty = seen.is_finished_lines() && seen.log.bytes == 0;
        !seen.more.may_grow && !seen.log.is_live_too && (is_empty || is_old)
    };
    take_off(&mut plan, survey);
    let (expired, kept): (Vec<&Seen>, Vec<&Seen>) = survey.finished().partition(expired);
    for seen in expired {
        expire(&mut plan, seen, policy);
    }
    for seen in &kept {
        seal(&mut plan, seen, &kept);
    }
    if let Some((seen, live)) = survey.live_file() {
        live_file(&mut plan, seen, live, survey, policy);
    }
    for seen in &kept {
        match policy.recompress && is_to_recompress(seen, &kept) {
            true => plan.add(Kind::Recompress, seen, "it can't be read at random"),
            false => make_index(&mut plan, seen),
        }
    }
    if let Some(seen) = survey.live() {
        make_index(&mut plan, seen);
    }
    for orphan in &survey.orphans {
        let step = Step::new(Kind::Forget(orphan.clone()), "its log is gone");
        plan.steps.push(step);
    }
    let is_changed = !plan.steps.is_empty() || !survey.more.catalog_is_fresh;
    if !survey.files.is_empty() && is_changed {
        plan.steps
            .push(Step::new(Kind::Catalog, "the files have changed"));
    }
    plan
}

/// What a run that died has copied and not taken off.
fn take_off(plan: &mut Plan, survey: &Survey) {
    for seen in survey.live().into_iter().chain(survey.finished()) {
        if let Some((archive, held_bytes)) = &seen.more.to_take_off {
            let why = format!("{} holds them since a run that died", archive.full());
            let (log, archive) = (seen.log.name.clone(), archive.clone());
            let step = Step::new(Kind::TakeOff { log, archive }, why);
            plan.steps.push(step.bytes(*held_bytes));
        }
    }
}

fn expire(plan: &mut Plan, seen: &Seen, policy: &Policy) {
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
    plan.add(Kind::Expire, seen, why);
}

fn seal(plan: &mut Plan, seen: &Seen, kept: &[&Seen]) {
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
        return plan.add(Kind::Finish, seen, "its archive holds all of it");
    }
    let step = into_archive(seen.log.name.clone(), is_there);
    plan.steps.push(step.bytes(seen.log.bytes));
}

/// Sealed, the piece would stay beside the whole line, as a record of its own.
const ENDS_WITHIN_LINE: &str =
    "ends within a line, which the next run of `calltrace sync` is to finish";

/// A finished file becomes an archive, or a part of the one that is there.
fn into_archive(log: FileName, is_there: bool) -> Step {
    match is_there {
        false => Step::new(Kind::Seal(log), "it is finished"),
        true => Step::new(
            Kind::Merge(log),
            "its archive is there and does not hold all of it",
        ),
    }
}

/// Whether it is an archive of another kind, without the file that it may be an archive of.
fn is_to_recompress(seen: &Seen, kept: &[&Seen]) -> bool {
    let plain_twin = FileName {
        gz: false,
        ..seen.log.name.clone()
    };
    let is_alone = !kept.iter().any(|other| other.log.name == plain_twin);
    seen.log.form == ContentFormat::Gzip && seen.log.name.gz && is_alone
}

/// The index of what no step makes another file of.
fn make_index(plan: &mut Plan, seen: &Seen) {
    let is_sealed_now = plan.steps.iter().any(|step| {
        let target = step.kind.to().as_ref() == Some(&seen.log.name);
        target || step.kind.changes(&seen.log.name)
    });
    if let Some(why) = seen.index_due()
        && !is_sealed_now
        && !seen.log.is_live_too
    {
        plan.add(Kind::Index, seen, why);
    }
}

/// What is done about the live file, unless lines are to be taken off it first.
fn live_file(plan: &mut Plan, seen: &Seen, live: &Live, survey: &Survey, policy: &Policy) {
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

/// Why the live file's time has come, as a clause.
fn due(seen: &Seen, live: &Live, survey: &Survey, policy: &Policy) -> Option<String> {
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

fn rename(plan: &mut Plan, seen: &Seen, live: &Live, survey: &Survey, due: String) {
    let target = of_day(live.day);
    let there = survey.files.iter().find(|seen| seen.log.name == target);
    let is_freed = |seen: &Seen| {
        let frees = |step: &Step| step.kind.changes(&seen.log.name);
        seen.log.is_live_too || plan.steps.iter().any(frees)
    };
    if there.is_some_and(|seen| !is_freed(seen)) {
        let why = format!("is due, but {} is still there", target.full());
        return plan.wait(seen.log.name.full(), why);
    }
    let writers = live.hold.writers.as_slice();
    let why = match writers {
        [] => due,
        writers => format!("{due}; {} must open it anew", list_writers(writers)),
    };
    plan.add(|_| Kind::Rename(live.day), seen, why);
    if !live.hold.is_free && !writers.is_empty() {
        let why = format!("still open in {}", list_writers(writers));
        return plan.wait(target.full(), why);
    }
    let archive = archive_of(&target);
    let is_there = survey.files.iter().any(|seen| seen.log.name == archive) || there.is_some();
    let step = into_archive(target, is_there);
    plan.steps.push(step.bytes(seen.log.bytes));
}

/// Each day that has ended goes to its own archive; what is of today stays, unless all is to go.
fn collapse(
    plan: &mut Plan,
    seen: &Seen,
    live: &Live,
    survey: &Survey,
    policy: &Policy,
    due: &str,
) {
    if let Some(why) = no_collapse(&live.hold) {
        let path = std::path::PathBuf::from(seen.log.name.full());
        return plan.troubles.push(Trouble::new(&path, why));
    }
    if live.stretches.is_empty() {
        return plan.add(|_| Kind::Collapse(live.day), seen, due);
    }
    let takes_all = policy.force || is_large(seen, policy);
    for day in &live.stretches {
        if takes_all || *day < survey.more.today {
            plan.add(|_| Kind::Collapse(*day), seen, due);
        }
    }
}

fn is_large(seen: &Seen, policy: &Policy) -> bool {
    policy.size_max.is_some_and(|max| seen.log.bytes > max)
}

/// Why lines can't be taken off the live file's front, and what to do instead.
fn no_collapse(hold: &Hold) -> Option<String> {
    let stubborn = hold.stubborn();
    if !stubborn.is_empty() {
        return Some(format!(
            "is due, but can't be rotated: {} has it open without O_APPEND; let it write through \
             WatchedFileHandler (--mode rename)",
            list_writers(&stubborn)
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

/// How the live file is best taken care of, and why so.
fn choose(survey: &Survey, rotates_itself: bool) -> (Mode, String) {
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
            "nobody has events.log open for writing (by lease)"
        } else {
            "nobody has events.log open for writing (by open descriptors)"
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
