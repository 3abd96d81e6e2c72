//! Tables of calls change no answer: whole, missing, stale, forged, of other rules and other settings.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use calltrace_engine::{Engine, FoundCalls, SearchQuestion, StatsQuestion};
use calltrace_model::call::{Criteria, Direction, FaultCode, Outcome};
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{LogZone, Stamp, Zone};
use calltrace_model::stats::{GroupBy, LocalHour};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use chrono::Timelike as _;
use testing::generator::{Plan, write_tree};

use crate::indexing;

const HOUR: i64 = 3_600_000;

pub(crate) fn engine() -> Engine {
    Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine")
}

pub(crate) fn hour_of(at: Stamp) -> LocalHour {
    let moment = LogZone::default().moment(at);
    LocalHour {
        date: moment.date_naive(),
        hour: u8::try_from(moment.hour()).expect("an hour"),
    }
}

fn plan() -> Plan {
    Plan {
        seed: 20,
        days: 4,
        calls_per_day: 200,
        mess: true,
        ..Plan::default()
    }
}

/// Questions that tables may answer, over a tree with records of these times.
pub(crate) fn questions(first: Stamp, last: Stamp) -> Vec<(String, SearchQuestion)> {
    let now = Some(last.plus_millis(100 * HOUR));
    let of = |criteria: Criteria| SearchQuestion {
        criteria: Criteria { now, ..criteria },
        ..SearchQuestion::default()
    };
    let none = Criteria::default;
    let mut all = vec![
        ("every call".to_owned(), of(none())),
        (
            "every call, and what its records show".to_owned(),
            SearchQuestion {
                digests: true,
                ..of(none())
            },
        ),
        (
            "while calls go on".to_owned(),
            SearchQuestion {
                criteria: Criteria {
                    now: Some(last.plus_millis(1000)),
                    ..none()
                },
                digests: true,
                ..SearchQuestion::default()
            },
        ),
        (
            "the number of answered calls".to_owned(),
            SearchQuestion {
                count_only: true,
                ..of(Criteria {
                    outcome: Some(Outcome::Answered),
                    ..none()
                })
            },
        ),
        (
            "a page of a list".to_owned(),
            SearchQuestion {
                limit: Some(20),
                tally: true,
                ..of(none())
            },
        ),
        (
            "an extension".to_owned(),
            of(Criteria {
                extensions: vec!["151".to_owned()],
                ..none()
            }),
        ),
        (
            "one of two extensions".to_owned(),
            of(Criteria {
                extensions: vec!["150".to_owned(), "153".to_owned()],
                ..none()
            }),
        ),
        (
            "a line".to_owned(),
            of(Criteria {
                trunks: vec!["0001363".to_owned()],
                ..none()
            }),
        ),
        (
            "long talks".to_owned(),
            of(Criteria {
                min_talk_millis: Some(60_000),
                ..none()
            }),
        ),
        (
            "long ringing".to_owned(),
            of(Criteria {
                min_ring_millis: Some(20_000),
                ..none()
            }),
        ),
        (
            "transfers".to_owned(),
            of(Criteria {
                transferred: true,
                ..none()
            }),
        ),
        (
            "recovered events".to_owned(),
            of(Criteria {
                recovered: true,
                ..none()
            }),
        ),
        (
            "a short number".to_owned(),
            of(Criteria {
                phone: PhoneQuery::parse("152").ok(),
                ..none()
            }),
        ),
        (
            "unanswered calls to outside".to_owned(),
            of(Criteria {
                direction: Some(Direction::Outgoing),
                unanswered: true,
                ..none()
            }),
        ),
    ];
    for outcome in Outcome::ALL {
        let newest = SearchQuestion {
            limit: Some(5),
            ..of(Criteria {
                outcome: Some(outcome),
                ..none()
            })
        };
        all.push((format!("the newest {}", outcome.name()), newest));
    }
    for fault in FaultCode::ALL {
        let faulty = of(Criteria {
            fault: Some(fault),
            ..none()
        });
        all.push((format!("calls with {}", fault.name()), faulty));
    }
    let mut at = first.plus_millis(-HOUR);
    while at < last {
        let next = at.plus_millis(7 * HOUR + 1_234_567);
        let some = of(Criteria {
            since: Some(at),
            until: Some(next),
            ..none()
        });
        all.push((format!("from {at:?} on"), some));
        at = next;
    }
    all
}

/// Whole answers: calls, counts, what was read and what was wrong.
pub(crate) fn answers(
    engine: &Engine,
    root: &Path,
    questions: &[(String, SearchQuestion)],
) -> Vec<String> {
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let ask = |(_, question): &(String, SearchQuestion)| {
        let found = engine.search(&tree, &name, question).expect("searched");
        let found = FoundCalls {
            notes: Vec::new(),
            ..found
        };
        format!("{found:#?}")
    };
    questions.iter().map(ask).collect()
}

