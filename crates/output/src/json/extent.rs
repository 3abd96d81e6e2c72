//! How much of what matches an answer shows.

use serde_json::{Map, Value, json};

/// How many match, and how many of them are shown.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// How many match in what was read.
    pub matches: usize,
    /// More may match: an answer of the newest reads no further than it must.
    pub may_match_more: bool,
    /// The most that are shown; 0 for all.
    pub limit: usize,
    /// There are more than are shown.
    pub is_cut: bool,
}

impl Extent {
    /// Adds the fields `total` (`null` if not all were counted), `total_at_least`, `limit` and
    /// `cut`.
    pub fn put(&self, fields: &mut Map<String, Value>) {
        let total = (!self.may_match_more).then_some(self.matches);
        fields.insert("total".to_owned(), json!(total));
        fields.insert("total_at_least".to_owned(), json!(self.matches));
        fields.insert("limit".to_owned(), json!(self.limit));
        fields.insert("cut".to_owned(), json!(self.is_cut));
    }
}
