//! The plan: what there is and what is wanted, made into steps, each with its reason. Pure; what
//! can't be done now is said, not tried.

use super::itself;
use super::look::{Live, Seen, Survey, kept_since};
use super::step::{Kind, Step, Waiting};
use super::{Mode, Policy};
use crate::survey::names::{archive_of, live, of_day};
use crate::survey::times::day_of;
use calltrace_store::error::Trouble;
use calltrace_store::fsx::list_writers;
use calltrace_store::source::Form;
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

    fn wait(&mut self, file: String, why: impl Into<String>) {
        let why = why.into();
        self.waiting.push(Waiting { file, why });
    }
}

/// What is to be done.
pub(super) fn plan(survey: &Survey, policy: &Policy) -> Plan {
    let rotates_itself = rotates_itself(survey);
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
    let expired = |seen: &Seen| {
        let is_old = |day| day < kept_since(survey.today, policy);
        // An empty file holds no line that could be lost.
        let is_empty = is_candidate(seen) && seen.log.bytes == 0;
        !seen.is_daily && !seen.log.is_live_too && (is_empty || seen.age_from.is_some_and(is_old))
    };
    take_off(&mut plan, survey);
    for seen in survey.files.iter().filter(|seen| expired(seen)) {
        expire(&mut plan, seen, policy);
    }
    let kept: Vec<&Seen> = survey.files.iter().filter(|seen| !expired(seen)).collect();
    for seen in &kept {
        seal(&mut plan, seen, &kept);
    }
    let live_moves = match &survey.live {
        Some(live) if live.held.is_none() => live_file(&mut plan, live, survey, policy),
        _ => true,
    };
    for seen in &kept {
        finish(&mut plan, seen, &kept, policy);
    }
    if let Some(found) = survey.live.as_ref().filter(|_| !live_moves)
        && let Some(why) = found.index_due()
    {
        let step = Step::new(Kind::Index(live()), why);
        plan.steps.push(step.bytes(found.log.bytes));
    }
    for orphan in &survey.orphans {
        let step = Step::new(Kind::Forget(orphan.clone()), "its log is gone");
        plan.steps.push(step);
    }
    if !survey.is_empty() && (!plan.steps.is_empty() || !survey.catalog_is_fresh) {
        plan.steps
            .push(Step::new(Kind::Catalog, "the files have changed"));
    }
    plan
}

/// What a run that died has copied and not taken off.
fn take_off(plan: &mut Plan, survey: &Survey) {
    let of_live = survey.live.iter().map(|found| (live(), &found.held));
    let of_files = survey.files.iter();
    let of_files = of_files.map(|seen| (seen.log.name.clone(), &seen.to_take_off));
    for (log, held) in of_live.chain(of_files) {
        if let Some((archive, held_bytes)) = held {
            let why = format!("{} holds them since a run that died", archive.full());
            let archive = archive.clone();
            let step = Step::new(Kind::TakeOff { log, archive }, why);
            plan.steps.push(step.bytes(*held_bytes));
        }
    }
}

