//! One file a subcommand: arguments -> plan -> run. The only room that sees everything.
//!
//! Answers go to stdout, everything said about them to stderr. A run ends as an [`Exit`]; `main`
//! turns it into a number.

mod askpass;
mod calls;
mod compare;
mod complete;
mod config;
mod consent;
mod doctor;
mod export;
mod index;
mod lines;
mod link;
mod links;
mod meant;
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

use names::Book;
use root::Root;
use system_zone::{system_zone, wrong_tz};
use talk::{Notes, Out};
use wall_clock::wall_clock;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something was found, and nothing stood in the way.
    Found,
    /// Nothing was found though everything was searched.
    Nothing,
    /// Everything was looked at, and something is wrong.
    Findings,
    /// Something could not be read; what was found is printed all the same.
    Incomplete,
    /// The user had enough of it.
    Interrupted,
}

impl Exit {
    /// The number that the process ends with: 0, 1, 2, or 130 as of a shell's command that Ctrl-C
    /// ended.
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

/// Carries out what was typed.
///
/// # Errors
/// What ends a command: wrong input, no tree, no way to write the answer.
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
        Command::Rotate(mut args) => rotate::run(&App::of(global, &mut args.enterprises)?, &args),
        Command::Doctor(mut args) => {
            let app = App::of(global, &mut args.enterprises)?;
            doctor::run(&app.paged(), &args)
        }
        Command::Sync(mut args) => sync::run(&App::of(global, &mut args.enterprises)?, &args),
        Command::Serve(args) => serve::run(App::open(global)?, &args),
    }
}

/// What every subcommand works with.
struct App {
    tree: Tree,
    engine: Engine,
    clock: Clock,
    now: WallClock,
    global: Global,
    settings: Settings,
    /// Who is who, once it is asked.
    book: OnceCell<Option<Book>>,
    /// What answers go through, on a terminal.
    pager: Option<String>,
    notes: Notes,
    /// What was said once and need not be said again.
    said: RefCell<HashSet<String>>,
}

/// Records or calls as they arrive.
fn follow(global: Global, mut args: TailArgs) -> Result<Exit, Error> {
    let app = App::of(global, &mut args.enterprises)?;
    app.check_words(&args.enterprises, &args.content, args.follows())?;
    tail::run(&app, &args)
}

impl App {
    fn open(global: Global) -> Result<App, Error> {
        let settings = Settings::load(global.config.as_deref())?;
        let tree = Root::of(&global, &settings).open()?;
        let clock = clock(global.tz, &settings);
        let is_set = global.tz.or(settings.display_timezone).is_some();
        if let Some(text) = wrong_tz().filter(|_| !is_set && !global.quiet) {
            say(&text);
        }
        let threads = global.threads.unwrap_or(settings.threads);
        Ok(App {
            tree,
            engine: Engine::new(usize::from(threads), Tuning::default(), clock.log)?,
            clock,
            now: wall_clock(),
            global,
            settings,
            book: OnceCell::new(),
            pager: None,
            notes: Notes::default(),
            said: RefCell::default(),
        })
    }

    /// The same, with what was typed of calls read.
    fn of_calls(global: Global, args: &mut CallArgs) -> Result<App, Error> {
        let app = App::open(global)?;
        app.read_calls(args)?;
        Ok(app)
    }

    /// The same, with what was typed as enterprises read.
    fn of(global: Global, enterprises: &mut [String]) -> Result<App, Error> {
        let app = App::open(global)?;
        app.read_enterprises(enterprises)?;
        Ok(app)
    }

    /// The same for a command whose answer may be longer than a screen, and ends.
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

    /// Who is who; `None` where nobody is known.
    fn book(&self) -> Option<&Book> {
        self.book.get_or_init(|| Book::open(self)).as_ref()
    }

    fn out(&self) -> Out {
        Out::stdout(self.global.color).paged(self.pager.clone())
    }

    /// A point in time as typed; an error names the flag.
    fn moment(&self, flag: &str, typed: Option<&str>) -> Result<Option<Moment>, Error> {
        self.moment_after(flag, typed, None)
    }

    /// The same; a time of day alone is after `after`.
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

    /// The time of day, as records state it.
    fn now_stamp(&self) -> Stamp {
        self.engine.zone().stamp(self.now.utc())
    }

    /// Something that everybody should know.
    fn say(&self, text: &str) {
        if !self.global.quiet {
            self.notes.say(text);
        }
    }

    /// Several things for those who asked.
    fn explain_all(&self, texts: &[String]) {
        for text in texts {
            self.explain(|| text.clone());
        }
    }

    /// Something for those who asked.
    fn explain(&self, text: impl FnOnce() -> String) {
        if self.global.verbose {
            self.notes.say(&text());
        }
    }
}

/// The zones of records and of what is shown, of which one may have been typed.
fn clock(typed: Option<Zone>, settings: &Settings) -> Clock {
    let shown = typed.or(settings.display_timezone);
    Clock {
        log: settings.log_timezone,
        shown: shown.unwrap_or_else(system_zone),
    }
}
