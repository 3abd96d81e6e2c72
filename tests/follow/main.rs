//! `tail` and its basis: files that grow, rotate and shrink.

mod follow_disk;
mod follow_model;
mod model;
mod tail_captures;
mod tail_cli;
mod tail_follow;
mod tail_limits;
mod tail_links;
mod tail_rotation;
mod tail_screen;
mod tail_torture;
mod tailing;
