//! The file system: what a file is, and every operation that changes it.
//!
//! Files are opened through a [`Folder`], by name, with the [`FolderRights`] of its owner; [`WalkedPath`] says who
//! else decides what a path leads to. What *changes* a folder goes through [`DiskOps`], one method a
//! system call, so that a test can stop after any of them; the real ones are [`Disk`]'s. A [`DraftFile`] is
//! a file that is put in place at once, by operations; [`append`] adds a line to one that others may add to. Further there are [`FileIdentity`], the [`Lease`] that
//! proves that no process has a file open for writing, and the [`Lock`] that keeps two rotations apart.
//! [`Holders`] are the processes that have files open, `descriptors` is how many this one may, [`Volume`] is the room there is. Nothing here knows
//! what a log is.

mod accounts;
pub mod append;
mod descriptors;
mod disk;
mod draft;
mod folder;
mod holders;
mod identity;
mod lease;
mod link;
mod lock;
mod not_a_file;
mod ops;
mod rights;
mod trust;
mod volume;
mod wall_clock;

pub use accounts::Accounts;
pub use descriptors::{is_out_of_descriptors, out_of_descriptors, raise_descriptor_limit};
pub use disk::{Disk, collapse_unit};
pub use draft::DraftFile;
pub use folder::{Folder, Purpose, read_small};
pub use holders::{DeletedFile, Holders, WriterProcess, list_writers};
pub use identity::{FileIdentity, modified_nanos};
pub use lease::Lease;
pub use link::Link;
pub use lock::Lock;
pub use not_a_file::{NotAFile, refuse_holes};
pub use ops::{Access, DiskOps, OpsWriter, give};
pub use rights::FolderRights;
pub use trust::{UntrustedStep, WalkedPath};
pub use volume::{Volume, may_write};
pub use wall_clock::WallClock;
