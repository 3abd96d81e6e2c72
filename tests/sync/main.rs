//! Events that hosts and services say they sent, compared with those that arrived: local journals, journals over ssh,
//! `sync`, `compare`.

mod compare;
mod compare_day;
mod compare_follow;
mod compare_inputs;
mod databases;
mod day;
mod fetching;
mod journals;
#[allow(dead_code, reason = "the tests of pages use the rest")]
#[path = "../web/postgres.rs"]
mod postgres;
mod recovering;
mod sent_day;
mod served;
mod ssh_answers;
mod ssh_logins;
