//! Calls as text: ladders, and files for a ticket.

use calltrace_engine::{Trace, TracedCall};
use calltrace_model::record::LogZone;
use calltrace_output::story::{self, StoryView};
use calltrace_output::{Clock, People};
use unicode_width::UnicodeWidthStr;

use crate::stories::{calls_of, later_than, scenarios, trace};

/// The output of `write` for a call, without colours.
fn printed(
    (trace, call): &(Trace, TracedCall),
    people: &People,
    write: impl Fn(&mut Vec<u8>, &StoryView<'_>),
) -> String {
    let clock = Clock {
        log: LogZone::default(),
        shown: calltrace_model::record::Zone::named("Europe/Minsk").expect("a zone"),
    };
    let view = StoryView::of(trace, call, &clock, people, later_than(call));
    let mut out = Vec::new();
    write(&mut out, &view);
    let out = anstream::adapter::strip_bytes(&out).into_vec();
    String::from_utf8(out).expect("UTF-8")
}

fn ladder(call: &(Trace, TracedCall), people: &People, width: usize) -> String {
    printed(call, people, |out, view| {
        story::write_ladder(out, view, Some(width)).expect("memory takes it");
    })
}

/// Names of realistic length.
fn long_names() -> People {
    let names = [
        ("150", "Джулиана Константинопольская"),
        ("151", "Анна"),
        ("152", "株式会社 営業部"),
    ];
    let pair = |(number, name): (&str, &str)| (number.to_owned(), name.to_owned());
    People {
        extensions: names.map(pair).into(),
        clients: [pair((
            "375290001234",
            "ООО «Длинное наименование предприятия»",
        ))]
        .into(),
        ..People::default()
    }
}

#[test]
fn no_line_of_a_ladder_is_wider_than_the_screen() {
    let mut drawn = 0;
    for (scenario, mode) in scenarios().into_iter().filter(|(_, mode)| *mode == "host") {
        for (call, _) in calls_of(&scenario, mode) {
            for width in [80, 120] {
                for people in [People::default(), long_names()] {
                    let ladder = ladder(&call, &people, width);
                    let widest = ladder.lines().map(UnicodeWidthStr::width).max();
                    assert!(
                        widest <= Some(width),
                        "{scenario} {mode} {width}:\n{ladder}"
                    );
                    drawn += 1;
                }
            }
        }
    }
    assert!(drawn > 300, "{drawn}");
}

#[test]
fn a_ladder_of_four_participants_fits_80_columns_with_all_of_them() {
    let call = trace(&testing::sample(), "0367", "1764514800.140");
    let ladder = ladder(&call, &People::default(), 80);
    let (_, drawn) = ladder
        .split_once("\n\n")
        .expect("a header, then the ladder");
    expect_test::expect![[r#"
                      +375 29            150              151              152
                     000-88-99
        18:00:00         ┊─────calls─────>┊                │                │
        18:00:06         ┃<───answers─────┃                │                │
        18:00:30         ┊<───hold 18s────│                │                │
                         ┊                │─────calls─────>│                │
        18:00:36         ┊                ┃<───talk 11s───>┃                │
        18:00:48         ┃                │────transfer───>┃                │
        18:01:20         ┊<───────────hold 19s─────────────│                │
                         ┊                │                │─────calls─────>│
        18:01:26         ┊                │                ┃<───talk 12s───>┃
        18:01:39         ┃                │                │────transfer───>┃
        18:02:40         │──────────────hangs up, talked 1m56s─────────────>│
    "#]]
    .assert_eq(drawn);
}

#[test]
fn more_participants_than_columns_are_counted() {
    let call = trace(&testing::sample(), "0367", "1764514800.140");
    let narrow = ladder(&call, &People::default(), 34);
    assert!(narrow.contains("2 more have no column"), "{narrow}");
}

#[test]
fn a_file_for_a_ticket_fetches_nothing_and_holds_no_secret() {
    for (scenario, mode) in scenarios().into_iter().filter(|(_, mode)| *mode == "full") {
        for (call, _) in calls_of(&scenario, mode) {
            let page = printed(&call, &long_names(), |out, view| {
                story::write_html(out, view).expect("memory takes it");
            });
            for what in [
                "<script",
                "src=",
                "href=",
                "url(",
                "@import",
                "375290000000",
            ] {
                assert!(!page.contains(what), "{scenario}: {what}");
            }
            assert!(page.contains("default-src 'none'"), "{scenario}");
        }
    }
}

#[test]
fn hostile_names_stay_text_in_every_format() {
    let call = trace(&testing::sample(), "0367", "1764493655.61");
    let evil = "<img src=x onerror=alert(1)>|\u{1b}[2J\nP0->>P1: x";
    let people = People {
        extensions: [("151".to_owned(), evil.to_owned())].into(),
        ..People::default()
    };
    let html = printed(&call, &people, |out, view| {
        story::write_html(out, view).expect("memory takes it");
    });
    assert!(
        html.contains("&lt;img src=x") && !html.contains("<img"),
        "{html}"
    );
    let markdown = printed(&call, &people, |out, view| {
        story::write_markdown(out, view).expect("memory takes it");
    });
    assert!(!markdown.contains("<img"), "{markdown}");
    let rows = markdown.lines().filter(|line| line.starts_with("| 12:"));
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
    }
    let mermaid = printed(&call, &people, |out, view| {
        story::write_mermaid(out, view).expect("memory takes it");
    });
    let known = |line: &str| {
        [
            "sequenceDiagram",
            "    participant P",
            "    P",
            "    Note over P",
        ]
        .iter()
        .any(|begin| line.starts_with(begin))
    };
    assert!(mermaid.lines().all(known), "{mermaid}");
    for text in [&html, &markdown, &mermaid] {
        assert!(!text.contains('\u{1b}'));
    }
}
