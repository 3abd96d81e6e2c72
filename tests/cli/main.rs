//! The command line: words, help, completion, settings, and what is written about it all.

mod callbacks;
mod commands;
mod completions;
mod damage;
mod docs;
mod export;
mod exporting;
mod first_steps;
mod guesses;
mod language;
mod lines;
mod manual;
mod odd_cells;
mod other_files;
mod parquet;
mod pictures;
mod prose;
mod readme;
mod recovered;
mod rooms;
mod shells;
mod stats;
mod stats_truth;
mod story;
mod terminal;
mod times;
