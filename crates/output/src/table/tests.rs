//! Tables of invented calls: which columns are dropped when there is less room, and that all rows
//! fit.

use expect_test::expect;

use super::*;
use calltrace_model::call::{Direction, MessageTotals, Outcome};
use calltrace_model::record::{LogZone, Stamp, Zone};

fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn call(id: &str, at: &str, outcome: Outcome) -> Summary {
    Summary {
        main_uid: id.to_owned(),
        first: Stamp::parse_prefix(at.as_bytes()).expect("a time"),
        direction: Direction::Incoming,
        client: "375290001234".to_owned(),
        rang: ["150", "151"].map(str::to_owned).to_vec(),
        answered_by: (outcome == Outcome::Answered).then(|| "151".to_owned()),
        outcome,
        ended: true,
        ring_millis: Some(9_000),
        talk_millis: (outcome == Outcome::Answered).then_some(111_000),
        messages: MessageTotals {
            sent: 3,
            standing: 1,
            ..MessageTotals::default()
        },
        ..Summary::empty()
    }
}

fn calls() -> Vec<Summary> {
    let unended = Summary {
        ended: false,
        talk_millis: None,
        ..call(
            "1764666930.70",
            "2025-12-02 09:20:00,000",
            Outcome::Answered,
        )
    };
    vec![
        unended,
        call(
            "1764666900.61",
            "2025-12-02 09:15:00,000",
            Outcome::InProgress,
        ),
        call(
            "1764666800.5",
            "2025-12-01 20:59:59,000",
            Outcome::NotReached,
        ),
    ]
}

fn people(extensions: &[(&str, &str)]) -> BTreeMap<EnterpriseName, People> {
    let extensions = extensions.iter();
    let known = People {
        extensions: extensions
            .map(|(number, name)| ((*number).to_owned(), (*name).to_owned()))
            .collect(),
        ..People::default()
    };
    [(name(), known)].into()
}

/// The table with times of Minsk, without colours.
fn shown(
    calls: &[Summary],
    people: &BTreeMap<EnterpriseName, People>,
    width: Option<usize>,
) -> String {
    let clock = Clock {
        log: LogZone::default(),
        shown: Zone::named("Europe/Minsk").expect("a zone"),
    };
    let name = name();
    let rows: Vec<ListRow<'_>> = calls.iter().map(|call| (&name, call)).collect();
    let options = TableOptions {
        clock: &clock,
        width,
        fates: None,
        people,
        link: &|_, _| None,
    };
    let mut out = Vec::new();
    write_table(&mut out, &rows, &options).expect("into memory");
    style::plain(&String::from_utf8(out).expect("UTF-8"))
}

