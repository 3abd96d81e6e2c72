//! What hosts are asked with.

use std::sync::Arc;
use std::time::Duration;

use calltrace_engine::Engine;
use calltrace_hosts::Limits;
use calltrace_store::fsx::{DiskOps, WallClock};
use calltrace_store::tree::Tree;

use crate::records::Records;

/// What all hosts are asked with.
#[derive(Clone)]
pub struct Site {
    /// Where the logs are.
    pub tree: Tree,
    /// What reads them.
    pub engine: Arc<Engine>,
    /// The time of day.
    pub now: WallClock,
    /// What changes the disk.
    pub ops: Arc<dyn DiskOps + Send + Sync>,
    /// The database that calls are copied to, if there is one.
    pub records: Option<Arc<Records>>,
    /// How much of a host is waited for.
    pub limits: Limits,
}

/// How long another calltrace may hold the lock of an enterprise before this one gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
