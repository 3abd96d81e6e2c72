//! What hosts say they sent: their journals, here and over ssh.

mod asking;
mod journals;
mod ssh_answers;
mod ssh_logins;
