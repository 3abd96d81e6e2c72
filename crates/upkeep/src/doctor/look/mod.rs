//! What is looked at besides each file by itself.

pub(super) mod duplicates;
pub(super) mod foreign;
pub(super) mod tables;
