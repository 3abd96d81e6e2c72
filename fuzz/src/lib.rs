//! Mutated inputs for everything that calltrace reads from files.
//!
//! A target uses bytes as one of these files, asks questions over it, and reports what went wrong: an answer that
//! differs from the plain scan, or a panic. Mutations come from a seed, so each run can be repeated.
//!
//! The mutations know the formats (checksums are repaired, numbers become their limits) and are not
//! guided by coverage. libFuzzer does run with a stable compiler (`-Cpasses=sancov-module`), but every
//! crate must be built again with it, and most questions here take milliseconds and files: in the same
//! ten minutes the knowledge of checksums reaches more code than guidance by coverage does.

mod mutate;
mod targets;
mod world;

pub use mutate::{Mutator, Random};
pub use targets::{Failure, Target, names, target};
