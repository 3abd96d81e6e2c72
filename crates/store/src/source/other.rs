//! Content that is neither lines of UTF-8 nor gzip, detected by the file's first bytes.

/// Packing programs and the first bytes of their files. For bzip2 the mark of the first block is
/// checked too, as three letters could begin a line.
const PACKERS: [(&[u8], &str); 6] = [
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x1f\x8b", "gzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
];

/// The bytes after `BZh` and a digit: the mark of a block, or that of the end.
const BZIP2_MARKS: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

/// This many first bytes of a file show what it holds.
pub const MARK_BYTES: usize = 10;

/// The program that packed a file which begins with `head`; `None` when no known program did.
pub fn packer_of(head: &[u8]) -> Option<&'static str> {
    let (_, program) = *PACKERS.iter().find(|(mark, _)| head.starts_with(mark))?;
    let is_bzip2 = || {
        BZIP2_MARKS
            .iter()
            .any(|mark| head.get(4..10) == Some(*mark))
    };
    (program != "bzip2" || is_bzip2()).then_some(program)
}

/// Why a file that begins with `head` can't be read, as a sentence; `None` for one that can.
pub(super) fn refusal(head: &[u8]) -> Option<String> {
    let is_utf16 = matches!(head, [0xff, 0xfe, _, 0, ..] | [0xfe, 0xff, 0, _, ..]);
    if is_utf16 {
        let how = "convert it with `iconv -f UTF-16 -t UTF-8`";
        return Some(format!("it is UTF-16, and logs are UTF-8; {how}"));
    }
    let packer = packer_of(head).filter(|packer| *packer != "gzip")?;
    Some(format!(
        "it is packed by {packer}, whatever its name says, and only plain files and gzip are read; unpack it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_not_a_log_is_recognised_by_its_first_bytes() {
        for (head, packer) in [
            (&b"\x28\xb5\x2f\xfd\0\0"[..], Some("zstd")),
            (b"\xfd7zXZ\0\0", Some("xz")),
            (b"BZh91AY&SY", Some("bzip2")),
            (b"BZh9\x17\x72\x45\x38\x50\x90", Some("bzip2")),
            (b"BZh9 is no bzip2", None),
            (b"BZh9", None),
            (b"\x1f\x8b\x08", Some("gzip")),
            (b"PK\x03\x04", Some("zip")),
            (b"2025-12-02", None),
            (b"", None),
        ] {
            assert_eq!(packer_of(head), packer, "{head:?}");
            let is_refused = packer.is_some_and(|packer| packer != "gzip");
            assert_eq!(refusal(head).is_some(), is_refused, "{head:?}");
        }
    }

    #[test]
    fn utf_16_is_not_a_log() {
        for head in [&b"\xff\xfe2\x000\0"[..], b"\xfe\xff\x002\x000"] {
            assert!(refusal(head).is_some_and(|why| why.contains("UTF-16")));
        }
        for head in [&b"\xef\xbb\xbf2025"[..], b"\xff\xfe2025", b"\xff\xfe"] {
            assert_eq!(refusal(head), None, "{head:?}");
        }
    }
}
