//! The manifest of an export: `export.json` describes the files that the export wrote into its folder.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Version of the format.
const VERSION: u64 = 1;

/// The mark by which a manifest is recognised.
const MADE_BY: &str = "calltrace export";

/// The arguments that decide the content of the files, by option.
pub(super) type Arguments = BTreeMap<String, String>;

/// The content of `export.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportManifest {
    pub(super) arguments: Arguments,
    /// By file name.
    pub(super) files: BTreeMap<String, ManifestEntry>,
}

/// One file of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ManifestEntry {
    /// Number of calls.
    pub(super) rows: u64,
    pub(super) content: FileDigest,
    /// The file that it replaces, noted before it does so: after a killed run either file is recognised.
    pub(super) before: Option<FileDigest>,
    /// The period was over, everything could be read, and no call was in progress.
    pub(super) is_complete: bool,
    /// RFC 3339.
    pub(super) made_at: String,
    /// The last change of the logs that it was written from (nanoseconds of Unix time).
    pub(super) logs_changed: i64,
}

/// The length and checksum by which a file is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileDigest {
    pub(super) bytes: u64,
    /// SHA-256, in hexadecimal digits.
    pub(super) sha256: String,
}

impl ExportManifest {
    pub(super) fn new(arguments: Arguments) -> ExportManifest {
        let files = BTreeMap::new();
        ExportManifest { arguments, files }
    }

    /// Parses a manifest; `None` for any other file.
    pub(super) fn parse(text: &[u8]) -> Option<ExportManifest> {
        let value: Value = serde_json::from_slice(text).ok()?;
        if value.get("made_by")? != MADE_BY || value.get("version")?.as_u64()? != VERSION {
            return None;
        }
        let argument =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let file =
            |(name, value): (&String, &Value)| Some((name.clone(), ManifestEntry::parse(value)?));
        Some(ExportManifest {
            arguments: value
                .get("arguments")?
                .as_object()?
                .iter()
                .map(argument)
                .collect::<Option<_>>()?,
            files: value
                .get("files")?
                .as_object()?
                .iter()
                .map(file)
                .collect::<Option<_>>()?,
        })
    }

    pub(super) fn text(&self) -> String {
        let files: Map<String, Value> = (self.files.iter())
            .map(|(name, entry)| (name.clone(), entry.value()))
            .collect();
        let value = json!({
            "made_by": MADE_BY,
            "version": VERSION,
            "arguments": self.arguments,
            "files": files,
        });
        format!("{value:#}\n")
    }

    /// The arguments that differ from `now`, in words; empty if they are the same.
    pub(super) fn differences(&self, now: &Arguments) -> Vec<String> {
        let mut differences = Vec::new();
        let with = |option: &str, value: &str| format!("{option} {value}").trim_end().to_owned();
        for (option, was) in &self.arguments {
            match now.get(option) {
                Some(is) if is == was => {}
                Some(is) => differences.push(format!("{}, not {is}", with(option, was))),
                None => differences.push(with(option, was)),
            }
        }
        let fresh = now
            .iter()
            .filter(|(option, _)| !self.arguments.contains_key(*option));
        differences.extend(fresh.map(|(option, is)| format!("no {}", with(option, is))));
        differences
    }
}

impl ManifestEntry {
    fn parse(value: &Value) -> Option<ManifestEntry> {
        Some(ManifestEntry {
            rows: value.get("rows")?.as_u64()?,
            content: FileDigest::parse(value)?,
            before: value.get("replaces").and_then(FileDigest::parse),
            is_complete: value.get("complete")?.as_bool()?,
            made_at: value.get("made_at")?.as_str()?.to_owned(),
            logs_changed: value.get("logs_changed_ns")?.as_i64()?,
        })
    }

    fn value(&self) -> Value {
        let mut value = json!({
            "rows": self.rows,
            "bytes": self.content.bytes,
            "sha256": self.content.sha256,
            "complete": self.is_complete,
            "made_at": self.made_at,
            "logs_changed_ns": self.logs_changed,
        });
        if let Some(before) = &self.before {
            value["replaces"] = json!({ "bytes": before.bytes, "sha256": before.sha256 });
        }
        value
    }
}

impl FileDigest {
    fn parse(value: &Value) -> Option<FileDigest> {
        Some(FileDigest {
            bytes: value.get("bytes")?.as_u64()?,
            sha256: value.get("sha256")?.as_str()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(all: &[(&str, &str)]) -> Arguments {
        let owned = |(option, value): &(&str, &str)| ((*option).to_owned(), (*value).to_owned());
        all.iter().map(owned).collect()
    }

    #[test]
    fn a_written_manifest_is_read_and_any_other_text_is_refused() {
        let content = |bytes| FileDigest {
            bytes,
            sha256: "ab".to_owned(),
        };
        let entry = ManifestEntry {
            rows: 3,
            content: content(9),
            before: Some(content(8)),
            is_complete: true,
            made_at: "2025-12-03T15:00:00Z".to_owned(),
            logs_changed: 1_764_774_000_123_456_789,
        };
        let manifest = ExportManifest {
            arguments: arguments(&[("--format", "csv")]),
            files: [("calls.csv".to_owned(), entry)].into(),
        };
        let text = manifest.text();
        assert_eq!(ExportManifest::parse(text.as_bytes()), Some(manifest));
        let newer = text.replace("\"version\": 1", "\"version\": 2");
        for other in [
            "",
            "{}",
            "[1]",
            "{\"files\": {}}",
            &newer,
            &text[..text.len() / 2],
        ] {
            assert_eq!(ExportManifest::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn arguments_that_differ_are_named() {
        let was = arguments(&[("--bom", ""), ("--format", "csv"), ("--tz", "UTC")]);
        let now = arguments(&[
            ("--format", "ndjson"),
            ("--status", "missed"),
            ("--tz", "UTC"),
        ]);
        let manifest = ExportManifest::new(was.clone());
        assert_eq!(
            manifest.differences(&now),
            ["--bom", "--format csv, not ndjson", "no --status missed"]
        );
        assert!(manifest.differences(&was).is_empty());
    }
}
