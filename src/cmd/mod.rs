//! The subcommands, one file each: they turn arguments into questions to the other crates and print the answers.
//! Only this module uses all crates.
//!
//! Answers go to stdout, messages about them to stderr. A run ends as an [`Exit`]; `main` turns it into a number.

mod archive;
mod askpass;
mod byte_bar;
mod calls;
mod check;
mod compare;
mod complete;
mod config;
mod consent;
mod doctor;
mod export;
mod index;
mod interpret;
mod jobs;
mod lines;
mod link;
mod links;
mod missing;
mod names;
mod origin;
mod overview;
mod pager;
mod progress;
mod root;
mod rotate;
mod search;
mod serve;
mod ship;
mod stats;
mod sync;
mod system_zone;
mod tail;
mod talk;
mod target;
mod trace;
mod wall_clock;

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;

use calltrace_model::record::Zone;
use chrono::{DateTime, Utc};

use crate::cli::{CallArgs, Cli, Command, Global, Moment, TailArgs};
use crate::settings::Settings;
use calltrace_engine::Engine;
use calltrace_model::record::Stamp;
use calltrace_output::Clock;
use calltrace_store::error::Error;
use calltrace_store::fsx::{WallClock, raise_descriptor_limit};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::Tree;

pub use askpass::askpass;
pub use complete::complete;
pub use talk::say;

use archive::{Days, OpenTree};
use names::Book;
use root::Root;
use system_zone::{system_zone, wrong_tz};
use talk::{Notes, Out};
use wall_clock::wall_clock;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something was found, and everything could be read.
    Found,
    /// Nothing was found though everything was searched.
    Nothing,
    /// Everything was checked, and something is wrong.
    Findings,
    /// Something could not be read; the rest of the answer is still printed.
    Incomplete,
    /// The user ended the run.
    Interrupted,
}

impl Exit {
    /// The exit code of the process: 0, 1, 2, or 130, which a shell uses for a command that Ctrl-C ended.
    pub fn code(self) -> u8 {
        match self {
            Exit::Found => 0,
            Exit::Nothing | Exit::Findings => 1,
            Exit::Incomplete => 2,
            Exit::Interrupted => 130,
        }
    }

    fn of(found: bool, troubles: bool) -> Exit {
        match (found, troubles) {
            (_, true) => Exit::Incomplete,
            (true, false) => Exit::Found,
            (false, false) => Exit::Nothing,
        }
    }
}

/// Runs the subcommand that was typed.
///
/// # Errors
/// Wrong input, a missing tree, or an answer that can't be written.
pub fn run(cli: Cli) -> Result<Exit, Error> {
    raise_descriptor_limit();
    let global = cli.global;
    let Some(command) = cli.command else {
        return overview::run(&global);
    };
    match command {
        // These need no logs.
        Command::Link(args) => link::run(&global, &args),
        Command::Config(args) => config::run(&global, &args),
        Command::Trace(args) => trace::run(&App::open(global)?.paged(), &args),
        Command::Search(mut args) => {
            let app = App::of_calls(global, &mut args.calls)?;
            search::run(&app.paged(), &args)
        }
        Command::Stats(mut args) => {
            let app = App::of_calls(global, &mut args.calls)?;
            stats::run(&app.paged(), &args)
        }
        Command::Export(mut args) => export::run(&App::of_calls(global, &mut args.calls)?, &args),
        Command::Tail(args) => follow(global, *args),
        Command::Live(args) => follow(global, args.tail()),
        Command::Compare(args) => match args.follow {
            true => compare::follow(&App::open(global)?, &args),
            false => compare::run(&App::open(global)?.paged(), &args),
        },
        Command::Index(mut args) => index::run(&App::of(global, &mut args.enterprises)?, &args),
        Command::Rotate(mut args) => {
            rotate::run(&App::of_local(global, &mut args.enterprises)?, &args)
        }
        Command::Ship(mut args) => ship::run(&App::of_local(global, &mut args.enterprises)?, &args),
        Command::Doctor(mut args) => {
            let app = App::of_local(global, &mut args.enterprises)?;
            doctor::run(&app.paged(), &args)
        }
        Command::Check(mut args) => {
            let app = App::of(global, &mut args.enterprises)?;
            check::run(&app.paged(), &args)
        }
        Command::Sync(mut args) => sync::run(&App::of(global, &mut args.enterprises)?, &args),
        Command::Serve(args) => serve::run(App::open(global)?, &args),
    }
}

