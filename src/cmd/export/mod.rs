//! `calltrace export [ENTERPRISE...] --out DIR`
//!
//! The export reads the period day by day, oldest first, so that memory holds only the calls of one day.

mod ask;
mod days;
mod folder;
mod manifest;
mod sources;

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use super::calls::{UtcPeriod, period, question};
use super::{App, Exit};
use crate::cli::{ExportArgs, ExportFormat};
use ask::{Asker, PeriodCalls};
use calltrace_engine::SearchQuestion;
use calltrace_model::call::Summary;
use calltrace_output::csv::CsvRows;
use calltrace_output::grouped;
use calltrace_output::{NdjsonRows, ParquetRows, RowWriter};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use days::{Day, ExportDays, end_of, whole};
use folder::{CALLS, ExistingFile, ExportFolder, WrittenFile};
use manifest::{Arguments, ManifestEntry};
use sources::LogSources;

/// Time after the end of a day until it counts as over (milliseconds), because late lines may still arrive.
const OVER_MILLIS: i64 = 3_600_000;

pub(super) fn run(app: &App, args: &ExportArgs) -> Result<Exit, Error> {
    let of_csv = [("--bom", args.bom), ("--raw-csv", args.raw_csv)];
    if let Some((flag, _)) = of_csv.iter().find(|(_, given)| *given)
        && args.format != ExportFormat::Csv
    {
        let format = args.format.name();
        return Err(Error::Usage(format!(
            "{flag} changes only CSV, and the format is {format}; leave it out"
        )));
    }
    let enterprises = app.tree.select(&args.calls.enterprises)?;
    let mut period = period(app, &args.calls)?;
    if args.per_day {
        period = whole(period, app.clock.shown);
    }
    // The files are examined before they are read, so that a change during the export is noticed.
    let sources = LogSources::look(app, &enterprises);
    let now = app.now.utc();
    let days = ExportDays::new(&app.clock, period, sources.first(), now);
    let question = SearchQuestion {
        digests: args.format == ExportFormat::Parquet,
        ..question(app, &args.calls, args.strict)
    };
    let mut export = Export {
        app,
        args,
        now,
        folder: ExportFolder::open(&args.out, app.tree.root(), &arguments(app, args, period))?,
        asker: Asker::new(app, &enterprises, question, days.left()),
        sources,
        files: 0,
        calls: 0,
        is_blocked: false,
    };
    let done = match args.per_day {
        true => export.file_per_day(days),
        false => export.one_file(days, period),
    };
    let done = done.and_then(|()| export.folder.finish());
    export.asker.bar.finish_and_clear();
    let (files, calls) = (export.files, export.calls);
    let counted = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{} {what}s", grouped(count, ',')),
    };
    app.say(&format!(
        "{}, {} in {}",
        counted(files, "file"),
        counted(calls, "call"),
        args.out.display()
    ));
    done?;
    app.say_missing(&export.asker.missing, calls > 0);
    let troubles = export.asker.missing.is_incomplete() || export.is_blocked;
    Ok(Exit::of(calls > 0, troubles))
}

/// All arguments that decide the content of the files; with one file per day, without the period.
fn arguments(app: &App, args: &ExportArgs, (since, until): UtcPeriod) -> Arguments {
    let root = std::fs::canonicalize(app.tree.root());
    let root = root.unwrap_or_else(|_| app.tree.root().to_owned());
    let time = |at: Option<DateTime<Utc>>| at.filter(|_| !args.per_day).map(rfc3339);
    let further = [
        ("--root", Some(root.display().to_string())),
        ("--since", time(since)),
        ("--until", time(until)),
        ("--tz", Some(app.clock.zone_name().to_owned())),
        ("log_timezone", Some(app.clock.log.0.name().to_owned())),
    ];
    let further = further
        .into_iter()
        .filter_map(|(option, value)| Some((option, value?)));
    let all = args.stated().into_iter().chain(further);
    all.map(|(option, value)| (option.to_owned(), value))
        .collect()
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

struct Export<'d> {
    app: &'d App,
    args: &'d ExportArgs,
    now: DateTime<Utc>,
    folder: ExportFolder,
    asker: Asker<'d>,
    sources: LogSources,
    /// Number of files of this export in the folder.
    files: u64,
    /// Number of calls in these files.
    calls: u64,
    /// A file of another program has the name of a file of this export.
    is_blocked: bool,
}

