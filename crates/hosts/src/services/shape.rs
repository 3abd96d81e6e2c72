//! Which type of event a body may be of, by its keys: what tells the parts of interleaved records apart.

use calltrace_model::sighting::EventBody;

/// Whether an event of this type may have such a body. Types that nobody knows may have any.
pub(super) fn fits(event: &str, body: &EventBody) -> bool {
    let has = |key: &str| body.text_of(key).is_some();
    let of_call = has("Phone") || has("CallType");
    let is_hangup = has("CallStatus") || has("EndTime") || has("DateReceived");
    let of_bridge = has("BridgeUniqueid");
    match event {
        "start" => of_call && !is_hangup && !has("Extensions"),
        "dial" => of_call && !is_hangup && has("Extensions"),
        "hangup" => is_hangup,
        // An old host's bridge names no bridge.
        "bridge" => has("Channel") && !has("Context") && !has("BridgeNumChannels"),
        "bridge_leave" => of_bridge && has("Channel") && !has("Context"),
        "bridge_create" | "bridge_destroy" => of_bridge && !has("Channel"),
        "new_callerid" => has("Context"),
        _ => true,
    }
}

/// Whether it is an event's body at all.
pub(super) fn is_event(body: &EventBody) -> bool {
    ["UniqueId", "BridgeUniqueid", "CallType"]
        .iter()
        .any(|key| body.text_of(key).is_some())
}
