//! The body of an event in a canonical form, so that equal bodies have equal texts.

use serde_json::{Map, Value};

use crate::record::{json, text};

/// The body of an event. Two bodies are equal if their JSON has the same content. White space, the order of
/// keys, the way characters are escaped, and keys that begin with `_` (which a receiver adds) make no
/// difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct EventBody {
    /// The JSON with sorted keys; the text unchanged, if it is not a JSON object.
    canonical: Box<str>,
    is_whole: bool,
}

/// A field in which two bodies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The name of the field.
    pub field: String,
    /// The value in the sender's body; `None` if the field is missing.
    pub sent: Option<Value>,
    /// The value in the receiver's body; `None` if the field is missing.
    pub received: Option<Value>,
}

impl EventBody {
    /// Reads a body. A text that is not a JSON object, for instance a truncated one, is kept as text.
    pub fn parse(text: &str) -> EventBody {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(fields) => EventBody {
                canonical: Value::Object(sorted(fields)).to_string().into(),
                is_whole: true,
            },
            Err(_) => EventBody {
                canonical: text.trim().into(),
                is_whole: false,
            },
        }
    }

    /// The JSON of the body with sorted keys, on one line. It contains the Token.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether the body is unknown: the sender noted that it sent an event, but not its content. This is the
    /// default.
    pub fn is_unknown(&self) -> bool {
        self.canonical.is_empty()
    }

    /// Whether the body is a whole JSON object.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The fields. A truncated object gives the fields before the cut; a body that is not an object gives
    /// none.
    pub fn fields(&self) -> Map<String, Value> {
        serde_json::from_str(&self.canonical).unwrap_or_else(|_| {
            let fields = json::Fields::new(self.canonical.as_bytes());
            let value = |value: json::Value<'_>| match value {
                json::Value::Nested(raw) | json::Value::Scalar(raw) => {
                    serde_json::from_slice(raw).unwrap_or_else(|_| Value::String(text(raw)))
                }
                string => Value::String(text(&string.text())),
            };
            fields.map(|(key, raw)| (text(key), value(raw))).collect()
        })
    }

    /// The fields in which the two bodies differ, sorted by name. Empty if the bodies are equal, or differ
    /// only after the place where one is cut off.
    pub fn differences(&self, received: &EventBody) -> Vec<Difference> {
        if self == received {
            return Vec::new();
        }
        let (sent, mut received) = (self.fields(), received.fields());
        let mut differences: Vec<Difference> = Vec::new();
        for (field, value) in sent {
            let other = received.remove(&field);
            if other.as_ref() != Some(&value) {
                differences.push(Difference {
                    field,
                    sent: Some(value),
                    received: other,
                });
            }
        }
        differences.extend(received.into_iter().map(|(field, value)| Difference {
            field,
            sent: None,
            received: Some(value),
        }));
        differences.sort_by(|a, b| a.field.cmp(&b.field));
        differences
    }

    /// The id of the event: its UniqueId, or the id of its bridge if that is empty. Empty if it has neither.
    pub fn id(&self) -> String {
        let ids = ["UniqueId", "BridgeUniqueid"].into_iter();
        ids.filter_map(|key| self.text_of(key))
            .find(|id| !id.is_empty())
            .unwrap_or_default()
    }

    /// A field as text, or its JSON if it is not a string. `None` if the field is missing.
    pub fn text_of(&self, field: &str) -> Option<String> {
        json::Fields::new(self.canonical.as_bytes())
            .find(|(key, _)| *key == field.as_bytes())
            .map(|(_, value)| text(&value.text()))
    }
}

/// The fields sorted by name, also within nested objects, without the fields that a receiver adds.
fn sorted(fields: Map<String, Value>) -> Map<String, Value> {
    let mut fields: Vec<(String, Value)> = fields
        .into_iter()
        .filter(|(key, _)| !key.starts_with('_'))
        .map(|(key, value)| (key, sorted_value(value)))
        .collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields.into_iter().collect()
}

fn sorted_value(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(sorted(fields)),
        Value::Array(items) => Value::Array(items.into_iter().map(sorted_value).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_order_escapes_and_added_keys_make_no_difference() {
        let host = r#"{"UniqueId": "1.2", "Name": "\u0410", "Extensions": ["151"], "CallType": 0}"#;
        let log = r#"{"CallType":0,"Extensions":["151"],"Name":"А","UniqueId":"1.2","_enterprise_number":"0367"}"#;
        assert_eq!(EventBody::parse(host), EventBody::parse(log));
        assert_eq!(EventBody::parse(host).id(), "1.2");
    }

    #[test]
    fn types_and_the_order_of_lists_do_make_one() {
        for (a, b) in [
            (r#"{"CallType":0}"#, r#"{"CallType":"0"}"#),
            (r#"{"E":["1","2"]}"#, r#"{"E":["2","1"]}"#),
            (r#"{"E":["1"]}"#, r#"{"E":["1"],"F":""}"#),
            ("{\"E\":[\"1\"", "{\"E\":[\"1\"]}"),
        ] {
            assert_ne!(EventBody::parse(a), EventBody::parse(b), "{a} {b}");
        }
    }

    #[test]
    fn fields_that_differ_are_named() {
        let sent = EventBody::parse(r#"{"A":1,"B":"x","C":null}"#);
        let received = EventBody::parse(r#"{"B":"y","A":1,"D":2}"#);
        let fields: Vec<String> = sent
            .differences(&received)
            .into_iter()
            .map(|difference| difference.field)
            .collect();
        assert_eq!(fields, ["B", "C", "D"]);
    }

    #[test]
    fn an_event_without_a_channel_is_known_by_its_bridge() {
        let body = EventBody::parse(r#"{"UniqueId":"","BridgeUniqueid":"b-1"}"#);
        assert_eq!(body.id(), "b-1");
        assert_eq!(EventBody::parse("[1]").id(), "");
    }

    #[test]
    fn a_truncated_body_has_the_fields_before_the_cut() {
        let torn = EventBody::parse(r#"{"UniqueId":"1.2","E":["1"],"N":0,"Phone":"37529"#);
        assert!(!torn.is_whole() && !torn.is_unknown());
        assert_eq!(torn.id(), "1.2");
        let whole =
            EventBody::parse(r#"{"UniqueId":"1.2","E":["1"],"N":0,"Phone":"375290001234"}"#);
        let fields: Vec<String> = whole
            .differences(&torn)
            .into_iter()
            .map(|difference| difference.field)
            .collect();
        assert_eq!(fields, ["Phone"]);
    }
}
