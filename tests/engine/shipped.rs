//! What a question costs over object storage: how often a reader waits, and for how many requests. Answers are
//! the same as over the local files.
//!
//! `CALLTRACE_SHIPPED_ROOT` names a sealed tree of one enterprise, 0367, to look at instead; the counts are
//! then printed with `--nocapture`, and not bounded.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_engine::{Engine, SearchQuestion, StatsQuestion, TraceQuestion};
use calltrace_model::call::{Criteria, Outcome};
use calltrace_model::record::LogZone;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::stats::GroupBy;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, ShippedTree, Tree};
use testing::generator::{Plan, write_tree};
use testing::shipped::{FetchCount, ShippedFolder};

use crate::{indexing, tables};

const SHIPPED_ROOT: &str = "CALLTRACE_SHIPPED_ROOT";

/// A sealed tree, local and in object storage.
struct TwoTrees {
    _dir: tempfile::TempDir,
    local: Tree,
    shipped: Tree,
    network: Arc<ShippedFolder>,
    engine: Engine,
    name: EnterpriseName,
    bounded: bool,
}

impl TwoTrees {
    fn new() -> TwoTrees {
        let dir = tempfile::tempdir().expect("a folder");
        let own = std::env::var_os(SHIPPED_ROOT).map(PathBuf::from);
        let bounded = own.is_none();
        // One thread, so that each wait is in the longest chain.
        let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
        let root = own.unwrap_or_else(|| sealed(dir.path(), &engine));
        let network = Arc::new(ShippedFolder::of(&root, |_| true));
        let shipped: Arc<dyn ShippedTree> = Arc::<ShippedFolder>::clone(&network);
        TwoTrees {
            _dir: dir,
            local: Tree::open(&root).expect("a tree"),
            shipped: Tree::of_shipped(shipped),
            network,
            engine,
            name: EnterpriseName::new("0367").expect("a name"),
            bounded,
        }
    }

    /// Asks over both; the answer must be the same, and must not take more waits and requests than these.
    fn ask(&self, what: &str, most: FetchCount, query: impl Fn(&Tree) -> String) -> String {
        let answer = query(&self.shipped);
        let count = self.network.take_count();
        if !self.bounded {
            let _ = writeln!(std::io::stdout(), "{what}: {count:?}");
        }
        assert_eq!(answer, query(&self.local), "{what}");
        let is_within = count.waits <= most.waits && count.requests <= most.requests;
        assert!(is_within || !self.bounded, "{what}: {count:?}");
        answer
    }

    fn trace(&self, tree: &Tree, id: &str) -> String {
        let question = TraceQuestion::of(id.to_owned());
        let trace = self.engine.trace(tree, &self.name, &question);
        let call = trace.expect("traced").call.expect("found");
        let mut text = format!("{:?}\n", call.summary);
        for line in &call.lines {
            let _ = writeln!(text, "{}", line.text.escape_ascii());
        }
        text
    }

    fn search(&self, tree: &Tree, criteria: Criteria, limit: Option<usize>) -> String {
        let question = SearchQuestion {
            criteria,
            limit,
            ..SearchQuestion::default()
        };
        let found = self.engine.search(tree, &self.name, &question);
        let found = found.expect("searched");
        format!("{} {:?} {:?}", found.count, found.searched, found.calls)
    }

    /// Ids of calls all over the time of the tree.
    fn ids(&self) -> Vec<String> {
        let every = SearchQuestion::default();
        let found = self.engine.search(&self.local, &self.name, &every);
        let calls = found.expect("searched").calls;
        let ids = calls.iter().step_by(calls.len() / 12);
        ids.map(|call| call.main_uid.clone()).collect()
    }
}

/// Fifteen sealed days with indexes, catalog and tables.
fn sealed(root: &Path, engine: &Engine) -> PathBuf {
    let plan = Plan {
        seed: 25,
        days: 15,
        calls_per_day: 150,
        ..Plan::default()
    };
    write_tree(&plan, root).expect("written");
    let folder = root.join("0367");
    std::fs::rename(folder.join("events.log"), folder.join("events.log.1")).expect("renamed");
    indexing::seal_all(&folder);
    let (held, useless) = indexing::tables(engine, root);
    assert_eq!(held.len(), 15, "{useless:?}");
    indexing::catalog(&folder);
    root.to_owned()
}

fn most(waits: usize, requests: usize) -> FetchCount {
    FetchCount { requests, waits }
}

#[test]
fn a_trace_waits_a_few_times_whatever_the_number_of_days() {
    let trees = TwoTrees::new();
    let ids = trees.ids();
    assert!(ids.len() >= 10);
    for id in ids {
        // One wait is the manifest's, which is not counted here; eight are bearable.
        let answer = trees.ask(&format!("trace {id}"), most(7, 60), |tree| {
            trees.trace(tree, &id)
        });
        assert!(answer.contains(&id));
    }
}

#[test]
fn searches_and_statistics_are_answered_from_catalog_and_tables() {
    let trees = TwoTrees::new();
    let phone = |number: &str| Criteria {
        phone: PhoneQuery::parse(number).ok(),
        ..Criteria::default()
    };
    let missed = || Criteria {
        outcome: Some(Outcome::Missed),
        ..Criteria::default()
    };
    trees.ask("an absent number", most(1, 2), |tree| {
        trees.search(tree, phone("+375 44 918-27-36"), None)
    });
    let number = trees.search(&trees.local, missed(), Some(1));
    let digits = number.split(|c: char| !c.is_ascii_digit());
    let numbers: BTreeSet<&str> = digits.filter(|run| run.len() == 12).collect();
    let number = numbers.into_iter().next().expect("a client's number");
    trees.ask("a number", most(8, 40), |tree| {
        trees.search(tree, phone(number), None)
    });
    trees.ask("fifty missed calls", most(6, 60), |tree| {
        trees.search(tree, missed(), Some(50))
    });
    // Seven requests are for indexes of which the manifest has no head, and five for tables of near days.
    let every = SearchQuestion::default();
    let calls = trees.engine.search(&trees.local, &trees.name, &every);
    let calls = calls.expect("searched").calls;
    let middle = calls[calls.len() / 2].first;
    let hours = Criteria {
        since: Some(middle.plus_millis(-3 * 3_600_000)),
        until: Some(middle.plus_millis(3 * 3_600_000)),
        ..Criteria::default()
    };
    let some = trees.ask("six hours", most(4, 14), |tree| {
        trees.search(tree, hours.clone(), None)
    });
    assert!(some.contains(&calls[calls.len() / 2].main_uid));
    trees.ask("statistics", most(6, 60), |tree| {
        let question = StatsQuestion {
            by: Some(GroupBy::Day),
            within_millis: 3_600_000,
            ..StatsQuestion::default()
        };
        let names = std::slice::from_ref(&trees.name);
        let engine = &trees.engine;
        let statistics = engine.statistics(tree, names, &question, tables::hour_of);
        format!("{:?}", statistics.stats)
    });
}
