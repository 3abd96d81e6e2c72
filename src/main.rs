//! The `calltrace` command: parses the command line, runs it and sets the exit code. The process ends only here.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use calltrace::cli;
use calltrace::cmd;
use calltrace_store::error::Error;
use clap::error::ErrorKind as Typed;

/// The exit code for wrong input or an incomplete answer.
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    // ssh runs the program to ask for the password of a host.
    if let Some(exit) = cmd::askpass() {
        return ExitCode::from(exit.code());
    }
    // A shell runs the program to ask for completions.
    if let Some(exit) = cmd::complete() {
        return ExitCode::from(exit.code());
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cmd::run(cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        // The reader of the pipe has seen enough (`calltrace ... | head`).
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            cmd::say(&error.to_string());
            ExitCode::from(TROUBLE)
        }
    }
}

/// Prints help or the version to stdout, and any other clap error as one line to stderr.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        Typed::DisplayHelp | Typed::DisplayVersion => {
            let printed = error.print().and_then(|()| io::stdout().flush());
            match printed {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    cmd::say(&Error::Output(error).to_string());
                    ExitCode::from(TROUBLE)
                }
                _ => ExitCode::SUCCESS,
            }
        }
        _ => {
            cmd::say(&cli::usage_message(error));
            ExitCode::from(TROUBLE)
        }
    }
}
