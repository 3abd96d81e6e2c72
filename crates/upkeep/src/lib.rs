//! What keeps a log tree as it should be: [`rotate`] seals, compresses, indexes and expires; [`doctor`] says what
//! is wrong.

pub mod doctor;
pub mod rotate;
