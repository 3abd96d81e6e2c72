//! Runs a program that reads the script and prints its lines: ssh, or a shell that is here. What it prints is
//! bounded in bytes, rows and time.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout, timeout_at};

use super::journal::{Reader, Table};

/// The first so many bytes of what a program complains are kept.
const COMPLAINTS_BYTES_MAX: usize = 64 * 1024;

/// What may come before the script's first line (bytes).
const GREETING_BYTES_MAX: u64 = 1024 * 1024;

/// What is read at one time (bytes).
const READ_BYTES: usize = 64 * 1024;

/// How much is taken of a program's output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Until when its first line must be there.
    pub(crate) first_line: Duration,
    /// Until when it must have ended.
    pub(crate) end: Duration,
    /// Of all of it (bytes).
    pub(crate) bytes: u64,
    /// Of a line (bytes).
    pub(crate) line_bytes: usize,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// It was stopped, as nothing more was wanted of it.
    Stopped,
    /// It printed more than is taken.
    TooMuch,
    /// It took too long.
    TimedOut,
}

/// A run and what it left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ended: Ended,
    /// What it complained, as far as it is kept.
    pub(crate) complaints: Vec<u8>,
    /// How long it took until the script said the host's time.
    pub(crate) first_line: Option<Duration>,
}

/// Runs it, and has `reader` take its lines. Its process has ended, or is killed, when this returns; it is killed as
/// well if this is dropped.
///
/// # Errors
/// It can't be started.
pub(crate) async fn run(
    mut command: Command,
    script: &str,
    reader: &mut Reader,
    after: &BTreeMap<(NaiveDate, Table), i64>,
    bounds: Bounds,
) -> io::Result<Run> {
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let stdout = child.stdout.take().expect("it is piped");
    let stderr = child.stderr.take().expect("it is piped");
    let complaints = Arc::new(Mutex::new(Vec::new()));
    let drained = tokio::spawn(drain(stderr, Arc::clone(&complaints)));
    let mut lines = Lines {
        reader,
        after,
        bounds,
        begin,
        first_line: None,
    };
    let feed = async move {
        // Who does not read the script says why elsewhere.
        let _ = stdin.write_all(script.as_bytes()).await;
    };
    let (ended, ()) = {
        let pump = lines.pump(stdout);
        tokio::pin!(pump);
        tokio::pin!(feed);
        // A program that never reads its input must not keep this from ending.
        tokio::select! {
            ended = &mut pump => (ended, ()),
            () = &mut feed => (pump.await, ()),
        }
    };
    let ended = match ended {
        Some(ended) => ended,
        None => match timeout_at(begin + lines.until(), child.wait()).await {
            Ok(status) => Ended::Exited(status?),
            Err(_) => Ended::TimedOut,
        },
    };
    let first_line = lines.first_line;
    // Has no effect on one that has ended.
    let _ = child.start_kill();
    let _ = child.wait().await;
    // What it left behind in the background may hold its standard error open.
    let abort = drained.abort_handle();
    if timeout(Duration::from_millis(500), drained).await.is_err() {
        abort.abort();
    }
    let complaints =
        std::mem::take(&mut *complaints.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Run {
        ended,
        complaints,
        first_line,
    })
}

/// Reads to the end, and keeps the beginning.
async fn drain(mut from: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 4096];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = COMPLAINTS_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..n.min(room)]);
    }
}

struct Lines<'r> {
    reader: &'r mut Reader,
    after: &'r BTreeMap<(NaiveDate, Table), i64>,
    bounds: Bounds,
    begin: Instant,
    first_line: Option<Duration>,
}

impl Lines<'_> {
    /// Until when what is waited for must be there.
    fn until(&self) -> Duration {
        match self.first_line {
            None => self.bounds.first_line.min(self.bounds.end),
            Some(_) => self.bounds.end,
        }
    }

    /// Takes lines until there are no more (`None`) or no more are wanted.
    async fn pump(&mut self, mut from: impl AsyncRead + Unpin) -> Option<Ended> {
        let mut buffer: Vec<u8> = Vec::with_capacity(READ_BYTES);
        let mut bytes = 0;
        // Within a line that is too long.
        let mut is_skipping = false;
        loop {
            buffer.reserve(READ_BYTES);
            let read = match timeout_at(self.begin + self.until(), from.read_buf(&mut buffer)).await
            {
                Err(_) => return Some(Ended::TimedOut),
                Ok(Err(_) | Ok(0)) => return None,
                Ok(Ok(read)) => read as u64,
            };
            bytes += read;
            let mut start = 0;
            while let Some(length) = buffer[start..].iter().position(|byte| *byte == b'\n') {
                let line = &buffer[start..start + length];
                match std::mem::take(&mut is_skipping) {
                    true => self.reader.long_line(),
                    false => self.reader.line(line, self.after),
                }
                start += length + 1;
                if self.reader.clock.is_some() {
                    self.first_line.get_or_insert_with(|| self.begin.elapsed());
                }
                if self.reader.is_full() {
                    return Some(Ended::Stopped);
                }
            }
            buffer.drain(..start);
            if buffer.len() > self.bounds.line_bytes {
                buffer.clear();
                is_skipping = true;
            }
            let is_greeting = self.first_line.is_none() && bytes > GREETING_BYTES_MAX;
            if bytes > self.bounds.bytes || is_greeting {
                return Some(Ended::TooMuch);
            }
        }
    }
}