fn expire(plan: &mut Plan, seen: &Seen, policy: &Policy) {
    if let Some(busy) = &seen.busy {
        return plan.wait(
            seen.log.name.full(),
            format!("is to be removed, but {busy}"),
        );
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
    plan.steps
        .push(Step::new(Kind::Expire(seen.log.name.clone()), why).bytes(seen.log.bytes));
}

/// Whether it is a finished file of lines, which becomes an archive.
fn is_candidate(seen: &Seen) -> bool {
    seen.log.form == Form::Plain && !seen.log.name.gz && !seen.is_daily && !seen.log.is_live_too
}

fn seal(plan: &mut Plan, seen: &Seen, kept: &[&Seen]) {
    if !is_candidate(seen) || seen.to_take_off.is_some() {
        return;
    }
    if let Some(busy) = &seen.busy {
        return plan.wait(seen.log.name.full(), busy.clone());
    }
    let archive = archive_of(&seen.log.name);
    let is_there = kept.iter().any(|other| other.log.name == archive);
    let log = seen.log.name.clone();
    let step = if is_there && seen.held_bytes == seen.log.bytes {
        Step::new(Kind::Finish(log), "its archive holds all of it")
    } else {
        into_archive(log, is_there)
    };
    plan.steps.push(step.bytes(seen.log.bytes));
}

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

/// Archives of another kind, and indexes of what is not sealed.
fn finish(plan: &mut Plan, seen: &Seen, kept: &[&Seen], policy: &Policy) {
    let name = || seen.log.name.clone();
    let plain_twin = FileName {
        gz: false,
        ..seen.log.name.clone()
    };
    let is_alone = !kept.iter().any(|other| other.log.name == plain_twin);
    if policy.recompress && seen.log.form == Form::Gzip && seen.log.name.gz && is_alone {
        let step = Step::new(Kind::Recompress(name()), "it can't be read at random");
        plan.steps.push(step.bytes(seen.log.bytes));
        return;
    }
    let is_sealed_now = plan.steps.iter().any(|step| {
        let target = step.kind.to().as_ref() == Some(&seen.log.name);
        target || step.kind.changes(&seen.log.name)
    });
    if let Some(why) = seen.index_due()
        && !is_sealed_now
        && !seen.log.is_live_too
    {
        let step = Step::new(Kind::Index(name()), why);
        plan.steps.push(step.bytes(seen.log.bytes));
    }
}

/// The live file. False when nothing is to be done to it.
fn live_file(plan: &mut Plan, found: &Live, survey: &Survey, policy: &Policy) -> bool {
    let Some(due) = due(found, survey, policy) else {
        return false;
    };
    match plan.mode {
        Mode::Auto | Mode::Archive => false,
        Mode::Rename => rename(plan, found, survey, due),
        Mode::Collapse => collapse(plan, found, due),
    }
}

/// Why the live file's time has come, as a clause.
fn due(found: &Live, survey: &Survey, policy: &Policy) -> Option<String> {
    let first = found.log.first.map(day_of);
    if found.is_blank {
        None
    } else if let Some(day) = first.filter(|day| *day < survey.today) {
        Some(format!("its first record is of {day}"))
    } else if let Some(max) = policy.size_max.filter(|max| found.log.bytes > *max) {
        Some(format!("it is larger than {max} bytes"))
    } else {
        policy.force.then(|| "it was asked for".to_owned())
    }
}

fn rename(plan: &mut Plan, found: &Live, survey: &Survey, due: String) -> bool {
    let target = of_day(found.day);
    let there = survey.files.iter().find(|seen| seen.log.name == target);
    let is_freed = |seen: &Seen| {
        let frees = |step: &Step| step.kind.changes(&seen.log.name);
        seen.log.is_live_too || plan.steps.iter().any(frees)
    };
    if there.is_some_and(|seen| !is_freed(seen)) {
        let why = format!("is due, but {} is still there", target.full());
        plan.wait(live().full(), why);
        return false;
    }
    let why = match found.hold.writers.as_slice() {
        [] => due,
        writers => format!("{due}; {} must open it anew", list_writers(writers)),
    };
    let step = Step::new(Kind::Rename(found.day), why);
    plan.steps.push(step.bytes(found.log.bytes));
    if !found.hold.is_free && !found.hold.writers.is_empty() {
        let why = format!("still open in {}", list_writers(&found.hold.writers));
        plan.wait(target.full(), why);
        return true;
    }
    let archive = archive_of(&target);
    let is_there = survey.files.iter().any(|seen| seen.log.name == archive) || there.is_some();
    let step = into_archive(target, is_there);
    plan.steps.push(step.bytes(found.log.bytes));
    true
}

fn collapse(plan: &mut Plan, found: &Live, due: String) -> bool {
    if let Some(why) = no_collapse(found) {
        let path = std::path::PathBuf::from(live().full());
        plan.troubles.push(Trouble::new(&path, why));
        return false;
    }
    let step = Step::new(Kind::Collapse(found.day), due);
    plan.steps.push(step.bytes(found.log.bytes));
    true
}

/// Why lines can't be taken off the live file's front, and what to do instead.
fn no_collapse(found: &Live) -> Option<String> {
    let hold = &found.hold;
    let stubborn: Vec<_> = hold
        .writers
        .iter()
        .filter(|w| !w.appends)
        .cloned()
        .collect();
    if !stubborn.is_empty() {
        return Some(format!(
            "is due, but can't be rotated: {} has it open without O_APPEND; let it write through \
             WatchedFileHandler (--mode rename)",
            list_writers(&stubborn)
        ));
    }
    if !hold.is_free && hold.writers.is_empty() && hold.unseen {
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
    let Some(live) = &survey.live else {
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

/// Whether the writer of the live file rotates it, as far as that shows.
fn rotates_itself(survey: &Survey) -> bool {
    let others = survey.files.iter().map(|seen| &seen.log);
    let live = survey.live.as_ref().map(|live| &live.log);
    itself::rotates_itself(&survey.memory, &others, live)
}

#[cfg(test)]
mod tests;
