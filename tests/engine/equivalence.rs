//! The same question gives the same bytes: plain, gzip of one or many members, BGZF, sealed by us,
//! with an index or without, one thread or eight, tiny segments or normal ones.

use crate::indexing;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_engine::{Engine, LinesQuestion, SearchQuestion, TraceQuestion};
use calltrace_model::call::{Criteria, Direction, Outcome};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{KindName, LogZone};
use calltrace_store::scan::{Line, Tuning};
use calltrace_store::tree::{EnterpriseName, Tree};
use testing::generator::{Compress, Plan, read_truth, write_tree};
use testing::shipped::ShippedFolder;

/// The same logs in every form, and every way of asking.
struct Forms {
    _dir: tempfile::TempDir,
    roots: Vec<(&'static str, PathBuf)>,
    trees: Vec<(&'static str, Tree)>,
    engines: Vec<(&'static str, Engine)>,
}

impl Forms {
    fn new(plan: &Plan) -> Forms {
        let dir = tempfile::tempdir().expect("a folder");
        let leave: fn(&Path) = |_| {};
        let forms = [
            ("plain", Compress::None, leave),
            ("gzip", Compress::Gzip, leave),
            ("multi", Compress::Multi, leave),
            ("bgzf", Compress::Bgzf, leave),
            ("plain, indexed", Compress::None, indexing::index_all),
            (
                "grown since it was indexed",
                Compress::None,
                indexing::index_halves,
            ),
            ("gzip, indexed", Compress::Gzip, indexing::index_all),
            ("foreign bgzf, indexed", Compress::Bgzf, indexing::index_all),
            ("sealed", Compress::None, indexing::seal_all),
        ];
        let roots = forms
            .into_iter()
            .map(|(name, compress, then)| {
                let root = dir.path().join(name);
                let plan = Plan {
                    compress,
                    enterprises: plan.enterprises.clone(),
                    ..*plan
                };
                write_tree(&plan, &root).expect("written");
                then(&root.join("0367"));
                (name, root)
            })
            .collect::<Vec<_>>();
        let trees = trees(&roots, dir.path());
        let normal = Tuning::default();
        let tiny = Tuning {
            span_bytes: 5_000,
            block_bytes: 700,
        };
        let small = Tuning {
            span_bytes: 100_000,
            block_bytes: 16_384,
        };
        let engine =
            |threads, tuning| Engine::new(threads, tuning, LogZone::default()).expect("an engine");
        let engines = vec![
            ("1 thread", engine(1, normal)),
            ("8 threads", engine(8, normal)),
            ("8 threads, small segments", engine(8, small)),
            ("1 thread, tiny segments", engine(1, tiny)),
            ("8 threads, tiny segments", engine(8, tiny)),
        ];
        Forms {
            _dir: dir,
            roots,
            trees,
            engines,
        }
    }

    /// Asks `query` of every form in every way; all answers must be the first one's.
    fn same_everywhere(&self, what: &str, query: impl Fn(&Engine, &Tree) -> String) -> String {
        let mut first: Option<String> = None;
        for (form, tree) in &self.trees {
            for (way, engine) in &self.engines {
                let answer = query(engine, tree);
                match &first {
                    None => first = Some(answer),
                    Some(first) => assert!(
                        *first == answer,
                        "{what}: {form}, {way} differs:\n{}",
                        difference(first, &answer)
                    ),
                }
            }
        }
        first.expect("there are forms")
    }
}

/// The trees under `roots`, and those with archives of the sealed one in object storage.
fn trees(roots: &[(&'static str, PathBuf)], dir: &Path) -> Vec<(&'static str, Tree)> {
    let open = |root: &Path| Tree::open(root).expect("a tree");
    let local = roots.iter().map(|(name, root)| (*name, open(root)));
    let mut trees: Vec<(&str, Tree)> = local.collect();
    let (_, sealed) = roots.last().expect("the sealed one");
    let folder = sealed.join("0367");
    let names = fs::read_dir(&folder).expect("a folder");
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let archives: BTreeSet<String> = names.filter(|name| name.ends_with(".gz")).collect();
    let first: BTreeSet<String> = archives.iter().take(1).cloned().collect();
    for (form, shipped, kept) in [
        ("shipped", &archives, BTreeSet::new()),
        ("one day shipped", &first, &archives - &first),
        ("shipped and still there", &archives, archives.clone()),
    ] {
        let root = dir.join(form);
        fs::create_dir_all(root.join("0367")).expect("made");
        for name in kept.iter().map(String::as_str).chain(["events.log"]) {
            let link = root.join("0367").join(name);
            fs::hard_link(folder.join(name), link).expect("linked");
        }
        let shipped = ShippedFolder::of(sealed, |name| shipped.contains(name));
        trees.push((form, open(&root).with_shipped(Arc::new(shipped))));
    }
    trees
}

fn difference(a: &str, b: &str) -> String {
    let pairs = a.lines().zip(b.lines());
    match pairs.into_iter().find(|(a, b)| a != b) {
        Some((a, b)) => format!("- {a}\n+ {b}"),
        None => format!("{} lines, then {}", a.lines().count(), b.lines().count()),
    }
}

fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn show<'l>(lines: impl Iterator<Item = &'l Line>) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{:?} {}", line.place, line.text.escape_ascii());
    }
    text
}

fn traced(engine: &Engine, tree: &Tree, id: &str, strict: bool) -> String {
    let question = TraceQuestion {
        id: id.to_owned(),
        strict,
        every_file: false,
        since: None,
    };
    let trace = engine.trace(tree, &name(), &question).expect("traced");
    let call = trace.call.expect("found");
    format!(
        "{}{:?}\n{:?}",
        show(call.lines.iter()),
        call.summary,
        call.closure.joins()
    )
}

fn searched(engine: &Engine, tree: &Tree, question: &SearchQuestion) -> String {
    let found = engine.search(tree, &name(), question).expect("searched");
    let mut text = format!("{}\n", found.count);
    for call in &found.calls {
        let _ = writeln!(text, "{call:?}");
    }
    text
}

fn plan() -> Plan {
    Plan {
        seed: 21,
        days: 3,
        calls_per_day: 250,
        mess: true,
        ..Plan::default()
    }
}

fn ids(root: &Path, every: usize) -> Vec<String> {
    let calls = read_truth(root).expect("the truth");
    calls
        .step_by(every)
        .map(|call| call.expect("a row").uids.pop().expect("an id"))
        .collect()
}

#[test]
fn traces_are_the_same_everywhere() {
    let forms = Forms::new(&plan());
    for (i, id) in ids(&forms.roots[0].1, 25).iter().enumerate() {
        let answer = forms.same_everywhere(id, |engine, tree| traced(engine, tree, id, i % 3 == 0));
        assert!(answer.contains(id.as_str()));
    }
}

#[test]
fn searches_are_the_same_everywhere() {
    let forms = Forms::new(&plan());
    let criteria = |criteria: Criteria| SearchQuestion {
        criteria,
        ..SearchQuestion::default()
    };
    let filter = |filter: RecordFilter| SearchQuestion {
        criteria: Criteria {
            needs_match: true,
            ..Criteria::default()
        },
        filter,
        ..SearchQuestion::default()
    };
    let number = indexing::a_number(&forms.roots[0].1.join("0367"));
    let questions = [
        ("every call", SearchQuestion::default()),
        (
            "a number",
            criteria(Criteria {
                phone: PhoneQuery::parse(&number).ok(),
                ..Criteria::default()
            }),
        ),
        (
            "a number's end",
            criteria(Criteria {
                phone: PhoneQuery::parse(&number[number.len() - 7..]).ok(),
                ..Criteria::default()
            }),
        ),
        (
            "an id as text",
            filter(RecordFilter {
                text: ids(&forms.roots[0].1, 40).pop(),
                ..RecordFilter::default()
            }),
        ),
        (
            "the newest seven",
            SearchQuestion {
                limit: Some(7),
                ..SearchQuestion::default()
            },
        ),
        (
            "missed",
            criteria(Criteria {
                outcome: Some(Outcome::Missed),
                direction: Some(Direction::Incoming),
                ..Criteria::default()
            }),
        ),
        (
            "a number's last digits",
            criteria(Criteria {
                phone: PhoneQuery::parse("9000000")
                    .or(PhoneQuery::parse("0000001"))
                    .ok(),
                ..Criteria::default()
            }),
        ),
        (
            "failed requests",
            filter(RecordFilter {
                http_status: calltrace_model::filter::StatusPattern::parse("5xx"),
                ..RecordFilter::default()
            }),
        ),
        (
            "a text",
            filter(RecordFilter {
                text: Some("❌".to_owned()),
                ..RecordFilter::default()
            }),
        ),
        (
            "an event",
            filter(RecordFilter {
                events: vec!["bridge_leave".to_owned()],
                ..RecordFilter::default()
            }),
        ),
    ];
    for (what, question) in questions {
        forms.same_everywhere(what, |engine, tree| searched(engine, tree, &question));
    }
}

#[test]
fn single_records_are_the_same_everywhere() {
    let forms = Forms::new(&plan());
    let number = indexing::a_number(&forms.roots[0].1.join("0367"));
    let filters = [
        (
            "a number",
            RecordFilter {
                phone: PhoneQuery::parse(&number).ok(),
                ..RecordFilter::default()
            },
        ),
        (
            "unparsed",
            RecordFilter {
                kinds: vec![KindName::Unparsed],
                ..RecordFilter::default()
            },
        ),
        (
            "a text",
            RecordFilter {
                text: Some("|hangup|".to_owned()),
                ..RecordFilter::default()
            },
        ),
        (
            "an expression",
            RecordFilter {
                regex: regex::bytes::Regex::new(r"CallStatus.: .[013]").ok(),
                ..RecordFilter::default()
            },
        ),
    ];
    for (what, filter) in filters {
        for (limit, context) in [(None, 0), (Some(20), 0), (Some(20), 2)] {
            let question = LinesQuestion {
                filter: filter.clone(),
                limit,
                count_only: false,
                by: None,
                before: context,
                after: context,
            };
            let answer = forms.same_everywhere(what, |engine, tree| {
                let found = engine.lines(tree, &name(), &question).expect("searched");
                format!(
                    "{}\n{}",
                    found.count,
                    show(found.lines.iter().map(|l| &l.line))
                )
            });
            assert!(
                answer.lines().count() > 5,
                "{what} finds nothing to compare"
            );
        }
    }
}
