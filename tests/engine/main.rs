//! What the engine answers: lines, calls and pictures, with every form of file, index and memory.

mod equivalence;
mod faults;
mod floods;
mod forged;
mod fuzzed;
mod generated_tree;
mod generator_is_deterministic;
mod holes;
mod indexes;
mod indexing;
mod live;
mod live_model;
mod living;
mod long_run;
mod now;
mod real_asterisk;
mod records;
mod recovered;
mod rules;
mod sample_tree;
mod stories;
mod summer_time;
mod tables;
mod tables_odd;
mod told;
mod whole;
