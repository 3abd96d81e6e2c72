//! `calltrace tail [ENTERPRISE...]`
//!
//! Prints past records first, then those that arrive. Both come from the same open files, so that no record is
//! missed or shown twice. [`records`] prints records, [`call`] prints one call with its legs, [`calls`] prints one
//! line per change of a call.

mod board;
mod call;
mod calls;
mod known;
mod records;
mod screen;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use super::missing::Missing;
use super::talk::Out;
use super::{App, Exit};
use crate::cli::{TailArgs, TailFormat};
use calltrace_engine::{AfterAnswer, AnswerUpToNow};
use calltrace_follow::{Arrival, EnterpriseSelection, FileNews, Follow, FollowOptions, Start};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Place;
use calltrace_output::{RecordDetail, RecordStream, StreamRecord, json};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

pub(super) fn run(app: &App, args: &TailArgs) -> Result<Exit, Error> {
    args.check()?;
    if args.follows() && !app.tree.is_local() {
        return Err(Error::Usage(format!(
            "{} holds shipped days, which never change; --follow needs --root with a local folder",
            app.tree.root().display()
        )));
    }
    let tail = Tail {
        app,
        args,
        selected: app.tree.select(&args.enterprises)?,
        // A deadline that is too far away to be computed is never reached.
        deadline: args
            .timeout
            .and_then(|time| Instant::now().checked_add(time)),
        missing: Missing::default(),
        has_begun: false,
    };
    match &args.call {
        Some(asked) => call::run(tail, asked),
        None if args.calls => calls::run(tail),
        None => records::run(tail),
    }
}

/// The state that all kinds of tail share.
struct Tail<'d> {
    app: &'d App,
    args: &'d TailArgs,
    /// The existing enterprises among the requested ones.
    selected: Vec<EnterpriseName>,
    /// When following ends.
    deadline: Option<Instant>,
    /// The files that could not be read.
    missing: Missing,
    /// The past is printed, and so are its read errors.
    has_begun: bool,
}

impl<'d> Tail<'d> {
    /// The answer of an enterprise; its end is added to `starts`, where following begins. `None` if its folder can't be
    /// read, which is noted.
    fn take<A>(
        &mut self,
        enterprise: &EnterpriseName,
        answer: Result<AnswerUpToNow<A>, Error>,
        starts: &mut Vec<Start>,
    ) -> Option<A> {
        let now = self.missing.answer(answer)?;
        starts.push(Start {
            enterprise: enterprise.clone(),
            files: now.files,
            newest: now.newest,
        });
        Some(now.answer)
    }

    /// What to do with the files that were read.
    fn then(&self) -> AfterAnswer {
        match self.args.follows() {
            true => AfterAnswer::Follow,
            false => AfterAnswer::Close,
        }
    }

    /// Notes read errors. After the past is printed, new ones that matter are printed at once.
    fn trouble(&mut self, troubles: &[Trouble]) {
        let fresh = self.missing.add(troubles);
        if self.has_begun {
            let matters = |trouble: &&Trouble| trouble.matters;
            self.app.say_troubles(fresh.into_iter().filter(matters));
        }
    }

    /// Prints the read errors of the past, after it is printed; `found` says whether there was something to print.
    fn begun(&mut self, found: bool) {
        self.has_begun = true;
        self.app.say_missing(&self.missing, found);
    }

    /// Whether the answer may miss something.
    fn is_incomplete(&self) -> bool {
        self.missing.is_incomplete()
    }

    /// Whether the deadline has passed.
    fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    fn exit(&self, found: bool) -> Exit {
        Exit::of(found, self.is_incomplete())
    }

    /// Columns for the enterprise's name; `None` if only one enterprise can appear.
    fn name_width(&self) -> Option<usize> {
        let may_come = self.args.follows() && self.args.enterprises.is_empty();
        let widths = self.selected.iter().map(|name| name.as_str().len());
        (may_come || self.selected.len() > 1).then(|| widths.max().unwrap_or(0))
    }

    fn printer(&self) -> Printer<'d> {
        Printer {
            app: self.app,
            out: self.app.out(),
            format: self.args.format(),
            stream: RecordStream::new(self.app.clock, self.name_width()).showing(
                match self.args.full {
                    true => RecordDetail::Words,
                    false => RecordDetail::Few,
                },
            ),
            has_printed: false,
        }
    }

    /// The enterprises to follow: the requested ones, or all including new ones.
    fn whom(&self) -> EnterpriseSelection {
        match self.args.enterprises.is_empty() {
            true => EnterpriseSelection::All,
            false => EnterpriseSelection::Named(self.selected.clone()),
        }
    }

    /// Follows the files from `starts` on. From then on [`Follow::next`] reports Ctrl-C.
    fn follow(
        &self,
        whom: EnterpriseSelection,
        starts: Vec<Start>,
        filter: RecordFilter,
        out: &Out,
    ) -> Result<Follow, Error> {
        let interrupt = interrupts().map_err(Error::Signals)?;
        let options = FollowOptions {
            filter,
            poll: self.args.poll,
            interrupt: Some(interrupt),
            output: out.pipe(),
        };
        Ok(Follow::new(
            &self.app.tree,
            whom,
            starts,
            options,
            self.app.now.clone(),
        ))
    }

    fn report_news(&self, news: &[FileNews]) {
        for news in news {
            match news.matters {
                true if news.is_limit => self.app.say_once(&news.text),
                true => self.app.say(&news.text),
                false => self.app.explain(|| news.text.clone()),
            }
        }
    }
}

/// A descriptor that becomes readable at the first interrupt. A second interrupt ends the process at once.
pub(super) fn interrupts() -> std::io::Result<OwnedFd> {
    let (heard, rung) = UnixStream::pair()?;
    let once = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The pipe is registered first: otherwise a signal between the two calls would count as the first of two
        // without being reported.
        low_level::pipe::register(signal, rung.try_clone()?)?;
        flag::register_conditional_default(signal, Arc::clone(&once))?;
        flag::register(signal, Arc::clone(&once))?;
    }
    Ok(heard.into())
}

/// Prints records in the requested format.
struct Printer<'d> {
    app: &'d App,
    out: Out,
    format: TailFormat,
    stream: RecordStream,
    has_printed: bool,
}

impl Printer<'_> {
    /// Prints records and flushes.
    fn records<'r>(
        &mut self,
        records: impl IntoIterator<Item = StreamRecord<'r>>,
    ) -> Result<(), Error> {
        let mut records = records.into_iter().peekable();
        if records.peek().is_none() {
            return Ok(());
        }
        self.has_printed = true;
        let (stream, clock) = (&mut self.stream, &self.app.clock);
        match self.format {
            TailFormat::Raw => self.out.raw(records.map(|record| record.text)),
            TailFormat::Ndjson => self.out.bytes(|out| {
                records.try_for_each(|record| json::write(out, &json::shown(&record, clock), false))
            }),
            TailFormat::Lines => {
                let width = self.out.width();
                self.out.styled(|mut out| {
                    records.try_for_each(|record| stream.write(&mut out, &record, width))
                })
            }
        }
    }
}

/// The place of a record that arrives: after all records of files, in the order of arrival.
fn arrived(number: u64) -> Place {
    Place {
        source: u32::MAX,
        offset: number,
    }
}

fn shown(arrival: Arrival<'_>) -> StreamRecord<'_> {
    StreamRecord {
        enterprise: arrival.enterprise.as_str(),
        file: arrival.file,
        offset: arrival.offset,
        at: arrival.at,
        text: arrival.text,
    }
}
