//! Calls that the service makes itself: one record per event, which says how that went and not what it said.

use calltrace_model::sighting::{Delivery, EventBody};

use super::super::seen::{Names, Seen};
use super::super::{Complaint, Reading};
use super::words::{delivery_of, delivery_of_status};

/// Whether the record is one of these.
pub(super) fn record(seen: &Seen<'_>, names: &mut Names, out: &mut Reading) -> bool {
    let text = seen.text();
    if text.starts_with("❌ Call simulation failed: ") {
        out.complaints.push(Complaint {
            at_millis: seen.at_millis,
            seen_at: seen.place.line(seen.record.line),
            text: text.to_owned(),
            id: None,
        });
        return true;
    }
    let Some((event, delivery)) = outcome(text) else {
        return false;
    };
    let mut sighting = seen.sighting(names.of(event), EventBody::default());
    sighting.delivery = delivery;
    out.sent.push(sighting);
    true
}

fn outcome(text: &str) -> Option<(&str, Delivery)> {
    let sent = text
        .strip_prefix("✅ Event ")
        .and_then(|text| text.strip_suffix(" sent successfully"));
    let refused = || {
        let (event, status) = text
            .strip_prefix("❌ Event ")?
            .split_once(" failed: HTTP ")?;
        Some((event, delivery_of_status(status)))
    };
    let failed = || {
        let (event, error) = text.strip_prefix("❌ Error sending ")?.split_once(": ")?;
        Some((event, delivery_of(error)))
    };
    // The service knows four of the eight types.
    let unknown = || {
        Some((
            text.strip_prefix("Unknown event type: ")?,
            Delivery::NotTried,
        ))
    };
    sent.map(|event| (event, Delivery::Accepted))
        .or_else(refused)
        .or_else(failed)
        .or_else(unknown)
}
