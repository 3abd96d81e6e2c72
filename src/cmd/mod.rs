//! One file a subcommand: arguments -> plan -> run. The only room that sees everything.
//!
//! Answers go to stdout, everything said about them to stderr. A run ends as an [`Exit`]; `main`
//! turns it into a number.

mod calls;
mod complete;
mod config;
mod doctor;
mod export;
mod index;
mod link;
mod names;
mod origin;
mod overview;
mod root;
mod rotate;
mod search;
mod serve;
mod stats;
mod tail;
mod talk;
mod trace;
mod wall_clock;

use std::collections::HashSet;
use std::sync::Mutex;

use calltrace_model::record::Zone;

use crate::cli::{Cli, Command, Global, Moment};
use crate::settings::Settings;
use calltrace_engine::Engine;
use calltrace_model::record::Stamp;
use calltrace_output::Clock;
use calltrace_store::error::Error;
use calltrace_store::fsx::{WallClock, raise_descriptor_limit};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::Tree;

pub use complete::complete;
pub use talk::say;

use root::Root;
use talk::Out;
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
        Command::Trace(args) => trace::run(&Desk::open(global)?, &args),
        Command::Search(args) => search::run(&Desk::open(global)?, &args),
        Command::Stats(args) => stats::run(&Desk::open(global)?, &args),
        Command::Export(args) => export::run(&Desk::open(global)?, &args),
        Command::Tail(args) => tail::run(&Desk::open(global)?, &args),
        Command::Index(args) => index::run(&Desk::open(global)?, &args),
        Command::Rotate(args) => rotate::run(&Desk::open(global)?, &args),
        Command::Doctor(args) => doctor::run(&Desk::open(global)?, &args),
        Command::Serve(args) => serve::run(Desk::open(global)?, &args),
    }
}

/// What every subcommand works with.
struct Desk {
    tree: Tree,
    engine: Engine,
    clock: Clock,
    now: WallClock,
    global: Global,
    settings: Settings,
    /// What was said once and need not be said again.
    said: Mutex<HashSet<String>>,
}

impl Desk {
    fn open(global: Global) -> Result<Desk, Error> {
        let settings = Settings::load(global.config.as_deref())?;
        let tree = Root::of(&global, &settings).open()?;
        let clock = clock(global.tz, &settings);
        let threads = global.threads.unwrap_or(settings.threads);
        Ok(Desk {
            tree,
            engine: Engine::new(usize::from(threads), Tuning::default(), clock.log)?,
            clock,
            now: wall_clock(),
            global,
            settings,
            said: Mutex::default(),
        })
    }

    fn out(&self) -> Out {
        Out::stdout(self.global.color)
    }

    /// A point in time as typed; an error names the flag.
    fn moment(&self, flag: &str, typed: Option<&str>) -> Result<Option<Moment>, Error> {
        typed
            .map(|text| Moment::parse(text, self.clock.shown, self.now.utc()))
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
            say(text);
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
            say(&text());
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

/// The zone of this process: what `TZ` names, else the system's; UTC where neither is known.
fn system_zone() -> Zone {
    let typed = std::env::var("TZ").ok();
    let typed = typed.and_then(|zone| Zone::named(zone.trim_start_matches(':')));
    let system_wide = || Zone::named(&iana_time_zone::get_timezone().ok()?);
    typed.or_else(system_wide).unwrap_or(Zone::UTC)
}
