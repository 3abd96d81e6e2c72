//! The manifest of an enterprise: which objects are its sealed days.
//!
//! `PREFIX/ENTERPRISE/manifest.json` is replaced only if it is still the one that was read (`If-Match`), so
//! that two writers can't lose each other's days. An object that no manifest names is no part of any answer.

use bytes::Bytes;
use calltrace_store::tree::{EnterpriseName, FileName};
use serde::{Deserialize, Serialize};

/// The name of a manifest below its enterprise's prefix.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The `format` of every manifest.
const FORMAT: &str = "calltrace-manifest";

/// Raised when an older program would misread a manifest.
const VERSION: u32 = 1;

/// The sealed days of one enterprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    pub enterprise: String,
    /// Increases by one each time that the manifest is written; 0 for one that was never written.
    pub revision: u64,
    /// By name of the log. A name occurs twice only if the days have different content.
    pub days: Vec<ShippedEntry>,
    /// The catalog of exactly these days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<ObjectRef>,
}

/// A sealed day, with its index and its table of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedEntry {
    /// The name of the log: `events.log.2025-11-29.gz`.
    pub name: String,
    pub log: ObjectRef,
    /// Modification time of the local file (nanoseconds of Unix time).
    pub modified: i64,
    /// Length (bytes) and CRC-32 of the decoded content, if its index knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentRef>,
    /// Earliest and latest time of its records (milliseconds of Unix time, UTC), if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<ObjectRef>,
    /// The head of the footer of the index, if it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_head: Option<HexBytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<ObjectRef>,
}

/// Bytes, in JSON as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HexBytes(pub Vec<u8>);

/// An object by its key below the enterprise's prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// `events.log.2025-11-29.gz/1f2e3d4c.gz`: the name of the log, then the CRC-32 of the object.
    pub key: String,
    /// Length (bytes).
    pub bytes: u64,
    /// CRC-32 of all its bytes.
    pub crc32: u32,
}

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Log,
    Index,
    Table,
    Catalog,
}

/// Which manifest was read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestTag {
    /// The store's own tag; `None` if it gives none.
    pub(crate) etag: Option<String>,
    pub(crate) revision: u64,
}

/// Decoded content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRef {
    pub bytes: u64,
    pub crc32: u32,
}

impl Manifest {
    /// The manifest of an enterprise that has none yet.
    pub fn new(enterprise: &str) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            enterprise: enterprise.to_owned(),
            revision: 0,
            days: Vec::new(),
            catalog: None,
        }
    }

    /// Reads a manifest of `enterprise`. What it says is checked as far as that is possible without its objects.
    ///
    /// # Errors
    /// What is wrong with it, as a clause.
    pub fn parse(bytes: &[u8], enterprise: &EnterpriseName) -> Result<Manifest, String> {
        /// What is read before all else: a later version may have other fields.
        #[derive(Deserialize)]
        struct ManifestHead {
            format: String,
            version: u32,
        }
        let head: ManifestHead =
            serde_json::from_slice(bytes).map_err(|_| "is no manifest".to_owned())?;
        if head.format != FORMAT {
            return Err("is no manifest".to_owned());
        }
        if head.version != VERSION {
            let version = head.version;
            return Err(format!(
                "is a manifest of version {version}, which this program does not know"
            ));
        }
        let manifest: Manifest = serde_json::from_slice(bytes)
            .map_err(|error| format!("is a damaged manifest, at line {}", error.line()))?;
        if manifest.enterprise != enterprise.as_str() {
            return Err("is the manifest of another enterprise".to_owned());
        }
        for day in &manifest.days {
            if !day.is_plausible() {
                return Err("is a manifest with a day that can't be right".to_owned());
            }
        }
        let catalog = manifest.catalog.as_ref();
        if catalog.is_some_and(|object| !object.is_of(ObjectKind::Catalog, "")) {
            return Err("is a manifest with a catalog that can't be right".to_owned());
        }
        Ok(manifest)
    }

    /// The bytes of a manifest: the same for the same content.
    pub fn to_bytes(&self) -> Bytes {
        let mut text = serde_json::to_vec_pretty(self).expect("it has text keys only");
        text.push(b'\n');
        text.into()
    }
}

impl ShippedEntry {
    /// Its name, parsed; `None` if it is not the name of a log.
    pub fn file_name(&self) -> Option<FileName> {
        FileName::parse(&self.name)
    }

    fn is_plausible(&self) -> bool {
        let optional = |object: &Option<ObjectRef>, kind| {
            let object = object.as_ref();
            object.is_none_or(|object| object.is_of(kind, &self.name))
        };
        self.file_name().is_some()
            && self.log.is_of(ObjectKind::Log, &self.name)
            && optional(&self.index, ObjectKind::Index)
            && optional(&self.table, ObjectKind::Table)
    }
}

