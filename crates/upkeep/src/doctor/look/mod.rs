//! The examinations that concern more than one log file.

pub(super) mod duplicates;
pub(super) mod foreign;
pub(super) mod tables;
