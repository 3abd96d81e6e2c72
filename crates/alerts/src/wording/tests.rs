//! Notices as people read them.

use super::*;
use crate::finding::{FigureValue, FindingFigure, Scope, ScopePart};

fn finding(
    kind: RuleKind,
    part: Option<ScopePart>,
    figures: &[(&'static str, FigureValue)],
) -> CheckFinding {
    let figure = |(name, value): &(&'static str, FigureValue)| FindingFigure {
        name,
        value: value.clone(),
    };
    CheckFinding {
        rule: kind.name().to_owned(),
        kind,
        severity: kind.severity(),
        scope: Scope {
            enterprise: EnterpriseName::new("0367"),
            part,
        },
        since: "2025-12-03T07:00:00Z".parse().expect("a time"),
        figures: figures.iter().map(figure).collect(),
        links: Vec::new(),
    }
}

fn notice(firing: Vec<CheckFinding>, resolved: Vec<ResolvedFinding>) -> AlertNotice {
    AlertNotice {
        at: "2025-12-03T09:00:00Z".parse().expect("a time"),
        firing,
        resolved,
        language: Language::Russian,
        zone: Zone::named("Europe/Minsk").expect("a zone"),
    }
}

fn plain(notice: &AlertNotice, language: Language) -> String {
    text(notice, language).replace('\u{a0}', " ")
}

fn missed() -> CheckFinding {
    let figures = [
        ("missed", FigureValue::Count(12)),
        ("calls", FigureValue::Count(20)),
        ("share", FigureValue::Share(0.6)),
        ("times_usual", FigureValue::Factor(3.04)),
    ];
    finding(RuleKind::MissedShare, None, &figures)
}

fn client(digits: &str) -> CheckFinding {
    let part = ScopePart::Client(digits.to_owned());
    let figures = [("client", FigureValue::Phone(digits.to_owned()))];
    finding(RuleKind::NotCalledBack, Some(part), &figures)
}

#[test]
fn a_finding_is_a_line_with_its_links_below() {
    let links = vec!["https://bot.example.org/call/0367/1.1?exp=1&sig=x".to_owned()];
    let notice = notice(vec![CheckFinding { links, ..missed() }], Vec::new());
    assert_eq!(
        plain(&notice, Language::Russian),
        "🔴 0367: пропущено 12 из 20 звонков (60 %), в 3,0 раза больше обычного, с 10:00\n\
         https://bot.example.org/call/0367/1.1?exp=1&sig=x"
    );
    assert_eq!(
        plain(&notice, Language::English).lines().next(),
        Some("🔴 0367: 12 of 20 calls missed (60%), 3.0 times the usual, since 10:00")
    );
}

#[test]
fn clients_of_an_enterprise_share_a_line() {
    let many: Vec<CheckFinding> = (0..7).map(|n| client(&format!("37529000000{n}"))).collect();
    let notice = notice(many, Vec::new());
    let text = plain(&notice, Language::Russian);
    assert!(
        text.starts_with("🟠 0367: не перезвонили 7 клиентам: "),
        "{text}"
    );
    assert!(
        text.ends_with(" и ещё 2") && text.lines().count() == 1,
        "{text}"
    );
}

#[test]
fn what_is_over_says_when_and_whether_it_was_only_dropped() {
    let resolved = |finding, ending| ResolvedFinding {
        finding,
        ended: "2025-12-03T08:40:00Z".parse().expect("a time"),
        ending,
    };
    let notice = notice(
        Vec::new(),
        vec![
            resolved(missed(), Ending::Over),
            resolved(client("375290001234"), Ending::Dropped),
        ],
    );
    let text = plain(&notice, Language::English);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "🟢 0367: missed calls: all right again (10:00–11:40)"
    );
    assert!(
        lines[1].ends_with("no longer checked (10:00–11:40)"),
        "{text}"
    );
}

#[test]
fn every_rule_has_a_sentence_in_both_languages() {
    for kind in RuleKind::ALL {
        let part = ScopePart::Host("crm.example.org\u{1b}[31m".to_owned());
        let finding = finding(
            kind,
            Some(part),
            &[("reason", FigureValue::Text("x\ny".into()))],
        );
        for language in [Language::Russian, Language::English] {
            let said = sentence(&finding, language);
            assert!(
                !said.is_empty() && !said.contains(['\u{1b}', '\n']),
                "{said}"
            );
        }
    }
}