#[test]
fn a_terminal_shows_each_day_once_and_a_pipe_shows_it_in_each_row() {
    let no_names = BTreeMap::new();
    expect![[r#"
        times of Europe/Minsk, UTC+03:00
        TIME     DIR CLIENT            WHO     RESULT    RING TALK  TG ID
        --- 2025-12-02
        12:20:00 in  +375 29 000-12-34 151     answered    9s    ? 1/3 1764666930.70
        12:15:00 in  +375 29 000-12-34 150,151 live        9s    - 1/3 1764666900.61
        --- 2025-12-01
        23:59:59 in  +375 29 000-12-34 150,151 unreached   9s    - 1/3 1764666800.5
    "#]]
    .assert_eq(&shown(&calls(), &no_names, Some(200)));
    expect![[r#"
        times of Europe/Minsk, UTC+03:00
        TIME                DIR CLIENT            WHO     RESULT    RING TALK  TG ID
        2025-12-02 12:20:00 in  +375 29 000-12-34 151     answered    9s    ? 1/3 1764666930.70
        2025-12-02 12:15:00 in  +375 29 000-12-34 150,151 live        9s    - 1/3 1764666900.61
        2025-12-01 23:59:59 in  +375 29 000-12-34 150,151 unreached   9s    - 1/3 1764666800.5
    "#]]
    .assert_eq(&shown(&calls(), &no_names, None));
    assert_eq!(shown(&[], &no_names, Some(80)), "");
}

#[test]
fn columns_are_dropped_in_a_fixed_order() {
    let no_names = BTreeMap::new();
    let heads = |width| {
        let shown = shown(&calls(), &no_names, Some(width));
        let head = shown.lines().nth(1).expect("a head");
        let head: Vec<&str> = head.split_whitespace().collect();
        let row = shown.lines().nth(3).expect("a row");
        let has_seconds = row.starts_with("12:20:00 ");
        (head.join(" "), has_seconds, row.contains("+375"))
    };
    let mut seen: Vec<(String, bool, bool)> = (50..100).rev().map(heads).collect();
    seen.dedup();
    let all = "TIME DIR CLIENT WHO RESULT RING TALK TG ID";
    let steps = [
        (all, true, true),
        ("TIME DIR CLIENT WHO RESULT RING TALK ID", true, true),
        ("TIME DIR CLIENT WHO RESULT TALK ID", true, true),
        ("TIME DIR CLIENT WHO RESULT ID", true, true),
        ("TIME DIR CLIENT WHO RESULT ID", false, true),
        ("TIME DIR CLIENT WHO RESULT ID", false, false),
    ];
    let steps = steps.map(|(head, seconds, code)| (head.to_owned(), seconds, code));
    assert_eq!(seen[..steps.len()], steps, "{seen:?}");
}

#[test]
fn names_are_cut_and_numbers_stay() {
    let known = people(&[("151", "Борис Константинопольский"), ("150", "Анна")]);
    let calls = calls();
    let wide = shown(&calls, &known, Some(200));
    assert!(
        wide.contains(" 151 Борис Константинопольский answered"),
        "{wide}"
    );
    assert!(wide.contains(" 150,151  "), "too wide for a column: {wide}");
    let narrow = shown(&calls, &known, Some(64));
    assert!(narrow.contains(" 151 Борис Конст… answered"), "{narrow}");
    let least = shown(&calls, &known, Some(54));
    assert!(least.contains(" 151     answered"), "{least}");
    let short = people(&[("151", "Борис"), ("150", "Анна")]);
    let both = shown(&calls, &short, Some(200));
    assert!(both.contains(" 150 Анна, 151 Борис live"), "{both}");
}

#[test]
fn a_wide_id_has_a_line_of_its_own_and_takes_no_column_away() {
    let mut many: Vec<Summary> = (0..20).map(|_| calls().remove(1)).collect();
    let wide = "test_1764608400.9f3c21ab";
    many[7].main_uid = wide.to_owned();
    let no_names = BTreeMap::new();
    let of_80 = shown(&many, &no_names, Some(80));
    assert!(of_80.contains("RING TALK  TG ID"), "{of_80}");
    let own: Vec<&str> = of_80.lines().filter(|line| line.ends_with(wide)).collect();
    assert_eq!(own, [format!("{wide:>80}")]);
    // If all ids are wide, columns are dropped to make room for them, until no more can be dropped.
    many.iter_mut()
        .for_each(|call| call.main_uid = wide.to_owned());
    for width in [60, 80, 100] {
        let text = shown(&many, &no_names, Some(width));
        assert_eq!(
            text.lines().count(),
            if width < 70 { 43 } else { 23 },
            "{text}"
        );
    }
}

#[test]
fn no_row_is_wider_than_the_limit() {
    let mut all = calls();
    all.push(Summary {
        rang: (0..30).map(|number| format!("15{number}")).collect(),
        client: "sip:somebody-with-a-long-name@example.org".to_owned(),
        ..calls().remove(2)
    });
    let known = people(&[("150", "名前の長い人"), ("151", "Анна")]);
    for people in [&BTreeMap::new(), &known] {
        for width in 60..140 {
            let text = shown(&all, people, Some(width));
            for line in text.lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
            assert!(text.contains("WHO") && text.contains("ID"), "{text}");
        }
    }
}
