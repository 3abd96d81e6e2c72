//! The log of requests: on stderr, or in a file with a queue before it. A slow or full disk loses lines of the log, but
//! delays no request.

use std::io;
use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use super::log_file::RotatingFile;
use crate::cli::LogFormat;
use crate::cmd::App;
use calltrace_store::error::Error;

/// Maximum number of lines that wait for the disk, about 2 MB; further lines are lost.
const QUEUE_LINES: usize = 8192;

/// The running log. When it is dropped, it writes the waiting lines, for at most a second.
pub(super) struct RequestLog {
    file: Option<InFile>,
}

struct InFile {
    reopen: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
    not_queued: ErrorCounter,
    _worker: WorkerGuard,
}

impl RequestLog {
    /// A function that returns the number of lost lines; `None` without a queue.
    pub(super) fn lines_lost(&self) -> Option<impl Fn() -> u64 + Send + Sync + 'static> {
        let file = self.file.as_ref()?;
        let (failed, not_queued) = (Arc::clone(&file.failed), file.not_queued.clone());
        Some(move || {
            let not_queued = u64::try_from(not_queued.dropped_lines()).unwrap_or(u64::MAX);
            failed.load(Ordering::Relaxed).saturating_add(not_queued)
        })
    }

    /// Makes SIGHUP reopen the file. Without a log file SIGHUP ends the process, as by default.
    ///
    /// # Errors
    /// If the signal handler can't be set.
    pub(super) fn reopen_on_hangup(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let reopen = Arc::clone(&file.reopen);
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reopen.store(true, Ordering::Relaxed);
                // The next line finds the new file: this one.
                tracing::info!("the log was reopened");
            }
        });
        Ok(())
    }
}

/// Starts the log, in the file `path` or on stderr. Lines of other libraries are left out, because they may hold
/// addresses.
///
/// # Errors
/// If the file can't be opened.
pub(super) fn start(
    app: &App,
    format: LogFormat,
    path: Option<&Path>,
) -> Result<RequestLog, Error> {
    let (writer, log) = match path {
        None => (BoxMakeWriter::new(io::stderr), RequestLog { file: None }),
        Some(path) => {
            let (queue, file) = in_file(path)?;
            (BoxMakeWriter::new(queue), RequestLog { file: Some(file) })
        }
    };
    let level = match (app.global.verbose, app.global.quiet) {
        (true, _) => Level::DEBUG,
        (_, true) => Level::ERROR,
        _ => Level::INFO,
    };
    let lines = fmt::layer().with_writer(writer).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let own = Targets::new().with_target("calltrace", level);
    // This fails only if a logger is already set, which then gets the lines.
    let _ = registry().with(lines.with_filter(own)).try_init();
    // The message of a panic may quote a log, so only the place of the panic is logged.
    panic::set_hook(Box::new(|panic| match panic.location() {
        Some(at) => tracing::error!(%at, "a panic"),
        None => tracing::error!("a panic"),
    }));
    Ok(log)
}

fn in_file(path: &Path) -> Result<(NonBlocking, InFile), Error> {
    let opened = RotatingFile::open(path);
    let file = opened.map_err(|error| Error::io(path, "write the log", error))?;
    let (reopen, failed) = (file.reopen(), file.failed());
    let (queue, worker) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE_LINES)
        .thread_name("log")
        .finish(file);
    let in_file = InFile {
        reopen,
        failed,
        not_queued: queue.error_counter(),
        _worker: worker,
    };
    Ok((queue, in_file))
}
