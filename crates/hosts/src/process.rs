//! Runs ssh or a local shell, writes the script to it and reads its lines, with limits on bytes, rows and time.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout, timeout_at};

use super::journal::{JournalTable, OutputReader};

/// Maximum size of the kept error output (bytes).
const COMPLAINTS_BYTES_MAX: usize = 64 * 1024;

/// Maximum size of the output before the script's first line (bytes).
const GREETING_BYTES_MAX: u64 = 1024 * 1024;

/// Size of one read (bytes).
const READ_BYTES: usize = 64 * 1024;

/// Limits on the output of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputBounds {
    /// Time limit of the first line.
    pub(crate) first_line: Duration,
    /// Time limit of the whole run.
    pub(crate) end: Duration,
    /// Maximum size of the output (bytes).
    pub(crate) bytes: u64,
    /// Maximum length of a line (bytes).
    pub(crate) line_bytes: usize,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum RunEnd {
    /// The process exited.
    Exited(ExitStatus),
    /// It was stopped because no more output was needed.
    Stopped,
    /// It printed more than the limit.
    TooMuch,
    /// It took longer than the limit.
    TimedOut,
}

/// The end of a run and its error output.
#[derive(Debug)]
pub(crate) struct ProcessRun {
    pub(crate) ended: RunEnd,
    /// The beginning of its error output.
    pub(crate) complaints: Vec<u8>,
    /// The time until the script printed the host's time.
    pub(crate) first_line: Option<Duration>,
}

/// Runs the command and passes its lines to `reader`. When this returns, the process has ended or is killed. It is
/// also killed when the future is dropped.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn run(
    mut command: Command,
    script: &str,
    reader: &mut OutputReader,
    after: &BTreeMap<(NaiveDate, JournalTable), i64>,
    bounds: OutputBounds,
) -> io::Result<ProcessRun> {
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
    let mut lines = OutputLines {
        reader,
        after,
        bounds,
        begin,
        first_line: None,
    };
    let feed = async move {
        // A process that does not read the script gives its reason on its error output.
        let _ = stdin.write_all(script.as_bytes()).await;
    };
    let (ended, ()) = {
        let pump = lines.pump(stdout);
        tokio::pin!(pump);
        tokio::pin!(feed);
        // A process that never reads its input must not block this task.
        tokio::select! {
            ended = &mut pump => (ended, ()),
            () = &mut feed => (pump.await, ()),
        }
    };
    let ended = match ended {
        Some(ended) => ended,
        None => match timeout_at(begin + lines.until(), child.wait()).await {
            Ok(status) => RunEnd::Exited(status?),
            Err(_) => RunEnd::TimedOut,
        },
    };
    let first_line = lines.first_line;
    // This has no effect on a process that has ended.
    let _ = child.start_kill();
    let _ = child.wait().await;
    // A process in the background may keep the standard error open.
    let abort = drained.abort_handle();
    if timeout(Duration::from_millis(500), drained).await.is_err() {
        abort.abort();
    }
    let complaints =
        std::mem::take(&mut *complaints.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(ProcessRun {
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

struct OutputLines<'r> {
    reader: &'r mut OutputReader,
    after: &'r BTreeMap<(NaiveDate, JournalTable), i64>,
    bounds: OutputBounds,
    begin: Instant,
    first_line: Option<Duration>,
}

impl OutputLines<'_> {
    /// The current deadline.
    fn until(&self) -> Duration {
        match self.first_line {
            None => self.bounds.first_line.min(self.bounds.end),
            Some(_) => self.bounds.end,
        }
    }

    /// Reads lines until there are no more (`None`) or no more are needed.
    async fn pump(&mut self, mut from: impl AsyncRead + Unpin) -> Option<RunEnd> {
        let mut buffer: Vec<u8> = Vec::with_capacity(READ_BYTES);
        let mut bytes = 0;
        // Inside a line that is too long.
        let mut is_skipping = false;
        loop {
            buffer.reserve(READ_BYTES);
            let read = match timeout_at(self.begin + self.until(), from.read_buf(&mut buffer)).await
            {
                Err(_) => return Some(RunEnd::TimedOut),
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
                    return Some(RunEnd::Stopped);
                }
            }
            buffer.drain(..start);
            if buffer.len() > self.bounds.line_bytes {
                buffer.clear();
                is_skipping = true;
            }
            let is_greeting = self.first_line.is_none() && bytes > GREETING_BYTES_MAX;
            if bytes > self.bounds.bytes || is_greeting {
                return Some(RunEnd::TooMuch);
            }
        }
    }
}
