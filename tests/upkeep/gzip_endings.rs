//! Bytes behind the last member of a gzip: zeros are padding and end the file; bytes of another kind are named once and
//! kept.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Output;

use flate2::Compression;
use flate2::write::GzEncoder;

const NAME: &str = "events.log.2025-12-01.gz";
const KEEP: &str = "--keep=36500d";

struct Archive {
    dir: tempfile::TempDir,
}

impl Archive {
    fn new(bytes: &[u8]) -> Archive {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("0367")).expect("made");
        let archive = Archive { dir };
        fs::write(archive.path(), bytes).expect("written");
        archive
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("0367").join(NAME)
    }

    fn run(&self, args: &[&str]) -> Output {
        testing::run(self.dir.path(), args)
    }

    /// The number of lines found, the exit code, and the messages.
    fn lines(&self) -> (String, Option<i32>, String) {
        let output = self.run(&["search", "0367", "--lines", "--count"]);
        let stderr = testing::text(&output.stderr);
        let count = testing::text(&output.stdout).trim().to_owned();
        (count, output.status.code(), stderr)
    }
}

fn member(lines: std::ops::Range<usize>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        let uid = 1_764_580_500 + line;
        writeln!(
            encoder,
            "2025-12-01 09:{:02}:00,000|AST|hangup|{uid}.1|{{\"UniqueId\": \"{uid}.1\", \"Phone\": \"375290001111\"}}",
            line % 60
        )
        .expect("into memory");
    }
    encoder.finish().expect("gzip")
}

#[test]
fn zeros_behind_a_gzip_are_its_end_and_between_members_are_nothing() {
    let (one, two) = (member(0..7), member(7..11));
    for zeros in [1, 2, 7, 8, 9, 10, 11, 511, 4096, 131_072, 200_001] {
        let zeros = vec![0; zeros];
        for (bytes, count) in [
            ([&one[..], &zeros].concat(), "7"),
            ([&one[..], &two, &zeros].concat(), "11"),
            ([&one[..], &zeros, &two].concat(), "11"),
            ([&one[..], &zeros, &two, &zeros].concat(), "11"),
        ] {
            let archive = Archive::new(&bytes);
            let expected = (count.to_owned(), Some(0), String::new());
            assert_eq!(archive.lines(), expected, "{} zeros", zeros.len());
        }
    }
}

#[test]
fn a_padded_archive_is_rotated_night_after_night_and_recompressed() {
    let archive = Archive::new(&[member(0..7), vec![0; 4000]].concat());
    let before = archive.lines();
    for args in [&["rotate", KEEP][..], &["rotate", KEEP]] {
        let output = archive.run(args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(archive.lines(), before);
    }
    let output = archive.run(&["rotate", KEEP, "--recompress"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(archive.lines(), before);
    let report = testing::text(&archive.run(&["doctor"]).stdout);
    assert!(
        !report.contains("damaged") && !report.contains("trailing"),
        "{report}"
    );
}

#[test]
fn what_gzip_ignores_behind_the_end_is_named_once_and_kept() {
    for garbage in [
        &b"x"[..],
        b"\r\n",
        b"2025-12-01 10:00:00,000|AST|hangup|1.1|{}\n",
        b"\0\0\0\0garbage behind padding",
        &[0xff; 200_000],
    ] {
        let bytes = [&member(0..7)[..], garbage].concat();
        let archive = Archive::new(&bytes);
        for _ in 0..2 {
            let (count, code, stderr) = archive.lines();
            assert_eq!((count.as_str(), code), ("7", Some(0)), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(stderr.contains("after its gzip data"), "{stderr}");
            assert!(!stderr.contains("incomplete"), "{stderr}");
            let calls = archive.run(&["search", "0367", "--format=json"]);
            assert_eq!(calls.status.code(), Some(0));
            let json = testing::text(&calls.stdout);
            assert!(json.contains("\"complete\": true") || json.contains("\"complete\":true"));
            assert!(json.contains("after its gzip data"), "{json}");
            // The answer is the same with an index and a table of calls.
            let nightly = archive.run(&["rotate", KEEP]);
            assert_eq!(nightly.status.code(), Some(0), "{nightly:?}");
        }
        let output = archive.run(&["rotate", KEEP, "--recompress"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let stderr = testing::text(&output.stderr);
        assert!(stderr.contains("is not recompressed: it has "), "{stderr}");
        assert!(fs::read(archive.path()).expect("read") == bytes);
        let report = testing::text(&archive.run(&["doctor", "-v"]).stdout);
        assert!(report.contains("trailing"), "{report}");
    }
}

#[test]
fn what_gzip_calls_an_error_is_still_damage() {
    let (one, two) = (member(0..7), member(7..11));
    let mut broken = two.clone();
    broken[0] = 0;
    for (bytes, why) in [
        ([&one[..], &two[..1]].concat(), "a magic byte"),
        ([&one[..], &two[..5]].concat(), "half a header"),
        ([&one[..], &two[..two.len() / 2]].concat(), "half a member"),
        (
            [&one[..one.len() - 3], &[0; 40]].concat(),
            "padding in place of a trailer",
        ),
        ([&one[..], b"junk", &two].concat(), "junk between members"),
        (
            [&one[..], &broken, &two].concat(),
            "a member without its magic before another",
        ),
    ] {
        let archive = Archive::new(&bytes);
        let (_, code, stderr) = archive.lines();
        assert_eq!(code, Some(2), "{why}: {stderr}");
        assert!(stderr.contains("incomplete: "), "{why}: {stderr}");
    }
}
