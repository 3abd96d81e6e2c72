//! `calltrace serve` and `calltrace link` as typed, and `[serve]` of the settings.

use toml::Table;

/// `[serve]` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeSettings {}

impl ServeSettings {
    /// Takes over what a table says.
    pub(super) fn read(&mut self, _table: Table) -> Result<(), String> {
        Err("[serve] is not read yet".to_owned())
    }
}
