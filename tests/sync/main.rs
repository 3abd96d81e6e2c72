//! What hosts say they sent: their journals, here and over ssh.

mod asking;
mod day;
mod journals;
mod recovering;
mod served;
mod ssh_answers;
mod ssh_logins;
