//! `calltrace compare --follow`: compares both sides as events arrive.
//!
//! The tree is followed as in `tail`; logs of services are read five times per second, journals once per
//! second.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::super::tail::interrupts;
use super::super::talk::Out;
use super::super::{App, Exit};
use super::sides::{self, Received};
use super::{check_events, question};
use crate::cli::{CompareArgs, CompareFormat};
use calltrace_engine::{AfterAnswer, LinesQuestion};
use calltrace_follow::{EnterpriseSelection, Follow, FollowOptions, Next, Start};
use calltrace_hosts::journal::JournalTable;
use calltrace_hosts::services::GrowingLog;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{KindName, Zone};
use calltrace_model::sighting::{SeenAt, Sighting};
use calltrace_output::compare::{line, line_value, summary, summary_value};
use calltrace_output::{Secrets, json};
use calltrace_store::error::Error;
use calltrace_sync::compare::live::{EventSide, LiveMatcher, LiveUpdate};
use calltrace_sync::compare::{CompareQuery, EventFilter, SideEvents, journal, tree};

/// Time between two reads of a log.
const LOOK: Duration = Duration::from_millis(200);

/// Time between two reads of a journal; each read runs a program.
const LOOK_AT_JOURNAL: Duration = Duration::from_secs(1);

pub(in crate::cmd) fn run(app: &App, args: &CompareArgs) -> Result<Exit, Error> {
    let question = question(app, args)?;
    check_events(args, &SideEvents::default(), &SideEvents::default())?;
    let received = Received::of(app, args.received.as_deref())?;
    let deadline = args
        .timeout
        .and_then(|time| Instant::now().checked_add(time));
    let mut sending = SentSource::begin(app, args)?;
    let mut arriving = ArrivalSource::begin(app, &received)?;
    let wait = i64::try_from(args.wait.as_millis()).unwrap_or(i64::MAX);
    let mut comparison = LiveComparison {
        app,
        format: args.format,
        out: app.out(),
        question: &question,
        live: LiveMatcher::new(question.window, wait),
        known: Vec::new(),
    };
    app.say("following both sides; Ctrl-C ends it with a summary");
    let exit = loop {
        let until = Instant::now() + LOOK;
        let (came, end) = arriving.wait(app, deadline.map_or(until, |end| end.min(until)))?;
        // Sent events first, so that the line of an arrival can show the time that the event took.
        let sent = sending.look(app, args)?;
        comparison.take(EventSide::Sent, sent)?;
        comparison.take(EventSide::Received, came)?;
        comparison.tick()?;
        match end {
            Some(exit) => break exit,
            None if deadline.is_some_and(|end| end <= Instant::now()) => break Exit::Found,
            None => {}
        }
    };
    let LiveComparison { live, mut out, .. } = comparison;
    let (counts, lag) = live.finish();
    match args.format {
        CompareFormat::Table => app.say(&summary(&counts, lag)),
        CompareFormat::Json => {
            out.bytes(|out| json::write(out, &summary_value(&counts, lag), false))?;
        }
    }
    let is_same = counts.missing + counts.differs + counts.duplicate == 0;
    Ok(match exit {
        Exit::Found if !is_same => Exit::Findings,
        exit => exit,
    })
}

/// The source of sent events.
enum SentSource {
    Log(Box<GrowingLog>),
    Journal {
        path: PathBuf,
        after: BTreeMap<JournalTable, i64>,
        zone: Option<Zone>,
        looked_at: Instant,
    },
}

impl SentSource {
    fn begin(app: &App, args: &CompareArgs) -> Result<SentSource, Error> {
        let path = &args.sent;
        if !sides::is_journal(path) {
            return Ok(SentSource::Log(Box::new(growing(app, path)?)));
        }
        let fetched = sides::journal_rows(app, path, &BTreeMap::new())?;
        let is_known = args.journal_tz.is_some() || journal::zone_of(&fetched.rows).is_some();
        Ok(SentSource::Journal {
            path: path.clone(),
            after: fetched
                .journals
                .iter()
                .flat_map(|one| one.last.clone())
                .collect(),
            zone: is_known.then(|| sides::journal_zone(app, args, &fetched)),
            looked_at: Instant::now(),
        })
    }

    /// The events sent since the last read.
    fn look(&mut self, app: &App, args: &CompareArgs) -> Result<Vec<Sighting>, Error> {
        match self {
            SentSource::Log(log) => Ok(log.look().sent),
            SentSource::Journal { looked_at, .. } if looked_at.elapsed() < LOOK_AT_JOURNAL => {
                Ok(Vec::new())
            }
            SentSource::Journal {
                path,
                after,
                zone,
                looked_at,
            } => {
                *looked_at = Instant::now();
                let fetched = match sides::journal_rows(app, path, after) {
                    Ok(fetched) => fetched,
                    Err(error) => {
                        app.say_once(&error.to_string());
                        return Ok(Vec::new());
                    }
                };
                for one in &fetched.journals {
                    after.extend(one.last.clone());
                }
                let zone = *zone.get_or_insert_with(|| sides::journal_zone(app, args, &fetched));
                let side = journal::side(&fetched, zone);
                side.incomplete.iter().for_each(|text| app.say_once(text));
                Ok(side.sightings)
            }
        }
    }
}

/// The source of arrived events.
enum ArrivalSource {
    Tree(Box<Follow>),
    /// A log, and a socket that becomes readable at Ctrl-C.
    Log(Box<GrowingLog>, UnixStream),
}