impl From<HexBytes> for String {
    fn from(bytes: HexBytes) -> String {
        bytes.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for HexBytes {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<HexBytes, &'static str> {
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(|pair| byte(pair)).collect::<Option<_>>();
        let bytes = bytes.filter(|_| rest.is_empty()).map(HexBytes);
        bytes.ok_or("it is not a sequence of bytes in hexadecimal digits")
    }
}

impl ObjectRef {
    /// An object of the log `name`, which a catalog does not need, with `bytes` bytes.
    pub fn new(kind: ObjectKind, name: &str, bytes: u64, crc32: u32) -> ObjectRef {
        let key = match kind {
            ObjectKind::Log => format!("{name}/{crc32:08x}.gz"),
            ObjectKind::Index => format!("{name}/{crc32:08x}.idx"),
            ObjectKind::Table => format!("{name}/{crc32:08x}.calls.parquet"),
            ObjectKind::Catalog => format!("catalog/{crc32:08x}.cat"),
        };
        ObjectRef { key, bytes, crc32 }
    }

    /// Whether its key is the one that such an object has.
    fn is_of(&self, kind: ObjectKind, name: &str) -> bool {
        *self == ObjectRef::new(kind, name, self.bytes, self.crc32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enterprise() -> EnterpriseName {
        EnterpriseName::new("0367").expect("a name")
    }

    fn manifest() -> Manifest {
        let name = "events.log.2025-11-29.gz";
        let object = |kind, crc32| ObjectRef::new(kind, name, 11, crc32);
        Manifest {
            revision: 3,
            days: vec![ShippedEntry {
                name: name.to_owned(),
                log: object(ObjectKind::Log, 0x1f2e_3d4c),
                modified: 1_764_460_800_123_456_789,
                content: Some(ContentRef {
                    bytes: 99,
                    crc32: 7,
                }),
                times: Some((1_764_374_400_000, 1_764_460_799_000)),
                index: Some(object(ObjectKind::Index, 1)),
                index_head: Some(HexBytes(vec![0, 1, 0xfe])),
                table: None,
            }],
            catalog: Some(object(ObjectKind::Catalog, 2)),
            ..Manifest::new("0367")
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let written = manifest();
        let bytes = written.to_bytes();
        assert_eq!(Manifest::parse(&bytes, &enterprise()), Ok(written.clone()));
        assert_eq!(written.to_bytes(), bytes);
        assert_eq!(
            written.days[0].log.key,
            "events.log.2025-11-29.gz/1f2e3d4c.gz"
        );
        // A field that a later program of this version adds is passed over.
        let text = str::from_utf8(&bytes).expect("it is text");
        let more = text.replacen('{', "{ \"note\": [1],", 1);
        assert_eq!(Manifest::parse(more.as_bytes(), &enterprise()), Ok(written));
    }

    #[test]
    fn a_manifest_that_cannot_be_right_is_refused() {
        let text = manifest().to_bytes();
        let text = str::from_utf8(&text).expect("it is text");
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            let changed = text.replace(from, to);
            Manifest::parse(changed.as_bytes(), &enterprise()).expect_err("it can't be right")
        };
        assert_eq!(
            refused("\"version\": 1", "\"version\": 2, \"days\": 1"),
            "is a manifest of version 2, which this program does not know"
        );
        assert_eq!(refused("calltrace-manifest", "tar"), "is no manifest");
        assert_eq!(
            refused("\"enterprise\": \"0367\"", "\"enterprise\": \"0103\""),
            "is the manifest of another enterprise"
        );
        for (from, to) in [
            ("1f2e3d4c.gz", "1f2e3d4d.gz"),
            ("events.log.2025-11-29.gz/1f2e", "../0103/1f2e"),
            ("\"events.log.2025-11-29.gz\"", "\"../events.log\""),
            (".idx", ".gz"),
        ] {
            assert!(refused(from, to).ends_with("can't be right"), "{from}");
        }
        assert!(refused("catalog/", "../").ends_with("can't be right"));
        for (from, to) in [
            ("\"revision\": 3", "\"revision\": \"\""),
            ("0001fe", "0001f"),
            ("0001fe", "0001fé"),
        ] {
            assert!(refused(from, to).contains("at line"), "{to}");
        }
        for cut in 0..text.len() - 2 {
            let cut = &text.as_bytes()[..cut];
            assert!(Manifest::parse(cut, &enterprise()).is_err());
        }
    }
}