pub(crate) fn own(root: &Path) -> PathBuf {
    root.join("0367/.calltrace")
}

/// The tables of a tree, the oldest first.
pub(crate) fn tables(root: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(own(root)).expect("listed");
    let paths = listed.map(|entry| entry.expect("an entry").path());
    let mut tables: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(".calls.parquet"))
        .collect();
    tables.sort();
    tables
}

/// Times of the first and the last call.
pub(crate) fn times(engine: &Engine, root: &Path) -> (Stamp, Stamp) {
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let found = engine.search(&tree, &name, &SearchQuestion::default());
    let calls = found.expect("searched").calls;
    let first = calls.iter().map(|call| call.first).min().expect("calls");
    let last = calls.iter().map(|call| call.last).max().expect("calls");
    (first, last)
}

pub(crate) fn same(
    engine: &Engine,
    root: &Path,
    questions: &[(String, SearchQuestion)],
    wanted: &[String],
    how: &str,
) {
    let given = answers(engine, root, questions);
    for (((what, _), wanted), given) in questions.iter().zip(wanted).zip(&given) {
        if wanted != given {
            let pairs = wanted.lines().zip(given.lines());
            let near: Vec<String> = pairs
                .filter(|(a, b)| a != b)
                .take(12)
                .map(|(a, b)| format!("- {a}\n+ {b}"))
                .collect();
            panic!(
                "{what}, {how}: without tables and with them:\n{}",
                near.join("\n")
            );
        }
    }
}

/// The result of comparing each table with its logs.
fn checked(engine: &Engine, root: &Path) -> Vec<Result<usize, String>> {
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let checked = engine.check_tables(&tree, &name).expect("checked");
    checked.into_iter().map(|table| table.calls).collect()
}

fn for_each_form(check: impl Fn(&Engine, &Path, &str)) {
    let leave: fn(&Path) = |_| {};
    let forms = [
        ("plain files", leave),
        ("sealed files", indexing::seal_all),
        ("indexed files", indexing::index_all),
    ];
    for (form, then) in forms {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("call_tracer");
        write_tree(&plan(), &root).expect("written");
        then(&root.join("0367"));
        check(&engine(), &root, form);
    }
}

#[test]
fn answers_are_the_same_with_tables_whole_missing_and_stale() {
    for_each_form(|engine, root, form| {
        let (first, last) = times(engine, root);
        let questions = questions(first, last);
        let wanted = answers(engine, root, &questions);
        let (held, useless) = indexing::tables(engine, root);
        assert_eq!((held.len(), &*useless), (4, &[][..]), "{form}");
        same(engine, root, &questions, &wanted, form);
        let right = checked(engine, root);
        assert!(right.iter().all(Result::is_ok), "{form}: {right:?}");
        let calls: usize = right.iter().flatten().sum();
        assert!(calls > 700, "{form}: {calls}");
        // No table is built twice.
        let before: Vec<_> = tables(root)
            .iter()
            .map(|path| fs::read(path).expect("read"))
            .collect();
        indexing::tables(engine, root);
        let after: Vec<_> = tables(root)
            .iter()
            .map(|path| fs::read(path).expect("read"))
            .collect();
        assert!(before == after, "{form}");
        let all = tables(root);
        for path in all.iter().step_by(2) {
            fs::remove_file(path).expect("removed");
        }
        same(
            engine,
            root,
            &questions,
            &wanted,
            &format!("{form}, half of the tables"),
        );
        indexing::tables(engine, root);
        // More is written.
        let live = root.join("0367/events.log");
        let text = String::from_utf8_lossy(&fs::read(&live).expect("read")).into_owned();
        let lines: Vec<&str> = text.lines().rev().take(40).collect();
        let late = lines.iter().rev().map(|line| format!("{line}\n"));
        let late: String = late.collect::<String>().replace("2025-11-30", "2025-12-01");
        let mut file = File::options().append(true).open(&live).expect("open");
        file.write_all(late.as_bytes()).expect("written");
        let grown = {
            let kept: Vec<_> = tables(root);
            let aside = root.join("aside");
            fs::create_dir_all(&aside).expect("made");
            for path in &kept {
                fs::rename(path, aside.join(path.file_name().expect("a name"))).expect("moved");
            }
            let grown = answers(engine, root, &questions);
            for path in &kept {
                fs::rename(aside.join(path.file_name().expect("a name")), path).expect("moved");
            }
            grown
        };
        same(engine, root, &questions, &grown, &format!("{form}, grown"));
    });
}

