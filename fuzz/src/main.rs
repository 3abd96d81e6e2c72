//! `calltrace-fuzz TARGET [SECONDS] [SEED]`: runs one target for some time, 60 seconds by default.
//! `calltrace-fuzz TARGET FILE`: runs it with one input again.
//!
//! Memory is limited, so that a length that is used without a check ends the run. It exits with 1 at the first
//! failure, and names a file with the failing input.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fuzz::{Mutator, names, target};

/// Address space that a run may take (bytes).
const MEMORY_BYTES: u64 = 2 << 30;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let Some(mut target) = target(&name) else {
        eprintln!("calltrace-fuzz: a target is one of {}", names().join(", "));
        return ExitCode::from(2);
    };
    let mut args = args.peekable();
    if let Some(bytes) = args.peek().and_then(|path| std::fs::read(path).ok()) {
        let ran = target.run(&mut Mutator::new(1), bytes);
        println!("{ran:?}");
        return ExitCode::from(u8::from(ran.is_err()));
    }
    let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
    let seconds = number(args.next()).unwrap_or(60);
    let seed = number(args.next()).unwrap_or(1);
    let limit = rustix::process::Rlimit {
        current: Some(MEMORY_BYTES),
        maximum: Some(MEMORY_BYTES),
    };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).expect("a limit is set");
    let input = std::env::temp_dir().join(format!("calltrace-fuzz-{name}-{}", std::process::id()));
    target.keep_at = Some(PathBuf::from(&input));
    let (begin, mut runs, mut slowest) = (Instant::now(), 0u64, Duration::ZERO);
    let mut mutator = Mutator::new(seed);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let started = Instant::now();
        if let Err(failure) = target.step(&mut mutator) {
            eprintln!(
                "{name}: run {runs} of seed {seed}: {}; its input is {}",
                failure.what,
                input.display()
            );
            return ExitCode::FAILURE;
        }
        slowest = slowest.max(started.elapsed());
        runs += 1;
    }
    let _ = std::fs::remove_file(&input);
    println!(
        "{name}: {runs} runs in {} s with seed {seed}, the slowest {} ms; no failure",
        begin.elapsed().as_secs(),
        slowest.as_millis()
    );
    ExitCode::SUCCESS
}