/// The result of the search for one file.
#[derive(Debug, Clone, Copy)]
struct FileResult {
    rows: u64,
    /// The end of its period; `None` if the period is open.
    over: Option<DateTime<Utc>>,
    is_final: bool,
    logs_changed: Option<i64>,
}

impl Export<'_> {
    fn file_per_day(&mut self, mut days: ExportDays) -> Result<(), Error> {
        while let Some(day) = days.next(
            |from, to| self.sources.may_hold(from, to),
            |from, to| self.asker.is_empty(from, to),
        ) {
            let name = self.name_of(Some(day.date));
            self.asker.bar.set_message(name.clone());
            let logs_changed = self.sources.changed(day.from, day.to);
            if self.is_done(&name, logs_changed)? {
                days.had(1);
            } else {
                let answer = self.asker.ask(day.from, day.to);
                days.had(answer.rows.len());
                self.write_days(&day, answer, logs_changed)?;
            }
            let bar = &self.asker.bar;
            bar.set_position(bar.length().unwrap_or(0).saturating_sub(days.left()));
        }
        Ok(())
    }

    /// Writes the calls of a day. The answer for a day with an open end may hold calls of other days.
    fn write_days(
        &mut self,
        day: &Day,
        answer: PeriodCalls,
        changed: Option<i64>,
    ) -> Result<(), Error> {
        let mut dates: BTreeMap<NaiveDate, Vec<(EnterpriseName, Summary)>> = BTreeMap::new();
        dates.insert(day.date, Vec::new());
        for (enterprise, call) in answer.rows {
            let date = self.app.clock.moment(call.first).date_naive();
            let is_other =
                day.from.is_none() && date < day.date || day.to.is_none() && date > day.date;
            let date = if is_other { date } else { day.date };
            dates.entry(date).or_default().push((enterprise, call));
        }
        for (date, rows) in dates {
            let made = FileResult {
                rows: rows.len() as u64,
                over: Some(end_of(date, self.app.clock.shown)),
                is_final: answer.is_final,
                logs_changed: changed,
            };
            self.write_day(&self.name_of(Some(date)), &rows, made)?;
        }
        Ok(())
    }

    fn write_day(
        &mut self,
        name: &str,
        rows: &[(EnterpriseName, Summary)],
        made: FileResult,
    ) -> Result<(), Error> {
        let standing = self.folder.proven(name)?;
        if rows.is_empty() && standing == ExistingFile::Nothing {
            return Ok(());
        }
        if self.stays(name, &standing, made) {
            return Ok(());
        }
        let (app, args) = (self.app, self.args);
        let fresh = self.folder.write(name, |out| {
            let mut writer = writer(app, args, out)?;
            for (enterprise, call) in rows {
                writer.row(enterprise, call)?;
            }
            writer.finish()
        })?;
        self.put(name, &standing, fresh, made)
    }

    fn one_file(&mut self, mut days: ExportDays, (since, until): UtcPeriod) -> Result<(), Error> {
        let name = self.name_of(None);
        let stamp = |moment| self.app.clock.log.stamp(moment);
        let logs_changed = self.sources.changed(since.map(stamp), until.map(stamp));
        if self.is_done(&name, logs_changed)? {
            return Ok(());
        }
        let standing = self.folder.proven(&name)?;
        if standing == ExistingFile::Foreign {
            self.in_the_way(&name);
            return Ok(());
        }
        let mut made = FileResult {
            rows: 0,
            over: until,
            is_final: true,
            logs_changed,
        };
        let (app, args, sources, asker) = (self.app, self.args, &self.sources, &mut self.asker);
        let fresh = self.folder.write(&name, |out| {
            let mut writer = writer(app, args, out)?;
            while let Some(day) = days.next(
                |from, to| sources.may_hold(from, to),
                |from, to| asker.is_empty(from, to),
            ) {
                asker.bar.set_message(day.date.to_string());
                let answer = asker.ask(day.from, day.to);
                days.had(answer.rows.len());
                for (enterprise, call) in &answer.rows {
                    writer.row(enterprise, call)?;
                }
                made.rows += answer.rows.len() as u64;
                made.is_final &= answer.is_final;
                let all = asker.bar.length().unwrap_or(0);
                asker.bar.set_position(all.saturating_sub(days.left()));
            }
            writer.finish()
        })?;
        made.is_final &= !self.asker.missing.is_incomplete();
        match self.stays(&name, &standing, made) {
            true => Ok(()),
            false => self.put(&name, &standing, fresh, made),
        }
    }

    /// Whether a file is complete and its logs have not changed since.
    fn is_done(&mut self, name: &str, logs_changed: Option<i64>) -> Result<bool, Error> {
        if self.args.overwrite {
            return Ok(false);
        }
        match self.folder.standing(name)? {
            ExistingFile::Own(entry) if entry.is_complete => {
                let is_same = logs_changed.is_some_and(|changed| changed <= entry.logs_changed);
                if is_same {
                    self.app
                        .explain(|| format!("{name} has been complete since {}", entry.made_at));
                    self.count(entry.rows);
                }
                Ok(is_same)
            }
            _ => Ok(false),
        }
    }

    /// Whether the existing file is kept: another program wrote it, or it has more calls than were found now. Logs
    /// expire and may be unreadable for a while; exported calls must not be lost by that.
    fn stays(&mut self, name: &str, standing: &ExistingFile, made: FileResult) -> bool {
        match standing {
            ExistingFile::Nothing => false,
            ExistingFile::Foreign => {
                self.in_the_way(name);
                true
            }
            ExistingFile::Own(_) if self.args.overwrite => false,
            ExistingFile::Own(entry) => {
                let is_less = made.rows < entry.rows;
                if is_less {
                    let path = self.folder.path_of(name);
                    self.asker.say(format!(
                        "{} is kept with {} calls, as the logs hold only {} now; --overwrite replaces it",
                        path.display(),
                        grouped(entry.rows, ','),
                        grouped(made.rows, ',')
                    ));
                }
                let stays = is_less || entry.is_complete && !made.is_final;
                if stays {
                    self.count(entry.rows);
                }
                stays
            }
        }
    }

    fn put(
        &mut self,
        name: &str,
        standing: &ExistingFile,
        fresh: WrittenFile,
        made: FileResult,
    ) -> Result<(), Error> {
        let is_over = made
            .over
            .is_some_and(|end| (self.now - end).num_milliseconds() >= OVER_MILLIS);
        let mut entry = ManifestEntry {
            rows: made.rows,
            content: fresh.content.clone(),
            before: None,
            is_complete: made.is_final && is_over && made.logs_changed.is_some(),
            made_at: rfc3339(self.now),
            logs_changed: made.logs_changed.unwrap_or(0),
        };
        match standing {
            ExistingFile::Own(known) if known.content == entry.content => {
                entry.made_at.clone_from(&known.made_at);
                self.folder.renew(name, &entry);
            }
            _ => {
                self.folder.put(name, fresh, entry)?;
                self.app
                    .explain(|| format!("{name} is written, {} calls", grouped(made.rows, ',')));
            }
        }
        self.count(made.rows);
        Ok(())
    }

    fn count(&mut self, rows: u64) {
        self.files += 1;
        self.calls += rows;
    }

    fn in_the_way(&mut self, name: &str) {
        self.is_blocked = true;
        let path = self.folder.path_of(name);
        self.asker.say(format!(
            "{} is in the way: this export did not write it, or it was changed later; move it away",
            path.display()
        ));
    }

    fn name_of(&self, date: Option<NaiveDate>) -> String {
        let date = date.map_or(String::new(), |date| format!("-{date}"));
        format!("{CALLS}{date}.{}", self.args.format.name())
    }
}

/// The writer of the requested format. A new format is a new arm here.
fn writer<'w>(
    app: &App,
    args: &ExportArgs,
    out: &'w mut (dyn Write + Send),
) -> io::Result<Box<dyn RowWriter + 'w>> {
    Ok(match args.format {
        ExportFormat::Csv => Box::new(CsvRows::sheet(out, &app.clock, args.raw_csv, args.bom)?),
        ExportFormat::Ndjson => Box::new(NdjsonRows::new(out, &app.clock)),
        ExportFormat::Parquet => Box::new(ParquetRows::new(out, &app.clock)?),
    })
}
