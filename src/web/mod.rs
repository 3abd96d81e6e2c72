//! The pages behind the link in a Telegram message, over HTTP.
//!
//! `pages` makes HTML of what the engine and the directory said; it asks nothing and knows no
//! request.

pub mod pages;
