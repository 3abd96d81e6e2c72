//! The targets, and what must hold for each.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use calltrace::settings::Settings;
use calltrace_model::call::Fact;
use calltrace_model::record::{LogZone, Place, Record, Stamp};
use calltrace_model::{redact, sanitise};
use calltrace_output::{Clock, json};
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::source::Source;
use calltrace_store::tree::{FileName, LogFile};
use calltrace_upkeep::rotate::RotationMemory;

use crate::mutate::Mutator;
use crate::world::{World, corpus};

/// A failure and its input.
#[derive(Debug)]
pub struct Failure {
    /// The failure, as a sentence.
    pub what: String,
    /// The input.
    pub input: Vec<u8>,
}

/// Runs the target with an input of the mutator, and returns what is wrong.
type Run = Box<dyn FnMut(&mut Mutator, &[u8]) -> Result<(), String>>;

/// A target that reads bytes.
pub struct Target {
    seeds: Vec<Vec<u8>>,
    run: Run,
    /// Receives the input before each run, so that an abort leaves its input behind.
    pub keep_at: Option<PathBuf>,
}

impl Target {
    /// Makes the next input and runs with it.
    ///
    /// # Errors
    /// The failure.
    pub fn step(&mut self, mutator: &mut Mutator) -> Result<(), Failure> {
        let input = mutator.input(&self.seeds);
        self.run(mutator, input)
    }

    /// Runs with one input.
    ///
    /// # Errors
    /// The failure.
    pub fn run(&mut self, mutator: &mut Mutator, input: Vec<u8>) -> Result<(), Failure> {
        if let Some(path) = &self.keep_at {
            fs::write(path, &input).expect("written");
        }
        let ran = catch_unwind(AssertUnwindSafe(|| (self.run)(mutator, &input)));
        let what = match ran {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(what)) => what,
            Err(_) => "it panicked".to_owned(),
        };
        Err(Failure { what, input })
    }
}

/// The names of all targets.
pub fn names() -> [&'static str; 7] {
    [
        "index", "catalog", "table", "rotate", "bgzf", "lines", "settings",
    ]
}

/// A target by its name.
pub fn target(name: &str) -> Option<Target> {
    match name {
        "index" => Some(an_index()),
        "catalog" => Some(catalog()),
        "table" => Some(table()),
        "rotate" => Some(rotate()),
        "bgzf" => Some(bgzf()),
        "lines" => Some(lines()),
        "settings" => Some(settings()),
        _ => None,
    }
}

fn target_of(
    seeds: Vec<Vec<u8>>,
    run: impl FnMut(&mut Mutator, &[u8]) -> Result<(), String> + 'static,
) -> Target {
    Target {
        seeds,
        run: Box::new(run),
        keep_at: None,
    }
}

/// Either the index is not used, or the answers are those of the plain scan, or `index --check` finds it.
fn an_index() -> Target {
    let world = World::new(12);
    let plain = world.answers();
    world.index();
    let logs = world.logs();
    let seeds: Vec<Vec<u8>> = logs
        .iter()
        .map(|log| fs::read(index::path_of(&log.path)).expect("read"))
        .collect();
    let sound = seeds.clone();
    let mut at = 0;
    target_of(seeds, move |mutator, input| {
        // The input serves as the index of each file in turn. Most are for another file and must not be used.
        let log = &logs[at % logs.len()];
        let path = index::path_of(&log.path);
        let (bytes, is_forged) = match mutator.random.below(4) {
            0 => (input.to_vec(), false),
            1 => (repaired(input), true),
            _ => (forged(mutator, &sound[at % logs.len()]), true),
        };
        fs::write(&path, &bytes).expect("written");
        let answers = world.answers();
        let result = match answers == plain {
            true => Ok(()),
            false if is_forged && is_found(&world, log) => Ok(()),
            false => Err(format!(
                "answers differ with the index of {}",
                log.name.full()
            )),
        };
        fs::write(&path, &sound[at % logs.len()]).expect("written");
        at += 1;
        result
    })
}

fn is_found(world: &World, log: &LogFile) -> bool {
    world.engine.check(log).is_err()
}

/// An index with one number of its footer or one byte of a section changed, and all checksums right.
fn forged(mutator: &mut Mutator, sound: &[u8]) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    let Some(footer_at) = footer_of(&bytes) else {
        return bytes;
    };
    let footer = footer_at..bytes.len() - 16;
    for _ in 0..=mutator.random.below(3) {
        match mutator.random.one_in(2) {
            true => {
                let changed = mutator.input(&[bytes[footer.clone()].to_vec()]);
                if changed.len() == footer.len() {
                    bytes[footer.clone()].copy_from_slice(&changed);
                }
            }
            false => change_section(mutator, &mut bytes, footer.clone()),
        }
    }
    repaired(&bytes)
}

