//! The archive for systems without Debian packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packaging::{done, project};

fn pack(binary: &Path, folder: &Path) -> PathBuf {
    let mut pack = Command::new(project().join("packaging/tarball"));
    let printed = done(pack.arg(binary).arg(folder));
    PathBuf::from(printed.trim())
}

#[test]
fn the_tarball_works_where_it_is_unpacked_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    // Most of a program under test is data for debuggers, which takes long to pack.
    let binary = folder.path().join("calltrace");
    done(
        Command::new("strip")
            .arg("-o")
            .arg(&binary)
            .arg(testing::program()),
    );
    let archive = pack(&binary, &folder.path().join("first"));
    let name = archive
        .file_name()
        .expect("it has a name")
        .to_string_lossy();
    let version = env!("CARGO_PKG_VERSION");
    assert!(name.starts_with(&format!("calltrace-{version}-")), "{name}");
    let again = pack(&binary, &folder.path().join("second"));
    assert!(fs::read(&archive).expect("it is there") == fs::read(again).expect("it is there"));

    let folder_of_archive = archive.parent().expect("it lies in a folder");
    done(
        Command::new("sha256sum")
            .current_dir(folder_of_archive)
            .args(["--check", &format!("{name}.sha256")]),
    );
    done(
        Command::new("tar")
            .arg("-C")
            .arg(folder_of_archive)
            .arg("-xf")
            .arg(&archive),
    );
    let top = folder_of_archive.join(name.strip_suffix(".tar.gz").expect("it ends so"));
    let root = project().join("tests/data/call_tracer");
    let call = done(
        Command::new(top.join("bin/calltrace"))
            .env("CALLTRACE_NOW", testing::NOW)
            .args(["trace", "0367", "1764493655.61", "--root"])
            .arg(root),
    );
    assert!(call.starts_with("0367 call 1764493655.61"), "{call}");
    for file in [
        "share/man/man1/calltrace-sync.1",
        "share/man/man5/calltrace-format.5",
        "share/completions/calltrace.fish",
        "share/doc/docs/README.md",
        "share/doc/docs/ru/README.md",
        "share/doc/LICENSE",
        "packaging/calltrace-serve.service",
        "packaging/calltracectl",
        "packaging/prometheus-calltrace.yml",
    ] {
        assert!(top.join(file).exists(), "{file}");
    }
}
