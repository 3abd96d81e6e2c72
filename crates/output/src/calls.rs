//! Calls in progress: one row per call, or per change of a call.

use unicode_width::UnicodeWidthStr;

use super::layout::fit;
use super::{Clock, People, style, words};
use calltrace_model::call::{CallState, Phase, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::sanitise::sanitise;

/// The usual width of who calls whom.
const PARTIES_WIDTH: usize = 34;

/// A call at one time.
#[derive(Debug, Clone, Copy)]
pub struct CallMoment<'c> {
    /// The enterprise.
    pub enterprise: &'c str,
    /// The call as far as it is known.
    pub summary: &'c Summary,
    /// Its state.
    pub state: &'c CallState,
    /// The time since when it has this state.
    pub since: Stamp,
    /// Names of the enterprise's parties.
    pub people: &'c People,
}

/// A line of a board as it is printed.
#[derive(Debug, Clone)]
pub struct CallLine {
    /// The text with colours, without a newline.
    pub text: String,
    /// How many columns it takes.
    pub columns: usize,
}

/// How calls are shown.
#[derive(Debug, Clone, Copy)]
pub struct CallRows {
    /// Formats times.
    pub clock: Clock,
    /// Columns of the enterprise's name; `None` if only one can appear.
    pub name_width: Option<usize>,
}

impl CallRows {
    /// One line without a newline: the time, the enterprise, the direction, who calls whom, the state, the id.
    pub fn line(&self, row: &CallMoment<'_>) -> String {
        let name = match self.name_width {
            Some(width) => format!("{:<width$}  ", row.enterprise),
            None => String::new(),
        };
        let parties = match row.state.phase {
            Phase::Arriving => row.people.party(&row.summary.client),
            _ => words::parties(row.summary, row.people),
        };
        let direction = words::short_direction(row.summary.direction);
        let id = format!("  {}", sanitise(row.summary.main_uid.as_bytes()));
        format!(
            "{}  {}{}{}  {}{}",
            self.clock.time(row.since),
            style::named(row.enterprise.as_bytes(), &name),
            style::faint(&format!("{direction:<3}  ")),
            fit(&parties, PARTIES_WIDTH.max(parties.width())),
            colour(row.state.phase, &state_text(row, None, row.people)),
            style::named(row.summary.main_uid.as_bytes(), &id),
        )
    }
}

pub(super) fn colour(phase: Phase, text: &str) -> String {
    match phase {
        Phase::Arriving | Phase::Ringing | Phase::Lost => style::doubtful(text),
        Phase::Answered | Phase::Transferred => style::good(text),
        Phase::Ended => text.to_owned(),
        Phase::Missed => style::bad(text),
    }
}

/// How long a call has been in its state, in whole seconds: tenths would only flicker.
pub(super) fn lasted(row: &CallMoment<'_>, now: Stamp) -> String {
    words::duration(now.since(row.since).max(1000))
}

/// `ringing 150, 151`, `answered by 151 after 12s`, `ended, 151 talked 2m15s`; with a time `now` also how long that
/// has lasted.
pub(super) fn state_text(row: &CallMoment<'_>, now: Option<Stamp>, people: &People) -> String {
    let state = row.state;
    let who: Vec<String> = state.who.iter().map(|who| people.party(who)).collect();
    let who = who.join(", ");
    let after = |what: String| match state.millis {
        Some(millis) => format!("{what} after {}", words::duration(millis)),
        None => what,
    };
    let lasted = now.map(|now| lasted(row, now));
    let lasting = |what: String, how: &str| match &lasted {
        Some(lasted) => format!("{what}{how}{lasted}"),
        None => what,
    };
    match state.phase {
        Phase::Arriving => lasting("comes in".to_owned(), " for "),
        Phase::Ringing => lasting(format!("ringing {who}"), " for "),
        Phase::Answered if who.is_empty() => lasting(after("answered".to_owned()), ", talking "),
        Phase::Answered => lasting(after(format!("answered by {who}")), ", talking "),
        Phase::Transferred => lasting(format!("transferred to {who}"), ", talking "),
        Phase::Ended => {
            let talked = state
                .millis
                .map(|millis| format!(" {}", words::duration(millis)));
            let talked = format!("{who} talked{}", talked.unwrap_or_default());
            format!("ended, {}", talked.trim_start())
        }
        Phase::Missed => after(words::outcome(row.summary).to_owned()),
        Phase::Lost => "no end logged".to_owned(),
    }
}
