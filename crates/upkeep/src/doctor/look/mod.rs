//! What is examined besides each log file by itself.

pub(super) mod duplicates;
pub(super) mod foreign;
pub(super) mod tables;
