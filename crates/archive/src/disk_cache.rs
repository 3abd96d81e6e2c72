//! Pieces of objects, and manifests, kept on disk between runs.
//!
//! One flat folder holds one file per entry. Each has a checksum over its name and its content, so that an entry that
//! is torn, or that was copied from another name, is not used. Entries are written under a temporary name and renamed,
//! so several processes can share the folder. The entry that was not used for the longest time is removed first.
//! Without a folder, or with one that can't be written, everything works, only slower.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use calltrace_store::fsx::{Folder, Purpose};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

/// The folder in the folder of the settings. Its number changes with the form of entries.
const FOLDER: &str = "objects-1";

/// The file that is locked by the process that removes entries.
const LOCK: &str = "lock";

const MAGIC: &[u8; 4] = b"CTC1";

/// Magic, length of the content, and the CRC-32 of name and content.
const HEADER_BYTES: usize = 16;

/// After this many failures in a row nothing more is written: the disk is full, or read-only.
const FAILURES_MAX: usize = 3;

/// An entry takes at least a block of the file system (bytes).
const BLOCK_BYTES: u64 = 4096;

/// A cache on disk. No method fails: what can't be read is not there, and what can't be written is not kept.
#[derive(Debug)]
pub(crate) struct DiskCache {
    folder: Folder,
    bytes_max: u64,
    account: Mutex<Account>,
    failures: AtomicUsize,
    next_draft: AtomicU64,
}

/// What the folder holds, as far as this process knows.
#[derive(Debug, Default)]
struct Account {
    /// Bytes at the last listing; `None` before the first.
    held: Option<u64>,
    /// Bytes written since then.
    added: u64,
}

impl DiskCache {
    /// Opens the cache in `path`, and makes it if there is none.
    ///
    /// # Errors
    /// When the folder can't be made, or another user could have written its entries.
    pub(crate) fn open(path: &Path, bytes_max: u64) -> io::Result<DiskCache> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let outer = Folder::open(path)?;
        match outer.make_folder(FOLDER) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let folder = outer.subfolder(FOLDER)?;
        let metadata = folder.metadata()?;
        if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{FOLDER} in it must belong to this user, and no other user may enter it"),
            ));
        }
        Ok(DiskCache {
            folder,
            bytes_max,
            account: Mutex::default(),
            failures: AtomicUsize::new(0),
            next_draft: AtomicU64::new(0),
        })
    }

    /// Whether there is an entry, which may turn out to be damaged.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.has(name)
    }

    /// The content of an entry, which then counts as just used. A damaged one is removed.
    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        let (mut file, metadata) = self.folder.open_file(name, Purpose::Read).ok()?;
        match read(&mut file, metadata.len(), name) {
            Ok(Some(content)) => {
                let now = |nsec| Timespec {
                    tv_sec: 0,
                    tv_nsec: nsec,
                };
                let times = Timestamps {
                    last_access: now(UTIME_OMIT),
                    last_modification: now(UTIME_NOW),
                };
                // In a read-only folder nothing is ever removed either.
                let _ = rustix::fs::futimens(&file, &times);
                Some(content)
            }
            Ok(None) => {
                self.remove(name);
                None
            }
            Err(_) => None,
        }
    }

    /// Removes an entry.
    pub(crate) fn remove(&self, name: &str) {
        let _ = self.folder.unlink(name);
    }

    /// Keeps an entry, in place of another of that name.
    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        if content.len() as u64 > self.bytes_max
            || self.failures.load(Ordering::Relaxed) >= FAILURES_MAX
        {
            return;
        }
        let number = self.next_draft.fetch_add(1, Ordering::Relaxed);
        let draft = format!("draft.{}.{number}", std::process::id());
        let done = self.write(&draft, name, content);
        match done {
            Ok(()) => self.failures.store(0, Ordering::Relaxed),
            Err(_) => {
                self.remove(&draft);
                self.failures.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.added += size_of_entry(content.len() as u64 + HEADER_BYTES as u64);
        let is_known = account.held.is_some() && account.added <= self.bytes_max / 16;
        let held = account.held.unwrap_or(0) + account.added;
        if !is_known || held > self.bytes_max {
            // What other processes wrote is seen here.
            account.held = Some(self.shrink());
            account.added = 0;
        }
    }

    fn write(&self, draft: &str, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = self.folder.create(draft, 0o600)?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&(content.len() as u64).to_le_bytes());
        header.extend_from_slice(&checksum(name, content).to_le_bytes());
        file.write_all(&header)?;
        file.write_all(content)?;
        self.folder.replace(draft, name)
    }

    /// Removes the entries that were not used for the longest time until nine tenths of the limit remain, if there are
    /// more bytes than the limit. Returns the bytes that remain.
    fn shrink(&self) -> u64 {
        let Ok(names) = self.folder.names() else {
            return 0;
        };
        let entries = names.into_iter().filter_map(|name| {
            let name = name.into_string().ok().filter(|name| name != LOCK)?;
            let stat = self.folder.stat(&name).ok()?;
            let bytes = size_of_entry(u64::try_from(stat.st_size).unwrap_or(0));
            Some(((stat.st_mtime, stat.st_mtime_nsec), name, bytes))
        });
        let mut entries: Vec<_> = entries.collect();
        let mut held: u64 = entries.iter().map(|(_, _, bytes)| bytes).sum();
        if held <= self.bytes_max {
            return held;
        }
        let lock = self.folder.create(LOCK, 0o600);
        let lock =
            lock.or_else(|_| Ok::<_, io::Error>(self.folder.open_file(LOCK, Purpose::Write)?.0));
        // Another process removes entries at this moment, or nothing can be removed.
        if lock.is_ok_and(|lock| lock.try_lock().is_err()) {
            return held;
        }
        entries.sort();
        for (_, name, bytes) in entries {
            if held <= self.bytes_max / 10 * 9 {
                break;
            }
            self.remove(&name);
            held -= bytes;
        }
        held
    }
}

