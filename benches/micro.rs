//! Timings of the parts that every question uses, in one process: the parser, the scan, the joiner, the index and
//! the tables of calls. They help while one of these parts is being changed; `compare.sh` and `serve.sh` measure
//! what users notice.
//!
//! ```sh
//! cargo bench --bench micro            # all
//! cargo bench --bench micro -- join    # those with `join` in their name
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use calltrace_engine::{Engine, LinesQuestion, SearchQuestion, TraceQuestion};
use calltrace_model::call::{Criteria, Fact, Joiner, Outcome};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{LogZone, Place, Record};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use testing::generator::{Plan, write_tree};

fn main() {
    LazyLock::force(&MADE);
    divan::main();
}

/// Generated calls: three days of 2,000.
struct SampleTrees {
    plain: PathBuf,
    /// The same tree, sealed by `rotate`, with indexes and tables.
    sealed: PathBuf,
    /// The content of the plain files, one after the other.
    text: Vec<u8>,
    /// The id of a call in the middle.
    id: String,
    /// Removes the trees when it is dropped.
    _folder: tempfile::TempDir,
}

static MADE: LazyLock<SampleTrees> =
    LazyLock::new(|| make().expect("the temporary folder takes a tree"));

fn make() -> io::Result<SampleTrees> {
    let folder = tempfile::tempdir()?;
    let (plain, sealed) = (folder.path().join("plain"), folder.path().join("sealed"));
    let plan = Plan {
        calls_per_day: 2_000,
        ..Plan::default()
    };
    write_tree(&plan, &plain)?;
    write_tree(&plan, &sealed)?;
    let rotated = Command::new(env!("CARGO_BIN_EXE_calltrace"))
        .args(["rotate", "--keep", "9999d", "--force", "--quiet", "--root"])
        .arg(&sealed)
        .output()?;
    assert!(rotated.status.success(), "rotate failed: {rotated:?}");
    let mut text = Vec::new();
    for entry in std::fs::read_dir(plain.join("0367"))? {
        text.extend(std::fs::read(entry?.path())?);
    }
    let middle = lines(&text).skip(lines(&text).count() / 2);
    let ids = middle.filter_map(|line| {
        let uid = Record::parse(line).uid();
        Some(uid).filter(|uid| !uid.is_empty())
    });
    let id = ids.map(String::from_utf8_lossy).next();
    let id = id.expect("most records have an id").into_owned();
    Ok(SampleTrees {
        plain,
        sealed,
        text,
        id,
        _folder: folder,
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

fn facts() -> Vec<Fact> {
    let records = (0..).zip(lines(&MADE.text));
    let facts = records.filter_map(|(offset, line)| {
        let record = Record::parse(line);
        let at = record.at?;
        Some(Fact::of(&record, at, Place { source: 0, offset }))
    });
    facts.collect()
}

struct EngineFixture {
    engine: Engine,
    tree: Tree,
    enterprise: EnterpriseName,
}

impl EngineFixture {
    fn of(root: &Path) -> EngineFixture {
        EngineFixture {
            engine: Engine::new(0, Tuning::default(), LogZone::default()).expect("threads start"),
            tree: Tree::open(root).expect("the tree was just made"),
            enterprise: EnterpriseName::new("0367").expect("a name"),
        }
    }
}

#[divan::bench]
fn parse_lines(bencher: Bencher<'_, '_>) {
    let text = &MADE.text;
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| {
            lines(text)
                .filter(|line| black_box(Record::parse(line)).at.is_some())
                .count()
        });
}

#[divan::bench]
fn facts_of_lines(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::new(MADE.text.len()))
        .bench_local(facts);
}

#[divan::bench]
fn join_facts_into_calls(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(facts).bench_local_values(|facts| {
        let mut joiner = Joiner::default();
        for fact in facts {
            joiner.push(fact);
        }
        joiner.take_all()
    });
}

#[divan::bench]
fn scan_for_a_text_that_is_nowhere(bencher: Bencher<'_, '_>) {
    let fixture = EngineFixture::of(&MADE.plain);
    let question = LinesQuestion {
        filter: RecordFilter {
            text: Some("nowhere at all".to_owned()),
            ..RecordFilter::default()
        },
        ..LinesQuestion::default()
    };
    bencher
        .counter(BytesCount::new(MADE.text.len()))
        .bench_local(|| {
            fixture
                .engine
                .lines(&fixture.tree, &fixture.enterprise, &question)
        });
}

#[divan::bench(args = ["plain", "sealed"])]
fn trace_a_call(bencher: Bencher<'_, '_>, form: &str) {
    let fixture = EngineFixture::of(root(form));
    let question = TraceQuestion::of(MADE.id.clone());
    bencher.bench_local(|| {
        fixture
            .engine
            .trace(&fixture.tree, &fixture.enterprise, &question)
    });
}

#[divan::bench(args = ["plain", "sealed"])]
fn count_missed_calls(bencher: Bencher<'_, '_>, form: &str) {
    let fixture = EngineFixture::of(root(form));
    let question = SearchQuestion {
        criteria: Criteria {
            outcome: Some(Outcome::Missed),
            ..Criteria::default()
        },
        count_only: true,
        ..SearchQuestion::default()
    };
    bencher.bench_local(|| {
        fixture
            .engine
            .search(&fixture.tree, &fixture.enterprise, &question)
    });
}

fn root(form: &str) -> &'static Path {
    match form {
        "plain" => &MADE.plain,
        _ => &MADE.sealed,
    }
}
