//! What keeps a log tree as it should be: [`rotate`] seals, compresses, indexes and expires; [`doctor`] says what
//! is wrong. Both look at a folder through `survey`. [`recovered`] adds lines that never arrived, under the lock of
//! rotations, which is in the folder for what is ours (`own`).

pub mod doctor;
pub mod recovered;
pub mod rotate;

pub mod kept;
mod own;
mod survey;
