//! Answers ssh when it asks for the password of a host (`SSH_ASKPASS`). The program sets a variable for the ssh that
//! it starts itself; the variable names the file with the password.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use calltrace_hosts::askpass::{VARIABLE, answer};

use super::{Exit, say};

/// Answers ssh if ssh started this process; `None` in an ordinary run.
pub fn askpass() -> Option<Exit> {
    let file = env::var_os(VARIABLE).filter(|file| !file.is_empty())?;
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let [question] = words.as_slice() else {
        return None;
    };
    match answer(&question.to_string_lossy(), Path::new(&file)) {
        Ok(password) => {
            // An error means that ssh has ended and needs no answer.
            let _ = writeln!(io::stdout(), "{password}");
            Some(Exit::Found)
        }
        Err(wrong) => {
            say(&format!("no password for ssh: {wrong}"));
            Some(Exit::Incomplete)
        }
    }
}
