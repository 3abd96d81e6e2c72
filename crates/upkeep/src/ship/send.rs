//! Sends the parts of days, and reads back what was sent. **No manifest names an object before it was read back.**
//!
//! An object that a killed run has sent is not sent again, but read back all the same.

use std::fs::File;
use std::io::{self, Read, sink};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::local::{FoundDay, decodes_to_its_index};
use super::plan::{ObjectLengths, Part, PlannedDay};
use super::report::{ShipStep, ShipStepKind, trouble_of};
use super::{ShipEvent, ShipWatcher};
use crate::rotate::context::RotationContext;
use crate::rotate::semaphore::Semaphore;
use calltrace_archive::{Bucket, PutOutcome};
use calltrace_store::error::Trouble;

/// Days of one enterprise that are sent at the same time.
const DAYS_AT_ONCE: usize = 4;

/// How days are sent.
#[derive(Clone, Copy)]
pub(super) struct Sender<'s> {
    pub(super) context: &'s RotationContext<'s>,
    pub(super) bucket: &'s Bucket,
    pub(super) listed: &'s ObjectLengths,
    /// Limits how many days of all enterprises are sent at the same time.
    pub(super) transfers: &'s Semaphore,
    pub(super) watch: &'s ShipWatcher<'s>,
}

/// Why a day was not sent.
pub(super) enum Unsent {
    /// It must be left for a later run; why, as a clause.
    Waiting(String),
    Failed(Trouble),
}

impl Sender<'_> {
    /// Sends several days at the same time; the results are in their order.
    pub(super) fn send_all(
        &self,
        days: &[(&FoundDay, &PlannedDay)],
    ) -> Vec<Result<ShipStep, Unsent>> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..days.len().min(DAYS_AT_ONCE) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((found, planned)) = days.get(at) else {
                            break;
                        };
                        let _pass = self.transfers.acquire();
                        let sent = self.send(found, planned);
                        done.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((at, sent));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, sent)| sent).collect()
    }

    fn send(&self, found: &FoundDay, planned: &PlannedDay) -> Result<ShipStep, Unsent> {
        let path = self.context.path(&planned.name);
        let cant = |error: &io::Error| Unsent::Failed(Trouble::cant(&path, "read it", error));
        if planned.parts.contains(&Part::Log)
            && !decodes_to_its_index(self.context, &found.day).map_err(|error| cant(&error))?
        {
            let what =
                "does not decode to what its index knows; calltrace index --check compares them";
            return Err(Unsent::Failed(Trouble::new(&path, what)));
        }
        let mut step = ShipStep::new(ShipStepKind::Ship, &planned.name.full());
        for part in &planned.parts {
            let file = found
                .open(self.context, *part)
                .map_err(|error| cant(&error))?;
            let Some(file) = file else {
                return Err(Unsent::Waiting("has changed just now".to_owned()));
            };
            let sent = self.send_part(&file, planned, *part, &mut step);
            sent.map_err(Unsent::Failed)?;
        }
        Ok(step)
    }

    fn send_part(
        &self,
        file: &File,
        planned: &PlannedDay,
        part: Part,
        step: &mut ShipStep,
    ) -> Result<(), Trouble> {
        let object = part
            .of(&planned.entry)
            .expect("a planned part is in its entry");
        let path = self.context.path(&planned.name);
        let fail = |error| trouble_of(&path, &error);
        let enterprise = self.context.enterprise;
        let there = self.listed.get(&object.key);
        // A cut object under the key would stand in the way; no answer can come from it.
        if there.is_some_and(|bytes| *bytes != object.bytes) {
            self.bucket.delete(enterprise, &object.key).map_err(fail)?;
        }
        let mut content = LocalReader {
            file,
            at: 0,
            watch: self.watch,
        };
        let outcome = match there == Some(&object.bytes) {
            true => PutOutcome::WasThere,
            false => self
                .bucket
                .put_new(enterprise, object, &mut content)
                .map_err(fail)?,
        };
        let read_back = self.bucket.read_whole(enterprise, object, &mut sink());
        read_back.map_err(fail)?;
        if outcome == PutOutcome::Sent {
            step.objects += 1;
            step.object_bytes += object.bytes;
        } else {
            (self.watch)(ShipEvent::Sent(object.bytes.saturating_sub(content.at)));
        }
        *match part {
            Part::Log => &mut step.log_bytes,
            Part::Index => &mut step.index_bytes,
            Part::Table => &mut step.table_bytes,
        } = Some(object.bytes);
        Ok(())
    }
}

/// Reads a file from its beginning, whatever its offset is.
struct LocalReader<'f> {
    file: &'f File,
    at: u64,
    watch: &'f ShipWatcher<'f>,
}

impl Read for LocalReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(into, self.at)?;
        self.at += got as u64;
        (self.watch)(ShipEvent::Sent(got as u64));
        Ok(got)
    }
}
