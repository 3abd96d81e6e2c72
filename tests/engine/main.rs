//! What the engine answers: lines, calls and pictures, with every form of file, index and memory.

mod equivalence;
mod floods;
mod forged;
mod fuzzed;
mod generated_tree;
mod generator_is_deterministic;
mod holes;
mod indexes;
mod indexing;
mod lanes;
mod live;
mod live_model;
mod living;
mod now;
mod real_asterisk;
mod records;
mod sample_tree;
mod whole;
