//! The storage of an index's bytes: a file, or memory.

use std::borrow::Cow;

use super::layout::{Section, TAIL_BYTES};
use crate::object::StoredFile;

/// Bytes read at once from an index's end: mostly all that leads to the rest.
pub(super) const END_BYTES: usize = 16 << 10;

/// No footer is longer (bytes): that of a 100 GB log is a tenth of it.
const FOOTER_BYTES_MAX: u32 = 16 << 20;

/// No table or page is longer (bytes); see `sound` for their other limits.
const SECTION_BYTES_MAX: u32 = 1 << 20;

/// The tables and pages of an index.
#[derive(Debug)]
pub(super) enum Store {
    File(StoredFile),
    Memory(Vec<u8>),
}

impl Store {
    /// A table or a page; `None` when it does not match its section.
    pub(super) fn read(&self, section: Section) -> Option<Cow<'_, [u8]>> {
        match self {
            Store::File(file) => read_section(file, section).map(Cow::Owned),
            Store::Memory(bytes) => {
                let from = usize::try_from(section.at).ok()?;
                let bytes = bytes.get(from..)?.get(..section.bytes as usize)?;
                Some(Cow::Borrowed(bytes))
            }
        }
    }
}

impl Store {
    /// Starts to fetch these tables and pages, if they are in an object.
    pub(super) fn fetch_ahead(&self, sections: impl Iterator<Item = Section>) {
        if let Store::File(file) = self
            && file.is_object()
        {
            let range = |section: Section| section.at..section.at + u64::from(section.bytes);
            let ranges: Vec<_> = sections.map(range).collect();
            file.fetch_ahead(&ranges);
        }
    }
}

/// The footer of an index or a catalog, as bytes with a correct checksum.
pub(super) fn read_tail(file: &StoredFile, magic: [u8; 8]) -> Result<Vec<u8>, String> {
    let torn = |_| "is torn".to_owned();
    let bytes = file.state().map_err(torn)?.bytes;
    let end_bytes = usize::try_from(bytes).map_or(END_BYTES, |bytes| bytes.min(END_BYTES));
    let mut end = vec![0; end_bytes];
    file.read_exact_at(&mut end, bytes - end_bytes as u64)
        .map_err(torn)?;
    let Some((rest, tail)) = end.split_last_chunk::<TAIL_BYTES>() else {
        return Err("is torn".to_owned());
    };
    if tail[8..15] == magic[..7] && tail[15] != magic[7] {
        return Err(format!("is of version {}", tail[15]));
    }
    if tail[8..] != magic {
        return Err("is torn".to_owned());
    }
    let footer_bytes = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    let crc = u32::from_le_bytes([tail[4], tail[5], tail[6], tail[7]]);
    let before = (bytes - TAIL_BYTES as u64).checked_sub(u64::from(footer_bytes));
    let at = before
        .filter(|_| footer_bytes <= FOOTER_BYTES_MAX)
        .ok_or("is torn")?;
    let footer = match rest.len().checked_sub(footer_bytes as usize) {
        Some(from) => rest[from..].to_vec(),
        None => {
            let mut footer = vec![0; footer_bytes as usize];
            file.read_exact_at(&mut footer, at).map_err(torn)?;
            footer
        }
    };
    if crc32fast::hash(&footer) != crc {
        return Err("is torn".to_owned());
    }
    Ok(footer)
}

fn read_section(file: &StoredFile, section: Section) -> Option<Vec<u8>> {
    if section.bytes > SECTION_BYTES_MAX {
        return None;
    }
    let mut bytes = vec![0; section.bytes as usize];
    let mut read = || {
        file.read_exact_at(&mut bytes, section.at).ok()?;
        Some(crc32fast::hash(&bytes) == section.crc)
    };
    let range = section.at..section.at + u64::from(section.bytes);
    let is_sound = read()? || file.forget(range) && read()?;
    is_sound.then_some(bytes)
}
