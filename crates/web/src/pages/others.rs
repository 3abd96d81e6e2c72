//! Other calls of the same client, for who may see them.

use maud::{Markup, html};

use super::Look;
use super::people::People;
use calltrace_model::call::{Direction, Summary};

/// Another call, with the link that opens it.
#[derive(Debug)]
pub struct OtherCall {
    /// What happened in it.
    pub summary: Summary,
    /// Where its page is.
    pub link: String,
}

/// A list, newest first; nothing for none.
pub(super) fn others(look: &Look, calls: &[OtherCall], people: &People<'_>) -> Markup {
    let l = look.language;
    html! {
        @if !calls.is_empty() {
            section.others #others {
                h2 { (l.of("Другие звонки этого клиента", "Other calls of this client")) }
                ul {
                    @for call in calls {
                        @let s = &call.summary;
                        @let moment = look.clock.moment(s.first);
                        li {
                            a href=(call.link) {
                                time datetime=(look.clock.rfc3339(s.first)) { (l.day(moment.date_naive())) ", " (moment.format("%H:%M").to_string()) }
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

/// The one of us who answered, or called.
fn ours(s: &Summary) -> Option<&str> {
    match s.direction {
        Direction::Outgoing => s.rang.first().map(String::as_str),
        _ => s.answered_by.as_deref(),
    }
}
