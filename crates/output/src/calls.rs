//! Calls as they go on: one row a call, or a change of one.

use unicode_width::UnicodeWidthStr;

use super::layout::{cut, fit};
use super::number::phone;
use super::{Clock, style, words};
use calltrace_model::call::{Phase, State, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::sanitise::sanitise;

/// Who calls whom, usually.
const PARTIES_WIDTH: usize = 34;
/// In a terminal that is narrower the direction is left out.
const DIRECTION_WIDTH: usize = 80;
/// In one that is narrower than this only who calls, and the state, which says for how long.
const NARROW_WIDTH: usize = 64;

/// A call at one time.
#[derive(Debug, Clone, Copy)]
pub struct CallRow<'c> {
    /// Whose.
    pub enterprise: &'c str,
    /// What is known of it.
    pub summary: &'c Summary,
    /// Where it stands.
    pub state: &'c State,
    /// Since when it has stood there.
    pub since: Stamp,
}

/// A row as it is printed.
#[derive(Debug, Clone)]
pub struct CallLine {
    /// Its text with colours, without a newline.
    pub text: String,
    /// Columns that it takes.
    pub columns: usize,
}

/// How calls are shown.
#[derive(Debug, Clone, Copy)]
pub struct CallRows {
    /// Of times.
    pub clock: Clock,
    /// Columns of the enterprise's name; `None` where only one can appear.
    pub name_width: Option<usize>,
}

impl CallRows {
    /// One line without a newline: since when, whose, which way, who calls whom, the state, the id.
    ///
    /// With a time `now` it says how long the state has lasted. In a small `width` the parties give way,
    /// in a very small one the time and the id.
    pub fn line(&self, row: &CallRow<'_>, now: Option<Stamp>, width: Option<usize>) -> CallLine {
        let is_narrow = width.is_some_and(|width| width < NARROW_WIDTH);
        let time = match is_narrow {
            true => String::new(),
            false => format!("{}  ", self.clock.time(row.since)),
        };
        let name = match self.name_width {
            Some(width) => format!("{:<width$}  ", row.enterprise),
            None => String::new(),
        };
        let direction = match width {
            Some(width) if width < DIRECTION_WIDTH => String::new(),
            _ => format!("{:<8}  ", words::direction(row.summary.direction)),
        };
        let id = match is_narrow {
            true => String::new(),
            false => format!("  {}", sanitise(row.summary.main_uid.as_bytes())),
        };
        let mut parties = match row.state.phase {
            _ if is_narrow => phone(&row.summary.client),
            Phase::Arriving => phone(&row.summary.client),
            _ => words::parties(row.summary, &super::People::default()),
        };
        let mut state = words(row, now);
        let others = time.width() + name.width() + direction.width() + 2 + id.width();
        let room = width.map(|width| width.saturating_sub(others));
        let usual = match is_narrow {
            true => parties.width(),
            false => PARTIES_WIDTH.max(parties.width()),
        };
        let wanted = room.map_or(usual, |room| {
            let left = room.saturating_sub(state.width());
            let least = if is_narrow { room * 2 / 3 } else { room / 3 };
            usual.min(left.max(least))
        });
        parties = fit(&parties, wanted);
        if let Some(room) = room {
            state = cut(&state, room.saturating_sub(wanted));
        }
        CallLine {
            columns: others + parties.width() + state.width(),
            text: format!(
                "{time}{}{}{parties}  {}{}",
                style::named(row.enterprise.as_bytes(), &name),
                style::faint(&direction),
                colour(row.state.phase, &state),
                style::named(row.summary.main_uid.as_bytes(), &id),
            ),
        }
    }
}

fn colour(phase: Phase, text: &str) -> String {
    match phase {
        Phase::Arriving | Phase::Ringing | Phase::Lost => style::doubtful(text),
        Phase::Answered | Phase::Transferred => style::good(text),
        Phase::Ended => text.to_owned(),
        Phase::Missed => style::bad(text),
    }
}

/// `ringing 150, 151`, `answered by 151 after 12s`, `ended, 151 talked 2m15s`.
fn words(row: &CallRow<'_>, now: Option<Stamp>) -> String {
    let state = row.state;
    let who: Vec<String> = state.who.iter().map(|name| phone(name)).collect();
    let who = who.join(", ");
    let after = |what: String| match state.millis {
        Some(millis) => format!("{what} after {}", words::duration(millis)),
        None => what,
    };
    // Whole seconds: tenths would only flicker.
    let lasted = now.map(|now| words::duration(now.since(row.since).max(1000)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use calltrace_model::call::Fact;
    use calltrace_model::record::{LogZone, Record};
    use calltrace_model::record::{Place, Zone};

    #[test]
    fn a_row_fits_and_keeps_what_matters_most() {
        let text = b"2025-12-02 09:15:00,000|AST|dial|1764666900.61|{\"Phone\": \"375290001234\", \"Extensions\": [\"150\", \"151\"], \"CallType\": 0}";
        let place = Place {
            source: 0,
            offset: 0,
        };
        let facts = [Fact::of(&Record::parse(text), Stamp(0), place)];
        let summary = Summary::of(&facts).expect("a record");
        let (state, since) = State::latest(&facts).expect("a call");
        let rows = CallRows {
            clock: Clock {
                log: LogZone::default(),
                shown: Zone::UTC,
            },
            name_width: Some(4),
        };
        let row = CallRow {
            enterprise: "0367",
            summary: &summary,
            state: &state,
            since,
        };
        let now = since.plus_millis(12_345);
        for width in 34..130 {
            let line = rows.line(&row, Some(now), Some(width));
            let kept = match width < NARROW_WIDTH {
                true => "+375 29 000-12-34",
                false => "1764666900.61",
            };
            assert!(line.columns <= width, "{width}: {}", line.text);
            assert!(line.text.contains(kept), "{width}: {}", line.text);
            assert!(line.text.contains("ring"), "{width}: {}", line.text);
        }
        let wide = rows.line(&row, Some(now), Some(100));
        assert!(
            wide.text.contains("ringing 150, 151 for 12s"),
            "{}",
            wide.text
        );
    }
}
