//! Calls that the service makes itself: one record per event, with its result and without its body.

use calltrace_model::sighting::{Delivery, EventBody};

use super::super::placed::{EventNames, PlacedRecord};
use super::super::{Complaint, LogContents};
use super::words::{delivery_of, delivery_of_status};

/// Handles the record; returns whether it is of this kind.
pub(super) fn record(
    seen: &PlacedRecord<'_>,
    names: &mut EventNames,
    out: &mut LogContents,
) -> bool {
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
