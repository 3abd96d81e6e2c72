//! The context of runs: tree, engine, clock and limits.

use std::sync::Arc;
use std::time::Duration;

use calltrace_engine::Engine;
use calltrace_hosts::FetchLimits;
use calltrace_store::fsx::{DiskOps, WallClock};
use calltrace_store::tree::Tree;

use crate::records::CallDatabase;

/// The context that runs for all hosts share.
#[derive(Clone)]
pub struct SyncContext {
    /// The log tree.
    pub tree: Tree,
    /// The engine that reads the logs.
    pub engine: Arc<Engine>,
    /// The current time.
    pub now: WallClock,
    /// The operations that change the disk.
    pub ops: Arc<dyn DiskOps + Send + Sync>,
    /// The database of copies; `None` if there is none.
    pub records: Option<Arc<CallDatabase>>,
    /// The limits of a fetch.
    pub limits: FetchLimits,
}

/// How long a run waits for the lock of an enterprise before it gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
