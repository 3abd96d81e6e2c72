//! The `calltrace` command: parse, run, exit code. The only process exit.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use calltrace::cli;
use calltrace::cmd;
use calltrace_store::error::Error;
use clap::error::ErrorKind as Typed;

/// Wrong input, or an answer that may miss something.
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    // ssh asks for the password of a host.
    if let Some(exit) = cmd::askpass() {
        return ExitCode::from(exit.code());
    }
    // A shell asks what may be typed next.
    if let Some(exit) = cmd::complete() {
        return ExitCode::from(exit.code());
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cmd::run(cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        // Whoever read the answer has seen enough (`calltrace ... | head`).
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            cmd::say(&error.to_string());
            ExitCode::from(TROUBLE)
        }
    }
}

/// Help and version are answers; anything else is said in one line.
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
            cmd::say(&cli::typed_or_set_wrong(error));
            ExitCode::from(TROUBLE)
        }
    }
}
