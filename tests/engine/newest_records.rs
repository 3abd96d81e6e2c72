//! The newest records are those that a search for all would show last, of whole lines only. The places at which
//! following goes on are where these records end.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use calltrace_engine::{
    AfterAnswer, AnswerUpToNow, Engine, FoundLines, LinesQuestion, TraceQuestion,
};
use calltrace_model::call::{CallState, Phase, Summary};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{KindName, LogZone, Stamp};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use flate2::Compression;
use flate2::write::GzEncoder;
use testing::generator::{Compress, Plan, write_tree};

fn engine(tuning: Tuning) -> Engine {
    Engine::new(2, tuning, LogZone::default()).expect("an engine")
}

fn tiny() -> Tuning {
    Tuning {
        span_bytes: 3_000,
        block_bytes: 700,
    }
}

fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn newest(engine: &Engine, root: &Path, question: &LinesQuestion) -> AnswerUpToNow<FoundLines> {
    let tree = Tree::open(root).expect("a tree");
    let mut answers = engine.lines_up_to_now(&tree, &[name()], question, AfterAnswer::Follow);
    answers.pop().expect("one answer").expect("a folder")
}

fn texts(found: &FoundLines) -> Vec<String> {
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    found.lines.iter().map(|l| text(&l.line.text)).collect()
}

fn line(second: u32, uid: u32) -> String {
    format!(
        "2025-12-02 09:{:02}:{:02},000|AST|hangup|1764666000.{uid}|{{\"CallStatus\": \"0\"}}\n",
        second / 60,
        second % 60
    )
}

fn lines(seconds: std::ops::Range<u32>) -> String {
    seconds.map(|second| line(second, second)).collect()
}

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    (dir, folder)
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes()).expect("into memory");
    encoder.finish().expect("into memory")
}

fn limited(limit: usize) -> LinesQuestion {
    LinesQuestion {
        limit: Some(limit),
        ..LinesQuestion::default()
    }
}

#[test]
fn the_newest_are_the_last_of_all_whatever_the_steps() {
    for compress in [Compress::None, Compress::Bgzf, Compress::Gzip] {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("call_tracer");
        // Two days: the newest files are all there are.
        let plan = Plan {
            seed: 11,
            days: 2,
            calls_per_day: 60,
            compress,
            ..Plan::default()
        };
        write_tree(&plan, &root).expect("written");
        let tree = Tree::open(&root).expect("a tree");
        let messages = RecordFilter {
            kinds: vec![KindName::Tg],
            ..RecordFilter::default()
        };
        let hangups = RecordFilter {
            events: vec!["hangup".to_owned()],
            ..RecordFilter::default()
        };
        let text = RecordFilter {
            text: Some("\"CallStatus\": \"0\"".to_owned()),
            ..RecordFilter::default()
        };
        for filter in [RecordFilter::default(), messages, hangups, text] {
            let every = LinesQuestion {
                filter: filter.clone(),
                ..LinesQuestion::default()
            };
            let normal = engine(Tuning::default());
            let all = texts(&normal.lines(&tree, &name(), &every).expect("searched"));
            assert!(all.len() > 10, "{filter:?} lets something through");
            for tuning in [Tuning::default(), tiny()] {
                let engine = engine(tuning);
                for limit in [0, 1, 2, 10, 100, 100_000] {
                    let question = LinesQuestion {
                        filter: filter.clone(),
                        ..limited(limit)
                    };
                    let now = newest(&engine, &root, &question);
                    let want = &all[all.len().saturating_sub(limit)..];
                    assert_eq!(
                        texts(&now.answer),
                        want,
                        "{compress:?}, {limit}, {filter:?}"
                    );
                    assert_eq!(now.answer.troubles, []);
                }
            }
        }
    }
}

#[test]
fn a_line_that_is_being_written_is_not_in_the_answer() {
    let (dir, folder) = folder();
    let whole = lines(0..300);
    let half = &line(300, 300)[..30];
    fs::write(folder.join("events.log"), format!("{whole}{half}")).expect("written");
    fs::write(folder.join("events_2025-12-01.log"), half).expect("written");
    fs::write(folder.join("events.log.1"), "").expect("written");
    for tuning in [Tuning::default(), tiny()] {
        let engine = engine(tuning);
        let now = newest(&engine, dir.path(), &limited(3));
        assert_eq!(texts(&now.answer).join("\n") + "\n", lines(297..300));
        assert_eq!(now.answer.troubles, [], "half a line is no trouble yet");
        let ends: Vec<(String, u64)> = now
            .files
            .iter()
            .map(|file| (file.log.name.full(), file.end))
            .collect();
        let live = ("events.log".to_owned(), whole.len() as u64);
        let others = ["events.log.1", "events_2025-12-01.log"].map(|name| (name.to_owned(), 0));
        assert_eq!(ends, [others.to_vec(), vec![live]].concat());
        // The whole file is read, so that reading can go on behind it.
        let last = now.files.last().expect("the live file");
        assert_eq!(last.log.bytes, (whole.len() + half.len()) as u64);
        assert_eq!(now.newest, Stamp::parse_prefix(line(299, 299).as_bytes()));
    }
}

