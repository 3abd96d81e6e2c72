//! The file system: the identity of files, and every operation that changes them.
//!
//! Files are opened through a [`Folder`], by name, with the [`FolderRights`] of its owner;
//! [`WalkedPath`] finds other users who can change what a path leads to. Operations that *change* a
//! folder go through [`DiskOps`], one method per system call, so that a test can stop after any of
//! them; [`Disk`] is the real file system. A [`DraftFile`] is put in place at once; [`append`] adds
//! a line to a file that other processes may append to. A [`Lease`] proves that no process has a
//! file open for writing, and a [`Lock`] keeps two rotations apart. [`Holders`] are the processes
//! that have files open, `descriptors` is how many this process may open, [`Volume`] is the free
//! space. Nothing here knows what a log is.

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
