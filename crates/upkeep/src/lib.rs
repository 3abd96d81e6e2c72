//! Maintenance of a log tree: [`rotate`] seals, compresses, indexes and expires logs; [`ship`] copies sealed days to
//! object storage; [`doctor`] reports what is wrong. All read a folder through `survey`. [`recovered`] adds lines that never arrived, under the lock of
//! rotations, which is in `.calltrace` (`own`).

pub mod doctor;
pub mod recovered;
pub mod rotate;
pub mod ship;

mod own;
pub mod state_file;
mod survey;
