//! The place of recovered lines changes no answer: plain, sealed, indexed or in tables, in a separate file that grows
//! afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use calltrace_engine::{Engine, FoundCalls, LinesQuestion, SearchQuestion, TraceQuestion};
use calltrace_model::call::Criteria;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{Body, Record};
use calltrace_store::tree::{EnterpriseName, Tree};
use testing::generator::{Plan, write_tree};

use crate::indexing;
use crate::live::small;
use crate::tables::{answers, engine, own, questions, same, tables, times};

/// One in this many events was lost.
const LOST_EACH: usize = 9;

/// Recovered lines by the name of their file.
type Batch = BTreeMap<String, Vec<Vec<u8>>>;

fn plan() -> Plan {
    Plan {
        seed: 22,
        days: 4,
        calls_per_day: 120,
        mess: true,
        ..Plan::default()
    }
}

/// Removes events from the logs of a folder, and makes the lines of them that two runs of `sync` would recover.
fn lose(folder: &Path) -> [Batch; 2] {
    let mut batches = [Batch::new(), Batch::new()];
    let mut events = 0;
    for log in indexing::logs(folder) {
        let text = fs::read(&log.path).expect("read");
        let mut kept = Vec::new();
        for line in text.split_inclusive(|&b| b == b'\n') {
            let whole = line.strip_suffix(b"\n").unwrap_or(line);
            let Some((file, recovered)) = recovered(whole, events) else {
                kept.extend_from_slice(line);
                continue;
            };
            events += 1;
            match events % LOST_EACH {
                0 => {
                    let batch = &mut batches[events / LOST_EACH % 2];
                    batch.entry(file).or_default().push(recovered);
                }
                _ => kept.extend_from_slice(line),
            }
        }
        fs::write(&log.path, kept).expect("written");
    }
    // In no order.
    for lines in batches.iter_mut().flat_map(BTreeMap::values_mut) {
        lines.reverse();
        let half = lines.len() / 2;
        lines.rotate_left(half);
    }
    batches
}

