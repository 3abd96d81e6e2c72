//! What keeps a log tree as it should be: [`rotate`] seals, compresses, indexes and expires; [`doctor`] says what
//! is wrong. Both look at a folder through `survey`.

pub mod doctor;
pub mod rotate;

mod survey;
