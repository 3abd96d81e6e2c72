//! The files of a log tree: names and generations; one reader for plain, gzip and BGZF files; scans
//! on all threads; and the indexes next to the files.

#![allow(
    missing_docs,
    reason = "a field or variant with a plain name needs no comment"
)]

pub mod error;
pub mod fsx;
pub mod index;
pub mod object;
pub mod scan;
pub mod secret;
pub mod source;
pub mod tree;
