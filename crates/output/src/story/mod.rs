//! The steps of a call as sentences for people: in a terminal, as a ladder, and as a file for a ticket.
//!
//! [`calltrace_model::call::Story`] finds out what happened; this module adds words, names and a form.
//! `phrases` holds the words of pages as well, and [`Teller`] is how a page puts its own names into them.

mod arrows;
pub(crate) mod events;
mod html;
mod ladder;
mod phrases;
mod telling;
mod terminal;
mod text;
mod wording;

pub use events::event;
pub use html::write_html;
pub use ladder::write_ladder;
pub(crate) use phrases::counted;
pub use phrases::{Voice, fault, form, stage};
pub use telling::Teller;
pub use terminal::write_story;
pub use text::{write_markdown, write_mermaid};

use super::{Clock, People, Secrets};
use calltrace_engine::{Trace, TracedCall};
use calltrace_model::call::{Fault, Story};
use calltrace_model::record::Stamp;

/// A call with everything that is shown of it.
pub struct StoryView<'t> {
    trace: &'t Trace,
    call: &'t TracedCall,
    clock: &'t Clock,
    people: &'t People,
    story: Story,
    faults: Vec<Fault>,
    secrets: Secrets,
}

impl<'t> StoryView<'t> {
    /// Describes the call of a trace; `now` is the current time.
    pub fn of(
        trace: &'t Trace,
        call: &'t TracedCall,
        clock: &'t Clock,
        people: &'t People,
        now: Stamp,
    ) -> StoryView<'t> {
        StoryView {
            trace,
            call,
            clock,
            people,
            story: Story::of(&call.facts, &call.summary),
            faults: Fault::all(&call.facts, &call.summary, now),
            secrets: Secrets::of_call(call),
        }
    }
}
