//! The sample tree compared with its truth, `data/calls.tsv`, which was worked out by hand.
//!
//! Every call, requested by each of its ids, must have exactly its lines and the summary of the truth.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use calltrace_engine::{Engine, SearchQuestion, TraceQuestion, TracedCall};
use calltrace_model::call::{Criteria, Direction, Outcome};
use calltrace_model::record::LogZone;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};

struct Row {
    fields: Vec<String>,
}

impl Row {
    fn get(&self, name: &str) -> &str {
        const HEAD: [&str; 15] = [
            "enterprise",
            "pattern",
            "main_uid",
            "all_uids",
            "inferred",
            "direction",
            "client",
            "result",
            "answered_by",
            "ring_ms",
            "talk_ms",
            "transfers",
            "tg_sent",
            "tg_standing",
            "lines",
        ];
        let at = HEAD
            .iter()
            .position(|head| *head == name)
            .expect("a column of calls.tsv");
        &self.fields[at]
    }

    fn uids(&self) -> Vec<&str> {
        self.get("all_uids").split(',').collect()
    }

    fn enterprise(&self) -> EnterpriseName {
        EnterpriseName::new(self.get("enterprise")).expect("a name")
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(data().join("calls.tsv")).expect("the truth is there");
    let rows: Vec<Row> = text
        .lines()
        .skip(1)
        .map(|line| Row {
            fields: line.split('\t').map(str::to_owned).collect(),
        })
        .collect();
    assert!(rows.len() > 70, "the truth has {} calls", rows.len());
    rows
}

fn tree() -> Tree {
    Tree::open(&data().join("call_tracer")).expect("the sample tree")
}

fn engine() -> Engine {
    Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine")
}

fn trace(engine: &Engine, tree: &Tree, row: &Row, uid: &str, strict: bool) -> Option<TracedCall> {
    let question = TraceQuestion {
        id: uid.to_owned(),
        strict,
        every_file: false,
        since: None,
    };
    engine
        .trace(tree, &row.enterprise(), &question)
        .expect("the folder can be listed")
        .call
}

fn places(call: &TracedCall) -> Vec<String> {
    call.lines
        .iter()
        .map(|line| call.place_text(line.place))
        .collect()
}

#[test]
fn every_id_of_a_call_finds_exactly_its_lines() {
    let (engine, tree) = (engine(), tree());
    let mut wrong = Vec::new();
    for row in rows() {
        let want: Vec<&str> = row.get("lines").split(',').collect();
        for uid in row.uids() {
            let found = trace(&engine, &tree, &row, uid, false).map_or(Vec::new(), |c| places(&c));
            if found != want {
                let want: BTreeSet<_> = want.iter().map(|s| (*s).to_owned()).collect();
                let got: BTreeSet<_> = found.iter().cloned().collect();
                wrong.push(format!(
                    "{} {} {uid}: missing {:?}, foreign {:?}",
                    row.get("enterprise"),
                    row.get("pattern"),
                    want.difference(&got).collect::<Vec<_>>(),
                    got.difference(&want).collect::<Vec<_>>(),
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_call_is_summed_up_as_the_truth_says() {
    let (engine, tree) = (engine(), tree());
    let mut wrong = Vec::new();
    for row in rows() {
        let call = trace(&engine, &tree, &row, row.get("main_uid"), false).expect("found");
        let s = &call.summary;
        let number = |n: Option<i64>| n.map_or("-".to_owned(), |n| n.to_string());
        let direction = match s.direction {
            Direction::Incoming => "in",
            Direction::Outgoing => "out",
            Direction::Internal => "internal",
            Direction::Unknown => "unknown",
        };
        let result = match s.outcome {
            Outcome::Answered => "answered",
            Outcome::Missed => "missed",
            Outcome::NotReached => "not_reached",
            Outcome::Busy => "busy",
            Outcome::InProgress => "in_progress",
            Outcome::Unknown => "unknown",
        };
        for (name, is) in [
            ("main_uid", s.main_uid.clone()),
            ("direction", direction.to_owned()),
            ("client", s.client.clone()),
            ("result", result.to_owned()),
            (
                "answered_by",
                s.answered_by.clone().unwrap_or("-".to_owned()),
            ),
            ("ring_ms", number(s.ring_millis)),
            ("talk_ms", number(s.talk_millis)),
            ("transfers", s.transfers.to_string()),
            ("tg_sent", s.messages.sent.to_string()),
            ("tg_standing", s.messages.standing.to_string()),
        ] {
            if is != row.get(name) {
                wrong.push(format!(
                    "{} {} {}: {name} is {is:?}, want {:?}",
                    row.get("enterprise"),
                    row.get("pattern"),
                    row.get("main_uid"),
                    row.get(name)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn strict_leaves_out_exactly_what_ids_do_not_prove() {
    let (engine, tree) = (engine(), tree());
    for row in rows() {
        let whole: Vec<&str> = row.get("lines").split(',').collect();
        let call = trace(&engine, &tree, &row, row.get("main_uid"), true).expect("found");
        let proven = places(&call);
        let name = format!("{} {}", row.get("pattern"), row.get("main_uid"));
        if row.get("inferred") == "yes" {
            assert!(proven.len() < whole.len(), "{name}");
            assert!(proven.iter().all(|p| whole.contains(&p.as_str())), "{name}");
        } else {
            assert_eq!(proven, whole, "{name}");
        }
        assert!(
            call.closure.joins().iter().all(|j| j.reason.is_proven()),
            "{name}"
        );
    }
}

#[test]
fn search_without_filters_lists_every_call_once() {
    let (engine, tree) = (engine(), tree());
    let rows = rows();
    for enterprise in ["0103", "0113", "0327", "0367"] {
        let name = EnterpriseName::new(enterprise).expect("a name");
        let found = engine
            .search(&tree, &name, &SearchQuestion::default())
            .expect("searched");
        let mut got: Vec<String> = found.calls.iter().map(|s| s.main_uid.clone()).collect();
        let mut want: Vec<String> = rows
            .iter()
            .filter(|row| row.get("enterprise") == enterprise)
            .map(|row| row.get("main_uid").to_owned())
            .collect();
        got.sort();
        want.sort();
        assert_eq!(got, want, "{enterprise}");
    }
}

/// The main ids of the calls of 0367 that a search finds.
fn found(criteria: Criteria) -> BTreeSet<String> {
    let question = SearchQuestion {
        criteria,
        ..SearchQuestion::default()
    };
    let name = EnterpriseName::new("0367").expect("a name");
    let answer = engine()
        .search(&tree(), &name, &question)
        .expect("searched");
    answer.calls.into_iter().map(|call| call.main_uid).collect()
}

/// The main ids of the calls of 0367 that the truth has.
fn true_ones(wanted: impl Fn(&Row) -> bool) -> BTreeSet<String> {
    let own = rows()
        .into_iter()
        .filter(|row| row.get("enterprise") == "0367");
    own.filter(|row| wanted(row))
        .map(|row| row.get("main_uid").to_owned())
        .collect()
}

fn at_least(row: &Row, column: &str, millis: i64) -> bool {
    row.get(column).parse::<i64>().is_ok_and(|is| is >= millis)
}

#[test]
fn filters_on_calls_find_what_the_truth_says() {
    for (direction, name) in [
        (Direction::Incoming, "in"),
        (Direction::Outgoing, "out"),
        (Direction::Internal, "internal"),
        (Direction::Unknown, "unknown"),
    ] {
        let criteria = Criteria {
            direction: Some(direction),
            ..Criteria::default()
        };
        assert_eq!(
            found(criteria),
            true_ones(|row| row.get("direction") == name),
            "{name}"
        );
    }
    for (outcome, name) in [
        (Outcome::Answered, "answered"),
        (Outcome::Missed, "missed"),
        (Outcome::NotReached, "not_reached"),
        (Outcome::Unknown, "unknown"),
    ] {
        let criteria = Criteria {
            outcome: Some(outcome),
            ..Criteria::default()
        };
        assert_eq!(
            found(criteria),
            true_ones(|row| row.get("result") == name),
            "{name}"
        );
    }
    let talked = Criteria {
        min_talk_millis: Some(60_000),
        ..Criteria::default()
    };
    assert_eq!(
        found(talked),
        true_ones(|row| at_least(row, "talk_ms", 60_000))
    );
    let rang = Criteria {
        min_ring_millis: Some(20_000),
        ..Criteria::default()
    };
    assert_eq!(
        found(rang),
        true_ones(|row| at_least(row, "ring_ms", 20_000))
    );
    let transferred = Criteria {
        transferred: true,
        ..Criteria::default()
    };
    let want = true_ones(|row| at_least(row, "transfers", 1));
    assert!(!want.is_empty());
    assert_eq!(found(transferred), want);
}

#[test]
fn a_client_is_found_however_the_number_is_typed() {
    let clients: BTreeSet<String> = rows()
        .iter()
        .filter(|row| row.get("enterprise") == "0367" && row.get("client").len() == 12)
        .map(|row| row.get("client").to_owned())
        .collect();
    assert!(clients.len() > 10);
    for client in clients {
        let (area, number) = (&client[3..5], &client[5..]);
        let want = true_ones(|row| row.get("client") == client);
        let typed = [
            client.clone(),
            format!(
                "+375 ({area}) {}-{}-{}",
                &number[..3],
                &number[3..5],
                &number[5..]
            ),
            format!("80{area}{number}"),
            format!("{area}{number}"),
        ];
        let answers = typed.map(|typed| {
            found(Criteria {
                phone: PhoneQuery::parse(&typed).ok(),
                ..Criteria::default()
            })
        });
        assert!(
            answers[0].is_superset(&want),
            "{client}: {:?}, want {want:?}",
            answers[0]
        );
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{client}: {answers:?}"
        );
    }
}

#[test]
fn what_is_read_is_counted_and_nothing_is_ahead_at_the_end() {
    let (engine, tree) = (engine(), tree());
    let name = EnterpriseName::new("0367").expect("a name");
    let mut before = engine.meter().now().0;
    assert_eq!(before, 0);
    let phone = Criteria {
        phone: Some(PhoneQuery::parse("375290001234").expect("a phone")),
        ..Criteria::default()
    };
    for criteria in [Criteria::default(), phone] {
        for limit in [None, Some(1)] {
            let question = SearchQuestion {
                criteria: criteria.clone(),
                limit,
                ..SearchQuestion::default()
            };
            engine.search(&tree, &name, &question).expect("an answer");
            let (read, ahead) = engine.meter().now();
            assert!(read > before, "{question:?}");
            assert_eq!(ahead, 0, "{question:?}");
            before = read;
        }
    }
}
