//! The files of a log tree: their names and generations, plain, gzip and BGZF behind one reader, scans on all
//! threads, and indexes beside them.

pub mod error;
pub mod fsx;
pub mod index;
pub mod scan;
pub mod source;
pub mod tree;