/// Changes bytes of a table or a page, and its checksum in the footer.
fn change_section(mutator: &mut Mutator, bytes: &mut [u8], footer: std::ops::Range<usize>) {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    let sections: Vec<(usize, usize, usize)> = (footer.start..footer.end.saturating_sub(16))
        .step_by(4)
        .filter_map(|at| {
            let from = number(at) as usize;
            let length = number(at + 8) as usize;
            let text = bytes.get(from..from.checked_add(length)?)?;
            let is_one = length > 0 && number(at + 4) == 0;
            (is_one && crc32fast::hash(text) == number(at + 12)).then_some((from, length, at + 12))
        })
        .collect();
    if sections.is_empty() {
        return;
    }
    let (from, length, crc_at) = sections[mutator.random.below(sections.len())];
    let changed = mutator.input(&[bytes[from..from + length].to_vec()]);
    if changed.len() == length {
        bytes[from..from + length].copy_from_slice(&changed);
    }
    let crc = crc32fast::hash(&bytes[from..from + length]);
    bytes[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The offset at which the footer of an index or a catalog begins.
fn footer_of(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.len().checked_sub(16)?;
    let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().ok()?);
    tail.checked_sub(length as usize)
}

/// The same with the right checksum of the footer.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(at) = footer_of(&bytes) {
        let tail = bytes.len() - 16;
        let crc = crc32fast::hash(&bytes[at..tail]);
        bytes[tail + 4..tail + 8].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}

/// The same as for an index.
fn catalog() -> Target {
    let world = World::new(12);
    let plain = world.answers();
    world.index();
    let path = index::catalog::path(&world.folder());
    let sound = fs::read(&path).expect("read");
    target_of(vec![sound.clone()], move |mutator, input| {
        let (bytes, is_forged) = match mutator.random.below(4) {
            0 => (input.to_vec(), false),
            1 => (repaired(input), true),
            _ => (forged(mutator, &sound), true),
        };
        fs::write(&path, &bytes).expect("written");
        let is_wrong = || index::catalog::check(&world.snapshot()).is_err();
        match world.answers() == plain {
            true => Ok(()),
            false if is_forged && is_wrong() => Ok(()),
            false => Err("answers differ with the catalog".to_owned()),
        }
    })
}

/// The same as for an index: no bytes change an answer, and neither does a table with the right checksum, unless
/// `index --check` finds it.
fn table() -> Target {
    let world = World::new(60);
    world.index();
    let plain = world.answers_of_calls();
    let paths = world.tables();
    let sound: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| fs::read(path).expect("read"))
        .collect();
    assert_eq!(world.answers_of_calls(), plain, "tables change an answer");
    let mut at = 0;
    target_of(sound.clone(), move |mutator, input| {
        let own = at % paths.len();
        at += 1;
        let (bytes, is_forged) = match mutator.random.below(4) {
            0 => (input.to_vec(), false),
            1 => (mutator.input(&sound[own..=own]), false),
            _ => (summed(mutator.input(&sound[own..=own])), true),
        };
        fs::write(&paths[own], &bytes).expect("written");
        let answers = world.answers_of_calls();
        let joined = |(calls, rest): &(String, String)| format!("{calls}{rest}");
        let result = match answers == plain {
            true => Ok(()),
            // A forger may claim any problem of the logs.
            false if is_forged && answers.0 == plain.0 => Ok(()),
            false if is_forged && world.finds_a_wrong_table() => Ok(()),
            false => Err(format!(
                "answers differ with the table {own} (forged: {is_forged}): {}",
                first_difference(&joined(&plain), &joined(&answers))
            )),
        };
        fs::write(&paths[own], &sound[own]).expect("written");
        result
    })
}

/// A table with the right checksums, if its length has room for them.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    const KEY: &[u8] = b"calltrace.sum";
    const DIGITS: usize = 8;
    let noted = || {
        let key = bytes.windows(KEY.len()).rposition(|text| text == KEY)?;
        // The kind of the value, its length, the value.
        let from = key + KEY.len() + 2;
        let length = usize::from(*bytes.get(from - 1)?);
        let text = std::str::from_utf8(bytes.get(from..from + length)?).ok()?;
        let (covered, rest) = text.split_once(' ')?;
        let (crc, of_footer) = rest.split_once(' ')?;
        let sum = crc32fast::hash(bytes.get(..covered.parse().ok()?)?);
        let sum = format!("{covered} {sum:0width$} {:0DIGITS$}", 0, width = crc.len());
        (sum.len() == length && of_footer.len() == DIGITS).then_some((from, sum))
    };
    let Some((at, sum)) = noted() else {
        return bytes;
    };
    let digits = at + sum.len() - DIGITS;
    bytes[at..at + sum.len()].copy_from_slice(sum.as_bytes());
    let tail = bytes.len().saturating_sub(DIGITS);
    let length = bytes.get(tail..tail + 4).map(|length| {
        let length = length.try_into().expect("four");
        u32::from_le_bytes(length) as usize
    });
    let footer = length.and_then(|length| bytes.get(tail.checked_sub(length)?..tail));
    if let Some(sum) = footer.map(crc32fast::hash) {
        let sum = format!("{sum:0DIGITS$x}");
        bytes[digits..digits + DIGITS].copy_from_slice(sum.as_bytes());
    }
    bytes
}

