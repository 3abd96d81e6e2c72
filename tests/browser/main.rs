//! The pages in a real browser.

mod browsing;
mod hostile_trees;
mod pages;
mod scenes;
mod stats;