impl ArrivalSource {
    fn begin(app: &App, received: &Received) -> Result<ArrivalSource, Error> {
        let interrupt = interrupts().map_err(Error::Signals)?;
        let given = match received {
            Received::Enterprises(given) => given,
            Received::Log(path) => {
                let heard = UnixStream::from(interrupt);
                return Ok(ArrivalSource::Log(Box::new(growing(app, path)?), heard));
            }
            Received::Database => {
                return Err(Error::Usage(
                    "--follow can't follow a database; leave it out, or name an enterprise or a log".to_owned(),
                ));
            }
        };
        let selected = match given {
            Some(one) => vec![one.clone()],
            None => app.tree.select(&[])?,
        };
        let filter = RecordFilter {
            kinds: vec![KindName::Ast],
            ..RecordFilter::default()
        };
        let newest = LinesQuestion {
            filter: filter.clone(),
            limit: Some(1),
            ..LinesQuestion::default()
        };
        let answers =
            app.engine
                .lines_up_to_now(&app.tree, &selected, &newest, AfterAnswer::Follow);
        let mut starts = Vec::new();
        for (enterprise, answer) in selected.iter().zip(answers) {
            let now = answer?;
            starts.push(Start {
                enterprise: enterprise.clone(),
                files: now.files,
                newest: now.newest,
            });
        }
        let whom = match given {
            Some(_) => EnterpriseSelection::Named(selected),
            None => EnterpriseSelection::All,
        };
        let options = FollowOptions {
            filter,
            poll: false,
            interrupt: Some(interrupt),
            output: app.out().pipe(),
        };
        let follow = Follow::new(&app.tree, whom, starts, options, app.now.clone());
        Ok(ArrivalSource::Tree(Box::new(follow)))
    }

    /// Waits for events until `until`; also returns how the run ends, if it ends.
    fn wait(&mut self, app: &App, until: Instant) -> Result<(Vec<Sighting>, Option<Exit>), Error> {
        match self {
            ArrivalSource::Tree(follow) => match follow.next(Some(until))? {
                Next::Came(batch) => {
                    for news in batch.news.iter().filter(|news| news.matters) {
                        app.say_once(&news.text);
                    }
                    let zone = app.engine.zone();
                    let seen = batch.lines().filter_map(|arrival| {
                        let seen_at = SeenAt {
                            source: tree::source(arrival.enterprise, arrival.file),
                            number: 0,
                        };
                        tree::sighting(arrival.text, arrival.at, zone, seen_at)
                    });
                    Ok((seen.collect(), None))
                }
                Next::Deadline => Ok((Vec::new(), None)),
                Next::Interrupted => Ok((Vec::new(), Some(Exit::Interrupted))),
                Next::Closed => Ok((Vec::new(), Some(Exit::Found))),
            },
            ArrivalSource::Log(log, heard) => {
                let left = until.saturating_duration_since(Instant::now());
                let left = left.max(Duration::from_millis(1));
                let timed = heard.set_read_timeout(Some(left));
                let rung = timed.and_then(|()| heard.read(&mut [0]));
                let exit = match rung {
                    Ok(_) => Some(Exit::Interrupted),
                    Err(error) => match error.kind() {
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                            None
                        }
                        _ => return Err(Error::Signals(error)),
                    },
                };
                Ok((log.look().received, exit))
            }
        }
    }
}

fn growing(app: &App, path: &std::path::Path) -> Result<GrowingLog, Error> {
    let growing = GrowingLog::begin(path, sides::log_zone(app));
    growing.map_err(|error| Error::Usage(error.to_string()))
}

/// Matches the events of both sides, and prints them.
struct LiveComparison<'d> {
    app: &'d App,
    format: CompareFormat,
    out: Out,
    question: &'d CompareQuery,
    live: LiveMatcher,
    /// Events of the requested call, which show the ids of the call.
    known: Vec<Sighting>,
}

/// Maximum number of remembered events of the call.
const KNOWN_MAX: usize = 10_000;

impl LiveComparison<'_> {
    fn take(&mut self, way: EventSide, mut came: Vec<Sighting>) -> Result<(), Error> {
        let now = self.app.now.utc().timestamp_millis();
        let scope = EventFilter::of(self.question, &[&self.known, &came]);
        let is_asked: Vec<bool> = came.iter().map(|one| scope.holds(one)).collect();
        let mut is_asked = is_asked.into_iter();
        came.retain(|_| is_asked.next().expect("as many as came"));
        if self.question.id.is_some() && self.known.len() < KNOWN_MAX {
            self.known.extend(came.iter().cloned());
        }
        let updates = came.into_iter().map(|one| self.live.take(way, one, now));
        let updates: Vec<LiveUpdate> = updates.collect();
        self.print(&updates)
    }

    fn tick(&mut self) -> Result<(), Error> {
        let updates = self.live.tick(self.app.now.utc().timestamp_millis());
        self.print(&updates)
    }

    fn print(&mut self, updates: &[LiveUpdate]) -> Result<(), Error> {
        if updates.is_empty() {
            return Ok(());
        }
        let bodies = updates
            .iter()
            .map(|update| update.sighting.body.canonical());
        let secrets = Secrets::of_lines(bodies.map(str::as_bytes));
        let (clock, wait) = (&self.app.clock, self.live.wait_millis());
        match self.format {
            CompareFormat::Table => self.out.styled(|out| {
                updates
                    .iter()
                    .try_for_each(|update| writeln!(out, "{}", line(update, clock, &secrets, wait)))
            }),
            CompareFormat::Json => self.out.bytes(|out| {
                updates
                    .iter()
                    .try_for_each(|update| json::write(out, &line_value(update, &secrets), false))
            }),
        }
    }
}