/// The state that the subcommands share.
struct App {
    tree: Tree,
    engine: Engine,
    clock: Clock,
    now: WallClock,
    global: Global,
    settings: Settings,
    /// The directory of names, opened at the first question.
    book: OnceCell<Option<Book>>,
    /// The command line of the pager; `None` if the output is not paged.
    pager: Option<String>,
    notes: Notes,
    /// Messages that are printed only once.
    printed_once: RefCell<HashSet<String>>,
}

/// Runs `tail` and `live`.
fn follow(global: Global, mut args: TailArgs) -> Result<Exit, Error> {
    let app = App::of(global, &mut args.enterprises)?;
    app.check_words(&args.enterprises, &args.content, args.follows())?;
    tail::run(&app, &args)
}

impl App {
    fn open(global: Global) -> Result<App, Error> {
        App::open_days(global, Days::All)
    }

    fn open_days(global: Global, days: Days) -> Result<App, Error> {
        let settings = Settings::load(global.config.as_deref())?;
        let opened = OpenTree::of(&Root::of(&global, &settings), &settings, days)?;
        let clock = clock(global.tz, &settings);
        let is_set = global.tz.or(settings.display_timezone).is_some();
        if let Some(text) = wrong_tz().filter(|_| !is_set && !global.quiet) {
            say(&text);
        }
        let threads = match global.threads.unwrap_or(settings.threads) {
            0 => opened.threads(),
            threads => threads,
        };
        let app = App {
            tree: opened.tree,
            engine: Engine::new(usize::from(threads), Tuning::default(), clock.log)?,
            clock,
            now: wall_clock(),
            global,
            settings,
            book: OnceCell::new(),
            pager: None,
            notes: Notes::default(),
            printed_once: RefCell::default(),
        };
        opened.warnings.iter().for_each(|text| app.say(text));
        Ok(app)
    }

    /// Opens the tree and reads filters on calls.
    fn of_calls(global: Global, args: &mut CallArgs) -> Result<App, Error> {
        let app = App::open(global)?;
        app.read_calls(args)?;
        Ok(app)
    }

    /// Opens the tree and reads the names of enterprises.
    fn of(global: Global, enterprises: &mut [String]) -> Result<App, Error> {
        let app = App::open(global)?;
        app.read_enterprises(enterprises)?;
        Ok(app)
    }

    /// The same for a command that changes or examines local folders.
    fn of_local(global: Global, enterprises: &mut [String]) -> Result<App, Error> {
        let app = App::open_days(global, Days::Local)?;
        app.read_enterprises(enterprises)?;
        Ok(app)
    }

    /// Turns the pager on, for a command that ends and may print more than a screen.
    fn paged(self) -> App {
        let is_wanted = !self.global.no_pager && self.out().is_screen();
        let pager = pager::wanted().filter(|_| is_wanted);
        let notes = match pager {
            Some(_) => Notes::kept(),
            None => Notes::default(),
        };
        App {
            pager,
            notes,
            ..self
        }
    }

    /// The directory of names; `None` if the settings have no source of names.
    fn book(&self) -> Option<&Book> {
        self.book.get_or_init(|| Book::open(self)).as_ref()
    }

    fn out(&self) -> Out {
        Out::stdout(self.global.color).paged(self.pager.clone())
    }

    /// Parses a point in time; an error names the flag.
    fn moment(&self, flag: &str, typed: Option<&str>) -> Result<Option<Moment>, Error> {
        self.moment_after(flag, typed, None)
    }

    /// Parses a point in time; a time of day alone is after `after`.
    fn moment_after(
        &self,
        flag: &str,
        typed: Option<&str>,
        after: Option<DateTime<Utc>>,
    ) -> Result<Option<Moment>, Error> {
        typed
            .map(|text| Moment::parse(text, &self.clock, self.now.utc(), after))
            .transpose()
            .map_err(|what| Error::Usage(format!("{flag}: {what}")))
    }

    /// The current time in the clock of the records.
    fn now_stamp(&self) -> Stamp {
        self.engine.zone().stamp(self.now.utc())
    }

    /// Prints a message on stderr, unless `--quiet` is given.
    fn say(&self, text: &str) {
        if !self.global.quiet {
            self.notes.say(text);
        }
    }

    /// Prints several messages with `--verbose`.
    fn explain_all(&self, texts: &[String]) {
        for text in texts {
            self.explain(|| text.clone());
        }
    }

    /// Prints a message with `--verbose`.
    fn explain(&self, text: impl FnOnce() -> String) {
        if self.global.verbose {
            self.notes.say(&text());
        }
    }
}

/// The time zones of the records and of the output; `typed` is the value of `--tz`.
fn clock(typed: Option<Zone>, settings: &Settings) -> Clock {
    let shown = typed.or(settings.display_timezone);
    Clock {
        log: settings.log_timezone,
        shown: shown.unwrap_or_else(system_zone),
    }
}
