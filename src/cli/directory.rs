//! `[enterprises]`, `[people]`, `[postgres]` and `[metadata]` of the settings.

use toml::Table;

use crate::directory::Config;

/// Takes over what the table `key` says.
pub(super) fn read_directory(_config: &mut Config, key: &str, _table: Table) -> Result<(), String> {
    Err(format!("[{key}] is not read yet"))
}
