//! Other calls of the same client, for visitors who may see them.

use maud::{Markup, html};

use super::PageContext;
use super::people::PageNames;
use calltrace_model::call::{Direction, Summary};

/// Another call of the client, with its link.
#[derive(Debug)]
pub struct OtherCall {
    /// The call.
    pub summary: Summary,
    /// The link to its page.
    pub link: String,
}

/// Lists the calls, newest first; draws nothing if there are none.
pub(super) fn others(context: &PageContext, calls: &[OtherCall], people: &PageNames<'_>) -> Markup {
    let l = context.language;
    html! {
        @if !calls.is_empty() {
            section.others #others {
                h2 { (l.of("Другие звонки этого клиента", "Other calls of this client")) }
                ul {
                    @for call in calls {
                        @let s = &call.summary;
                        @let moment = context.clock.moment(s.first);
                        li {
                            a href=(call.link) {
                                time datetime=(context.clock.rfc3339(s.first)) { (l.day(moment.date_naive())) ", " (moment.format("%H:%M").to_string()) }
                                " · " (l.way(s.direction)) " · " (l.outcome(s.outcome, Some(s.direction)))
                                @if let Some(who) = ours(s) { " · " (people.text(who)) }
                                @if let Some(talk) = s.talk_millis { " · " (l.duration(talk)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the extension that answered, or called.
fn ours(s: &Summary) -> Option<&str> {
    match s.direction {
        Direction::Outgoing => s.rang.first().map(String::as_str),
        _ => s.answered_by.as_deref(),
    }
}