#[test]
fn a_forged_table_or_one_of_other_rules_is_not_used() {
    for_each_form(|engine, root, form| {
        let (first, last) = times(engine, root);
        // A few of each kind are enough: the test is about which tables are used.
        let questions: Vec<_> = questions(first, last).into_iter().step_by(5).collect();
        let wanted = answers(engine, root, &questions);
        indexing::tables(engine, root);
        let all = tables(root);
        let whole: Vec<Vec<u8>> = all
            .iter()
            .map(|path| fs::read(path).expect("read"))
            .collect();
        let check = |how: &str, forge: &dyn Fn(usize, &[u8]) -> Vec<u8>| {
            for (at, (path, bytes)) in all.iter().zip(&whole).enumerate() {
                fs::write(path, forge(at, bytes)).expect("written");
            }
            same(engine, root, &questions, &wanted, &format!("{form}, {how}"));
        };
        check("tables of other days", &|at, _| {
            whole[(at + 1) % whole.len()].clone()
        });
        check("tables cut short", &|_, bytes| {
            bytes[..bytes.len() * 2 / 3].to_vec()
        });
        assert!(checked(engine, root).iter().all(Result::is_err), "{form}");
        check("empty tables", &|_, _| Vec::new());
        for part in 0..12 {
            check("one byte of them another", &|_, bytes| {
                let mut bytes = bytes.to_vec();
                let position = bytes.len() * part / 12 + part;
                bytes[position] ^= 0x20;
                bytes
            });
        }
        check("other rules", &|_, bytes| {
            let mut bytes = bytes.to_vec();
            let at = bytes.windows(8).position(|text| text == b"rules 4\n");
            bytes[at.expect("the rules") + 6] = b'0';
            bytes
        });
        // Torn tables are built again.
        check("rows that are others", &|_, bytes| {
            let mut bytes = bytes.to_vec();
            bytes[1000] ^= 1;
            bytes
        });
        indexing::tables(engine, root);
        let mended = checked(engine, root);
        assert!(mended.iter().all(Result::is_ok), "{form}: {mended:?}");
        check("as they were", &|_, bytes| bytes.to_vec());
    });
}

#[test]
fn a_table_is_of_one_zone() {
    for_each_form(|engine, root, form| {
        indexing::tables(engine, root);
        let zone = LogZone(Zone::named("Europe/Berlin").expect("a zone"));
        let other = Engine::new(2, Tuning::default(), zone).expect("an engine");
        let (first, last) = times(&other, root);
        let questions = questions(first, last);
        let with = answers(&other, root, &questions);
        for path in tables(root) {
            fs::remove_file(path).expect("removed");
        }
        same(&other, root, &questions, &with, form);
    });
}

#[test]
fn statistics_are_the_same_with_tables() {
    let figures = |engine: &Engine, root: &Path| {
        let tree = Tree::open(root).expect("a tree");
        let name = EnterpriseName::new("0367").expect("a name");
        let (first, last) = times(engine, root);
        let half = Stamp(first.0.midpoint(last.0));
        let criteria = [
            Criteria::default(),
            Criteria {
                outcome: Some(Outcome::Missed),
                ..Criteria::default()
            },
            Criteria {
                until: Some(half),
                ..Criteria::default()
            },
            Criteria {
                since: Some(half),
                direction: Some(Direction::Incoming),
                ..Criteria::default()
            },
        ];
        let mut all = Vec::new();
        for criteria in criteria {
            for by in [None, Some(GroupBy::Person), Some(GroupBy::Client)] {
                let question = StatsQuestion {
                    search: SearchQuestion {
                        criteria: Criteria {
                            now: Some(last),
                            ..criteria.clone()
                        },
                        ..SearchQuestion::default()
                    },
                    by,
                    also: vec![GroupBy::Line, GroupBy::Day],
                    within_millis: 3_600_000,
                };
                let enterprises = std::slice::from_ref(&name);
                let counted = engine.statistics(&tree, enterprises, &question, hour_of);
                for also in counted.also.iter().zip(&question.also) {
                    let alone = StatsQuestion {
                        by: Some(*also.1),
                        also: Vec::new(),
                        ..question.clone()
                    };
                    let alone = engine.statistics(&tree, enterprises, &alone, hour_of);
                    assert_eq!((&alone.stats, alone.also.len()), (also.0, 0));
                }
                all.push(counted.stats);
                all.extend(counted.also);
            }
        }
        all
    };
    for_each_form(|engine, root, form| {
        let without = figures(engine, root);
        indexing::tables(engine, root);
        let with = figures(engine, root);
        for (at, (without, with)) in without.iter().zip(&with).enumerate() {
            assert_eq!(without, with, "{form}, question {at}");
        }
        assert!(without[0].total.outcomes.all() > 700, "{form}");
    });
}
