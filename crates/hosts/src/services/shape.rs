//! Tells the possible type of an event from the keys of its body, to separate interleaved records.

use calltrace_model::sighting::EventBody;

/// Whether an event of this type may have such a body. An unknown type may have any.
pub(super) fn fits(event: &str, body: &EventBody) -> bool {
    let has = |key: &str| body.text_of(key).is_some();
    let of_call = has("Phone") || has("CallType");
    let is_hangup = has("CallStatus") || has("EndTime") || has("DateReceived");
    let of_bridge = has("BridgeUniqueid");
    match event {
        "start" => of_call && !is_hangup && !has("Extensions"),
        "dial" => of_call && !is_hangup && has("Extensions"),
        "hangup" => is_hangup,
        // Older hosts send bridges without their name.
        "bridge" => has("Channel") && !has("Context") && !has("BridgeNumChannels"),
        "bridge_leave" => of_bridge && has("Channel") && !has("Context"),
        "bridge_create" | "bridge_destroy" => of_bridge && !has("Channel"),
        "new_callerid" => has("Context"),
        _ => true,
    }
}

/// Whether it is the body of an event.
pub(super) fn is_event(body: &EventBody) -> bool {
    ["UniqueId", "BridgeUniqueid", "CallType"]
        .iter()
        .any(|key| body.text_of(key).is_some())
}
