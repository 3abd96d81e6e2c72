//! What hosts and services say they sent, against what arrived: journals here and over ssh, `sync`, `compare`.

mod asking;
mod compare;
mod compare_day;
mod compare_follow;
mod compare_inputs;
mod databases;
mod day;
mod journals;
#[allow(dead_code, reason = "the tests of pages use the rest")]
#[path = "../web/postgres.rs"]
mod postgres;
mod recovering;
mod sent_day;
mod served;
mod ssh_answers;
mod ssh_logins;
