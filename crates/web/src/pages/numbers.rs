//! The number of calls and their outcomes, in one line.

use maud::{Markup, html};

use super::Language;
use super::row::look_of;
use calltrace_model::call::Outcome;
use calltrace_model::stats::Outcomes;

/// Draws `143 звонка: 120 принято, 23 пропущено`; each number links to its calls.
pub(super) fn numbers(l: Language, total: Outcomes, link: &dyn Fn(Outcome) -> String) -> Markup {
    let words = [
        l.of("с ответом", "answered"),
        l.of("пропущено", "missed"),
        l.of("недозвон", "not reached"),
        l.of("занято", "busy"),
        l.of("идёт сейчас", "in progress"),
        l.of("без конца", "without an end"),
    ];
    html! {
        p.numbers {
            strong { (l.count(total.all(), ["звонок", "звонка", "звонков"], ["call", "calls"])) }
            @for (outcome, word) in Outcome::ALL.into_iter().zip(words) {
                @let count = total.of(outcome);
                @let (class, mark) = look_of(outcome);
                @if count > 0 {
                    " "
                    a class=(class) href=(link(outcome)) {
                        span aria-hidden="true" { (mark) " " } (l.number(count)) " " (word)
                    }
                }
            }
        }
    }
}