/// The stored state names only log files.
fn rotate() -> Target {
    let dir = tempfile::tempdir().expect("a folder");
    let own = dir.path().join(index::FOLDER);
    fs::create_dir(&own).expect("made");
    target_of(corpus("rotate"), move |_, input| {
        fs::write(own.join("rotate.toml"), input).expect("written");
        let folder = Folder::open(dir.path()).expect("a folder");
        // A file that cannot be read, such as one that is too long, counts as no state.
        let memory = RotationMemory::of(&folder).unwrap_or_default();
        let is_log = |name: &FileName| FileName::parse(&name.full()).as_ref() == Some(name);
        match memory.renamed.iter().all(is_log) {
            true => Ok(()),
            false => Err(format!("it names what is no log: {:?}", memory.renamed)),
        }
    })
}

/// A damaged archive gives the same answers as a plain file with its decodable content, on two threads and on one, in
/// large pieces and in small ones.
fn bgzf() -> Target {
    let (world, plain) = (World::new(12), World::new(12));
    let path = world.archive();
    let sound = fs::read(&path).expect("read");
    let decoded = plain.archive();
    fs::remove_file(&decoded).expect("removed");
    let decoded = decoded.with_extension("");
    target_of(vec![sound], move |_, input| {
        fs::write(&path, input).expect("written");
        fs::write(&decoded, content(&world, &path)).expect("written");
        let scanned = plain.answers();
        for (how, answers) in [
            ("in large pieces", world.answers()),
            ("in small pieces", world.other_answers()),
        ] {
            if answers != scanned {
                let first = first_difference(&scanned, &answers);
                return Err(format!("the archive gives other answers {how}: {first}"));
            }
        }
        Ok(())
    })
}

/// The decodable content of a file. A line ends where content is missing, as for all readers of lines.
fn content(world: &World, path: &Path) -> Vec<u8> {
    let log = world.logs().into_iter().find(|log| log.path == path);
    let source = Source::open(log.expect("there")).expect("readable");
    let mut reader = source.reader(0);
    let (mut text, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return text,
            Ok(got) => text.extend_from_slice(&chunk[..got]),
            Err(_) if text.last().is_some_and(|last| *last != b'\n') => text.push(b'\n'),
            Err(_) => {}
        }
    }
}

/// Lines of any form: displaying them does not panic, and an index of them names enough blocks.
fn lines() -> Target {
    let world = World::new(4);
    let path = world.folder().join("events.log");
    let mut seeds = corpus("lines");
    seeds.push(fs::read(&path).expect("read"));
    target_of(seeds, move |_, input| {
        for text in input.split(|&b| b == b'\n') {
            show(text);
        }
        fs::write(&path, input).expect("written");
        world.forget();
        let plain = world.answers();
        world.index();
        let indexed = world.answers();
        match indexed == plain {
            true => Ok(()),
            // A scan without an index notices a stretch out of order only if it is long, because it samples times.
            false if !is_in_order(input) => Ok(()),
            false => Err(format!(
                "an index changes the answers: {}",
                first_difference(&plain, &indexed)
            )),
        }
    })
}

/// Whether times go back by no more than the disorder of the writers.
fn is_in_order(text: &[u8]) -> bool {
    let lines = text.split(|&b| b == b'\n');
    let mut latest = Stamp(0);
    lines.filter_map(Stamp::parse_prefix).all(|at| {
        latest = latest.max(at);
        latest.since(at) <= 5_000
    })
}

/// The place where two answers begin to differ.
fn first_difference(one: &str, other: &str) -> String {
    let same = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let around = |text: &str| {
        let from = same.saturating_sub(200);
        let part = text.as_bytes().get(from..text.len().min(same + 300));
        String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
    };
    format!("\n- {}\n+ {}", around(one), around(other))
}

fn show(text: &[u8]) {
    let clock = Clock {
        log: LogZone::default(),
        shown: LogZone::default().0,
    };
    let nowhere = Place {
        source: 0,
        offset: 0,
    };
    let record = Record::parse(text);
    let at = record.at.unwrap_or(Stamp(0));
    let fact = Fact::of(&record, at, nowhere);
    let _ = (fact.edges().count(), fact.extensions().count());
    let _ = json::entry(text, at, &clock).to_string();
    let _ = sanitise::sanitise(redact::text(&String::from_utf8_lossy(text)).as_bytes());
}

/// Either the settings are read, or an error names their file and line.
fn settings() -> Target {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("config.toml");
    target_of(corpus("settings"), move |_, input| {
        let _kept = &dir;
        fs::write(&path, input).expect("written");
        match Settings::load(Some(&path)) {
            Ok(_) => Ok(()),
            Err(error) if error.to_string().contains("config.toml") => Ok(()),
            Err(error) => Err(format!("an error without its file: {error}")),
        }
    })
}