/// The content of an entry with a head: the head in a line, then the rest.
pub(crate) fn entry(head: &str, rest: &[u8]) -> Vec<u8> {
    let mut entry = head.replace('\n', "").into_bytes();
    entry.push(b'\n');
    entry.extend_from_slice(rest);
    entry
}

/// The head and the rest of an entry that [`entry`] made; `None` for other content.
pub(crate) fn parts_of_entry(entry: &[u8]) -> Option<(&str, &[u8])> {
    let end = entry.iter().position(|&byte| byte == b'\n')?;
    Some((str::from_utf8(&entry[..end]).ok()?, &entry[end + 1..]))
}

fn size_of_entry(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES)
}

fn checksum(name: &str, content: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(name.as_bytes());
    crc.update(content);
    crc.finalize()
}

/// The content of an open entry; `None` if it is damaged.
fn read(file: &mut File, file_bytes: u64, name: &str) -> io::Result<Option<Bytes>> {
    let mut header = [0; HEADER_BYTES];
    if file_bytes < HEADER_BYTES as u64 {
        return Ok(None);
    }
    file.read_exact(&mut header)?;
    let (magic, rest) = header.split_at(MAGIC.len());
    let (length, crc) = rest.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("it has 8 bytes"));
    let crc = u32::from_le_bytes(crc.try_into().expect("it has 4 bytes"));
    // The length is compared with the file before memory is allocated.
    if magic != MAGIC || file_bytes - HEADER_BYTES as u64 != length {
        return Ok(None);
    }
    let mut content = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    file.take(length).read_to_end(&mut content)?;
    let is_sound = content.len() as u64 == length && checksum(name, &content) == crc;
    Ok(is_sound.then(|| content.into()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn cache(bytes_max: u64) -> (tempfile::TempDir, DiskCache) {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let cache = DiskCache::open(&folder.path().join("cache"), bytes_max);
        (folder, cache.expect("it can be made"))
    }

    #[test]
    fn an_entry_that_is_torn_or_copied_from_another_name_is_not_used() {
        let (_folder, cache) = cache(1 << 20);
        let at = cache.folder.path().to_owned();
        cache.put("a", b"content");
        assert_eq!(cache.get("a").as_deref(), Some(&b"content"[..]));
        assert_eq!(
            fs::metadata(at.join("a")).expect("it is there").mode() & 0o777,
            0o600
        );
        let whole = fs::read(at.join("a")).expect("it is there");
        for cut in 0..whole.len() {
            fs::write(at.join("a"), &whole[..cut]).expect("its own file");
            assert_eq!(cache.get("a"), None, "{cut}");
            assert!(!cache.has("a"));
        }
        for flipped in 0..whole.len() {
            let mut other = whole.clone();
            other[flipped] ^= 1;
            fs::write(at.join("a"), other).expect("its own file");
            assert_eq!(cache.get("a"), None, "{flipped}");
        }
        fs::write(at.join("b"), &whole).expect("its own file");
        assert_eq!(cache.get("b"), None);
        cache.put("a", b"");
        assert_eq!(cache.get("a").as_deref(), Some(&b""[..]));
    }

    #[test]
    fn the_entries_that_were_not_used_for_longest_go_first() {
        let (_folder, cache) = cache(40 * BLOCK_BYTES);
        let content = vec![7; BLOCK_BYTES as usize - HEADER_BYTES];
        let old = |name: &str, seconds: i64| {
            let file = File::options().write(true).open(cache.folder.path_of(name));
            let time = Timespec {
                tv_sec: seconds,
                tv_nsec: 0,
            };
            let times = Timestamps {
                last_access: time,
                last_modification: time,
            };
            rustix::fs::futimens(file.expect("it is there"), &times).expect("its own file");
        };
        for number in 0..40 {
            cache.put(&format!("{number:02}"), &content);
            old(&format!("{number:02}"), number);
        }
        assert!(cache.get("00").is_some(), "and it counts as just used");
        for more in 40..44 {
            cache.put(&format!("{more:02}"), &content);
        }
        let names = || cache.folder.names().expect("it can be listed").len();
        assert!(names() <= 41, "{}", names());
        assert!(cache.has("00") && cache.has("43") && !cache.has("01") && !cache.has("02"));
        // What another process wrote is noticed.
        let other = DiskCache::open(
            cache.folder.path().parent().expect("it has one"),
            10 * BLOCK_BYTES,
        );
        other.expect("it is there").put("44", &content);
        assert!(names() <= 11, "{}", names());
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_used() {
        let (folder, cache) = cache(1 << 20);
        let at = cache.folder.path().to_owned();
        fs::set_permissions(&at, fs::Permissions::from_mode(0o770)).expect("its own folder");
        let outer = folder.path().join("cache");
        let wrong = DiskCache::open(&outer, 1 << 20).expect_err("others can write");
        assert_eq!(wrong.kind(), io::ErrorKind::PermissionDenied);
        fs::remove_dir_all(&at).expect("its own folder");
        std::os::unix::fs::symlink("/tmp", &at).expect("its own folder");
        assert!(DiskCache::open(&outer, 1 << 20).is_err(), "it is a link");
    }
}
