//! The file system: what a file is, and every deed that changes it.
//!
//! Reading is done where it is needed. What *changes* a folder goes through [`Deeds`], one method a
//! system call, so that a test can stop after any of them; the real ones are [`Disk`]'s. Beside
//! them: [`FileIdentity`], the [`Lease`] that proves that nobody has a file open for writing, and the
//! [`Lock`] that keeps two rotations apart. [`Holders`] are those who have files open, [`Volume`] is
//! the room there is. Nothing here knows what a log is.

mod deeds;
mod disk;
mod holders;
mod identity;
mod lease;
mod lock;
mod volume;
mod wall_clock;

pub use deeds::{Access, DeedWriter, Deeds};
pub use disk::{Disk, collapse_unit};
pub use holders::{Deleted, Holders, Writer, list_writers};
pub use identity::FileIdentity;
pub use lease::Lease;
pub use lock::Lock;
pub use volume::{Volume, may_write};
pub use wall_clock::WallClock;
