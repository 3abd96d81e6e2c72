//! What a finding says, as a clause without its time and place.

use super::figures::{client, count, length, part, percent, reason, times};
use crate::finding::{CheckFinding, RuleKind};
use calltrace_output::Language;

/// The clause that tells a finding: `пропущено 12 из 20 звонков (60 %), в 3,0 раза больше обычного`.
pub(super) fn sentence(finding: &CheckFinding, language: Language) -> String {
    let count = |name: &str| count(finding, name);
    let percent = |name: &str| percent(finding, name, language);
    let length = |name: &str| length(finding, name, language).unwrap_or_default();
    let (part, share) = (part(finding), percent("share"));
    match (finding.kind, language) {
        (RuleKind::MissedShare, Language::Russian) => {
            let usual = match times(finding, language) {
                Some(times) => format!("в {times} раза больше обычного"),
                None => "обычно не пропускают".to_owned(),
            };
            let calls = language.count(count("calls"), ["звонка", "звонков", "звонков"], ["", ""]);
            format!(
                "пропущено {} из {calls} ({share}), {usual}",
                count("missed")
            )
        }
        (RuleKind::MissedShare, Language::English) => {
            let usual = match times(finding, language) {
                Some(times) => format!("{times} times the usual"),
                None => "usually none are".to_owned(),
            };
            format!(
                "{} of {} calls missed ({share}), {usual}",
                count("missed"),
                count("calls")
            )
        }
        (RuleKind::Silent, Language::Russian) => {
            let calls = count("usual_calls");
            let usual = match calls {
                0 => String::new(),
                n => format!(
                    ", обычно за это время {}",
                    language.count(n, ["звонок", "звонка", "звонков"], ["", ""])
                ),
            };
            format!("нет звонков {}{usual}", length("silent"))
        }
        (RuleKind::Silent, Language::English) => {
            let calls = count("usual_calls");
            let usual = match calls {
                0 => String::new(),
                n => format!(
                    ", usually {} in this time",
                    language.count(n, ["", "", ""], ["call", "calls"])
                ),
            };
            format!("no call for {}{usual}", length("silent"))
        }
        (RuleKind::NotCalledBack, _) => language.of(
            format!("не перезвонили клиенту {}", client(finding)),
            format!("{} was not called back", client(finding)),
        ),
        (RuleKind::NoHangup, Language::Russian) => {
            let calls = language.count(count("calls"), ["звонок", "звонка", "звонков"], ["", ""]);
            format!(
                "{calls} без завершения, самый старый начался {} назад",
                length("oldest")
            )
        }
        (RuleKind::NoHangup, Language::English) => {
            let calls = language.count(count("calls"), ["", "", ""], ["call", "calls"]);
            format!(
                "{calls} without a hangup, the oldest began {} ago",
                length("oldest")
            )
        }
        (RuleKind::CallFaults, _) => language.of(
            format!(
                "{part}: {} из {} звонков ({share})",
                count("faulty"),
                count("calls")
            ),
            format!(
                "{part}: {} of {} calls ({share})",
                count("faulty"),
                count("calls")
            ),
        ),
        (RuleKind::FailedRequests, _) => language.of(
            format!(
                "запросы к {part}: ошибок {} из {} ({share})",
                count("failed"),
                count("requests")
            ),
            format!(
                "requests to {part}: {} of {} failed ({share})",
                count("failed"),
                count("requests")
            ),
        ),
        (RuleKind::SlowRequests, _) => language.of(
            format!(
                "запросы к {part}: {} из {} ({share}) дольше {}",
                count("slow"),
                count("requests"),
                length("over")
            ),
            format!(
                "requests to {part}: {} of {} ({share}) take longer than {}",
                count("slow"),
                count("requests"),
                length("over")
            ),
        ),
        (RuleKind::NameService, _) => language.of(
            format!("служба имён: {}", reason(finding)),
            format!("the service of names: {}", reason(finding)),
        ),
        (RuleKind::MissingEvents, _) if finding.figure("unread").is_some() => language.of(
            format!("журналы не сверялись {}", length("unread")),
            format!("journals were not compared for {}", length("unread")),
        ),
        (RuleKind::MissingEvents, _) => language.of(
            format!(
                "не дошло {} из {} событий ({share})",
                count("missing"),
                count("events")
            ),
            format!(
                "{} of {} events did not arrive ({share})",
                count("missing"),
                count("events")
            ),
        ),
        (RuleKind::Doctor, _) => format!("calltrace doctor: {part}: {}", reason(finding)),
    }
}

/// What a finding is about, in a word or two: for the message that it is over.
pub(super) fn topic(finding: &CheckFinding, language: Language) -> String {
    let part = part(finding);
    match finding.kind {
        RuleKind::MissedShare => language.text("пропущенные звонки", "missed calls"),
        RuleKind::Silent => language.text("звонки", "calls"),
        RuleKind::NotCalledBack => client(finding),
        RuleKind::NoHangup => language.text("звонки без завершения", "calls without a hangup"),
        RuleKind::CallFaults => part,
        RuleKind::FailedRequests | RuleKind::SlowRequests => {
            language.of(format!("запросы к {part}"), format!("requests to {part}"))
        }
        RuleKind::NameService => language.text("служба имён", "the service of names"),
        RuleKind::MissingEvents => language.text("события", "events"),
        RuleKind::Doctor => format!("calltrace doctor: {part}"),
    }
}