#[test]
fn of_archives_only_the_newest_is_looked_at_and_none_is_followed() {
    let (dir, folder) = folder();
    fs::write(folder.join("events_2025-11-30.log.gz"), gzip(&lines(0..5))).expect("written");
    fs::write(folder.join("events_2025-12-01.log.gz"), gzip(&lines(5..10))).expect("written");
    // The content decides, whatever the name says.
    fs::write(folder.join("events_2025-12-02.log.gz"), lines(10..12)).expect("written");
    fs::write(folder.join("events.log"), lines(12..14)).expect("written");
    let now = newest(&engine(Tuning::default()), dir.path(), &limited(100));
    assert_eq!(texts(&now.answer).join("\n") + "\n", lines(5..14));
    let files: Vec<String> = now.files.iter().map(|file| file.log.name.full()).collect();
    assert_eq!(files, ["events_2025-12-02.log.gz", "events.log"]);
    assert_eq!(now.answer.searched.files, 3);
    assert_eq!(now.answer.searched.files_known, 4);
    let since = LinesQuestion {
        filter: RecordFilter {
            since: Stamp::parse_prefix(line(3, 3).as_bytes()),
            ..RecordFilter::default()
        },
        ..LinesQuestion::default()
    };
    let now = newest(&engine(Tuning::default()), dir.path(), &since);
    assert_eq!(texts(&now.answer).join("\n") + "\n", lines(3..14));
}

#[test]
fn an_old_file_that_was_never_packed_hides_no_newer_archive() {
    let (dir, folder) = folder();
    fs::write(folder.join("events.log.2025-11-01"), lines(0..50)).expect("written");
    fs::write(
        folder.join("events_2025-12-01.log.gz"),
        gzip(&lines(60..70)),
    )
    .expect("written");
    let now = newest(&engine(Tuning::default()), dir.path(), &limited(10));
    assert_eq!(texts(&now.answer).join("\n") + "\n", lines(60..70));
}

#[test]
fn records_of_one_moment_and_a_stretch_out_of_order_are_sorted_as_a_search_sorts_them() {
    let (dir, folder) = folder();
    let twice: String = (0..40).map(|uid| line(500, uid)).collect();
    let misfiled = lines(100..200);
    let content = format!("{}{twice}{}{misfiled}", lines(400..500), lines(500..600));
    fs::write(folder.join("events.log"), &content).expect("written");
    fs::write(folder.join("events.log.1"), &twice).expect("written");
    let tree = Tree::open(dir.path()).expect("a tree");
    for tuning in [Tuning::default(), tiny()] {
        let engine = engine(tuning);
        let all = engine
            .lines(&tree, &name(), &LinesQuestion::default())
            .expect("searched");
        let all = texts(&all);
        for limit in [1, 99, 100, 101, 110, 150, 181, 300, 1000] {
            let now = newest(&engine, dir.path(), &limited(limit));
            let want = &all[all.len().saturating_sub(limit)..];
            assert_eq!(texts(&now.answer), want, "{limit}");
        }
    }
}

#[test]
fn a_trace_up_to_now_holds_whole_lines_only() {
    let (dir, folder) = folder();
    let own = line(1, 7);
    let half = line(2, 7).trim_end().to_owned();
    fs::write(folder.join("events.log"), format!("{own}{half}")).expect("written");
    let tree = Tree::open(dir.path()).expect("a tree");
    let question = TraceQuestion {
        id: "1764666000.7".to_owned(),
        strict: false,
        every_file: false,
        since: None,
    };
    let mut answers =
        engine(Tuning::default()).trace_up_to_now(&tree, &[name()], &question, AfterAnswer::Follow);
    let now = answers.pop().expect("one answer").expect("a folder");
    let call = now.answer.call.expect("a call");
    assert_eq!(call.lines.len(), 1);
    assert_eq!(now.answer.troubles, []);
    assert_eq!(now.files[0].end, own.len() as u64);
}

#[test]
fn open_calls_are_those_that_something_may_come_of() {
    let (dir, folder) = folder();
    let start = |second: u32, uid: u32| line(second, uid).replace("hangup", "start");
    let rings = start(1500, 1);
    let over = start(0, 2) + &line(30, 2);
    let just_over = start(1480, 3) + &line(1490, 3);
    let forgotten = start(20, 4).replace("2025-12-02 09", "2025-12-02 08");
    let content = format!("{forgotten}{over}{just_over}{rings}");
    fs::write(folder.join("events.log"), content).expect("written");
    let tree = Tree::open(dir.path()).expect("a tree");
    let engine = engine(Tuning::default());
    let open = |now: &str, filter: &RecordFilter| {
        let now = Stamp::parse_prefix(now.as_bytes()).expect("a time");
        let mut answers = engine.open_calls(&tree, &[name()], filter, now);
        let mut open = answers.pop().expect("one answer").expect("a folder").answer;
        let slots: Vec<u32> = open.calls.components().map(|(slot, _)| slot).collect();
        let mut found: Vec<(String, Phase, bool)> = slots
            .into_iter()
            .map(|slot| {
                let facts = open.calls.in_order(slot);
                let summary = Summary::of(facts).expect("records");
                let (state, _) = CallState::latest(facts).expect("a call");
                let matched = facts.iter().any(|fact| fact.matched);
                (summary.main_uid, state.phase, matched)
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    };
    let call = |uid: u32, phase, matched| (format!("1764666000.{uid}"), phase, matched);
    let all = RecordFilter::default();
    let soon = "2025-12-02 09:25:10,000";
    assert_eq!(
        open(soon, &all),
        [
            call(1, Phase::Arriving, false),
            call(3, Phase::Missed, false)
        ]
    );
    // An hour later no phone rings any more. A clock that is behind the log changes nothing.
    assert_eq!(open("2025-12-02 10:25:10,000", &all), []);
    assert_eq!(open("2025-11-30 00:00:00,000", &all), open(soon, &all));
    let hangups = RecordFilter {
        events: vec!["hangup".to_owned()],
        ..RecordFilter::default()
    };
    assert_eq!(
        open(soon, &hangups),
        [
            call(1, Phase::Arriving, false),
            call(3, Phase::Missed, true)
        ]
    );
}
