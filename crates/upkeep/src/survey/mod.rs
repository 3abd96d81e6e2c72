//! One look at an enterprise's folder, for rotation and for the doctor: what lies there by its name, and what can
//! be told of a log file without reading all of it.
//!
//! Here is what both want to know. Who may still add to a file and what its archive holds, `rotate` finds out
//! itself; samples of text, secrets and names of others, `doctor`.

pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod names;
pub(crate) mod times;