/// An event as a recovered line, and the file that it belongs to.
fn recovered(line: &[u8], row: usize) -> Option<(String, Vec<u8>)> {
    let record = Record::parse(line);
    let Body::Ast(ast) = record.body else {
        return None;
    };
    let object = line.strip_suffix(b"}").filter(|_| !ast.legacy)?;
    let mark =
        format!(r#", "_recovered": {{"from": "pbx1/call_events", "row": {row}, "status": "0"}}}}"#);
    let day = record.at?.naive()?.format("%Y-%m-%d");
    let name = format!("recovered_{day}.log");
    Some((name, [object, mark.as_bytes(), b"\n"].concat()))
}

fn add(folder: &Path, batch: &Batch) {
    for (name, lines) in batch {
        let mut options = File::options();
        let file = options.create(true).append(true).open(folder.join(name));
        file.expect("open")
            .write_all(&lines.concat())
            .expect("written");
    }
}

fn search(engine: &Engine, root: &Path, question: &SearchQuestion) -> FoundCalls {
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    engine.search(&tree, &name, question).expect("searched")
}

/// The parts of an answer that do not depend on the place of records.
fn calls(engine: &Engine, root: &Path) -> Vec<String> {
    let calls = search(engine, root, &SearchQuestion::default()).calls;
    let mut calls: Vec<String> = calls
        .iter()
        .map(|call| {
            format!(
                "{} {:?} {:?} {:?} {:?} {}",
                call.main_uid, call.first, call.last, call.outcome, call.talk_millis, call.events
            )
        })
        .collect();
    calls.sort();
    calls
}

/// The records of each call, as lines.
fn traces(engine: &Engine, root: &Path, uids: &[String]) -> Vec<Vec<String>> {
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let ask = |uid: &String| {
        let question = TraceQuestion {
            id: uid.clone(),
            strict: false,
            every_file: false,
            since: None,
        };
        let trace = engine.trace(&tree, &name, &question).expect("traced");
        let lines = trace.call.expect("a call").lines;
        let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        lines.iter().map(|line| text(&line.text)).collect()
    };
    uids.iter().map(ask).collect()
}

/// The calls of the number that a line names.
fn of_phone(line: &[u8]) -> Option<(String, SearchQuestion)> {
    let text = String::from_utf8_lossy(line);
    let (_, rest) = text.split_once("\"Phone\": \"")?;
    let phone = rest.split('"').next()?;
    let criteria = Criteria {
        phone: Some(PhoneQuery::parse(phone).ok()?),
        ..Criteria::default()
    };
    let question = SearchQuestion {
        criteria,
        ..SearchQuestion::default()
    };
    Some((format!("calls of {phone}"), question))
}

/// The state without indexes and tables.
fn bare<T>(root: &Path, ask: impl Fn() -> T) -> T {
    let aside = root.join("aside");
    let has_own = own(root).exists();
    if has_own {
        fs::rename(own(root), &aside).expect("moved");
    }
    let answer = ask();
    if has_own {
        fs::rename(&aside, own(root)).expect("moved");
    }
    answer
}

#[test]
fn answers_are_the_same_wherever_recovered_lines_stand() {
    let leave: fn(&Path) = |_| {};
    let forms = [
        ("plain files", leave),
        ("sealed files", indexing::seal_all),
        ("indexed files", indexing::index_all),
    ];
    for (form, then) in forms {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("call_tracer");
        let folder = root.join("0367");
        write_tree(&plan(), &root).expect("written");
        let engine = engine();
        let never_lost = calls(&engine, &root);
        let (first, last) = times(&engine, &root);
        let mut questions = questions(first, last);

        let [early, late] = lose(&folder);
        questions.extend(
            late.values()
                .flatten()
                .step_by(40)
                .filter_map(|line| of_phone(line)),
        );
        let lost: usize = early.values().map(Vec::len).sum();
        assert!(lost > 100 && early.len() >= 4, "{lost} in {}", early.len());
        assert_ne!(calls(&engine, &root), never_lost, "{form}: nothing lost");
        add(&folder, &early);
        then(&folder);
        let check = |when: &str| {
            let when = format!("{form}, {when}");
            let wanted = bare(&root, || answers(&engine, &root, &questions));
            same(&engine, &root, &questions, &wanted, &when);
        };
        check("recovered once");
        let (held, useless) = indexing::tables(&engine, &root);
        assert_eq!((held.len(), &*useless), (4, &[][..]), "{form}");
        let of_recovered = |name: &String| name.starts_with("recovered");
        assert!(!held.iter().any(of_recovered), "{form}: {held:?}");
        check("with tables");

        // As `serve` asks, with its memory.
        let remembering = self::engine().remembering(small());
        let few: Vec<_> = questions.iter().step_by(6).cloned().collect();
        let remembered = |when: &str| {
            let wanted = bare(&root, || answers(&engine, &root, &few));
            for _ in 0..2 {
                same(
                    &remembering,
                    &root,
                    &few,
                    &wanted,
                    &format!("{form}, {when}"),
                );
            }
        };
        remembered("remembered");

        // A second run adds to days that may be sealed and have tables.
        add(&folder, &late);
        check("recovered again, with the tables from before");
        remembered("remembered from before more was recovered");
        assert_eq!(calls(&engine, &root), never_lost, "{form}");
        let uids: Vec<String> = never_lost
            .iter()
            .step_by(7)
            .filter_map(|call| Some(call.split(' ').next()?.to_owned()))
            .collect();
        let wanted = bare(&root, || traces(&engine, &root, &uids));
        let given = traces(&engine, &root, &uids);
        for ((uid, wanted), given) in uids.iter().zip(&wanted).zip(&given) {
            assert_eq!(wanted, given, "{form}: {uid}");
        }
        let marked = wanted
            .iter()
            .flatten()
            .filter(|line| line.contains("_recovered"));
        assert!(marked.count() > 10, "{form}");

        // Exactly the calls with a recovered event.
        let question = SearchQuestion {
            criteria: Criteria {
                recovered: true,
                ..Criteria::default()
            },
            ..SearchQuestion::default()
        };
        let found = search(&engine, &root, &question).calls;
        let all = search(&engine, &root, &SearchQuestion::default()).calls;
        let recovered: Vec<_> = all.into_iter().filter(|call| call.recovered > 0).collect();
        assert!(recovered.len() > 50 && recovered == found, "{form}");
        let lines = LinesQuestion {
            filter: RecordFilter {
                recovered: true,
                ..RecordFilter::default()
            },
            count_only: true,
            ..LinesQuestion::default()
        };
        let tree = Tree::open(&root).expect("a tree");
        let name = EnterpriseName::new("0367").expect("a name");
        let counted = engine
            .lines(&tree, &name, &lines)
            .expect("searched")
            .matches;
        assert_eq!(
            counted,
            lost + late.values().map(Vec::len).sum::<usize>(),
            "{form}"
        );

        // The next rotation builds the tables again, so that answers are fast again.
        let before: Vec<Vec<u8>> = read_all(&root);
        let (held, useless) = indexing::tables(&engine, &root);
        assert_eq!((held.len(), &*useless), (4, &[][..]), "{form}");
        let after = read_all(&root);
        let same = before.iter().zip(&after).filter(|(a, b)| a == b).count();
        assert_eq!(same, 0, "{form}: a table of before holds");
        check("with tables made anew");
    }
}

fn read_all(root: &Path) -> Vec<Vec<u8>> {
    let read = |path| fs::read(path).expect("read");
    tables(root).into_iter().map(read).collect()
}

/// One line far back, in a file that a table knows: the ends of the file and of the table are the same as before.
#[test]
fn a_line_that_is_recovered_into_the_middle_of_a_day_is_seen() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("call_tracer");
    let folder = root.join("0367");
    write_tree(&plan(), &root).expect("written");
    let [mut early, mut late] = lose(&folder);
    // The second run recovers what is between the first and the last line of the first run.
    let name = early.keys().nth(1).expect("a day").clone();
    early.values_mut().for_each(|lines| lines.sort());
    late.values_mut().for_each(|lines| lines.sort());
    late.retain(|file, _| *file == name);
    let lines = late.get_mut(&name).expect("lines");
    let middle = lines.len() / 2;
    lines.drain(..middle);
    lines.truncate(1);
    add(&folder, &early);
    let engine = engine();
    let (first, last) = times(&engine, &root);
    let questions = questions(first, last);
    for index in [false, true] {
        if index {
            indexing::index_all(&folder);
        }
        indexing::tables(&engine, &root);
        add(&folder, &late);
        let wanted = bare(&root, || answers(&engine, &root, &questions));
        same(&engine, &root, &questions, &wanted, "one line more");
    }
}
