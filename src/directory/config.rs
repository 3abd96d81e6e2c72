//! What the settings say of who is who.

/// The embedded directory and the sources beside it.
#[derive(Debug, Clone, Default)]
pub struct Config {}
