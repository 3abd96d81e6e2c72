//! Indexes and sealed archives for tests, made by the library itself.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_engine::{Engine, TableState};
use calltrace_model::record::LogZone;
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::source::{Packer, Source};
use calltrace_store::tree::{EnterpriseName, LogFile, Snapshot, Tree};

/// The log files of an enterprise's folder, open.
pub(crate) fn logs(folder: &Path) -> Vec<Arc<LogFile>> {
    let name = EnterpriseName::new("0367").expect("a name");
    let folder = Folder::open(folder).expect("a folder");
    Snapshot::open(&name, &folder).expect("listed").files
}

/// Indexes one file.
pub(crate) fn index(log: &Arc<LogFile>) {
    let path = index::path_of(&log.path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let source = Source::open(Arc::clone(log)).expect("readable");
    let mut bytes = Vec::new();
    index::build(&source, LogZone::default(), &mut bytes).expect("indexed");
    fs::write(path, bytes).expect("written");
}

/// Indexes every file.
pub(crate) fn index_all(folder: &Path) {
    for log in logs(folder) {
        index(&log);
    }
    catalog(folder);
}

/// Indexes every file as it was when half of it was there.
pub(crate) fn index_halves(folder: &Path) {
    let paths: Vec<PathBuf> = logs(folder).iter().map(|log| log.path.clone()).collect();
    for path in paths {
        let text = fs::read(&path).expect("read");
        let (half, rest) = text.split_at(text.len() / 2);
        fs::write(&path, half).expect("cut");
        let log = logs(folder).into_iter().find(|log| log.path == path);
        index(&log.expect("the same file"));
        let mut file = File::options().append(true).open(&path).expect("open");
        file.write_all(rest).expect("grown");
    }
    catalog(folder);
}

/// Seals every file except the live one, as a rotation does, and indexes them.
pub(crate) fn seal_all(folder: &Path) {
    for log in logs(folder) {
        if log.name.full() == "events.log" {
            continue;
        }
        let archive = folder.join(format!("{}.gz", log.name.full()));
        let mut packer = Packer::new(File::create(archive).expect("made"));
        packer
            .part(&mut File::open(&log.path).expect("open"))
            .expect("packed");
        packer.finish().expect("written");
        fs::remove_file(&log.path).expect("removed");
    }
    index_all(folder);
}

/// Writes the catalog of a folder.
pub(crate) fn catalog(folder: &Path) {
    let name = EnterpriseName::new("0367").expect("a name");
    let open = Folder::open(folder).expect("a folder");
    let snapshot = Snapshot::open(&name, &open).expect("listed");
    let mut bytes = Vec::new();
    index::catalog::build(&snapshot, &mut bytes).expect("built");
    fs::write(index::catalog::path(folder), bytes).expect("written");
}

/// A client's number that the plain files of a folder name.
pub(crate) fn a_number(folder: &Path) -> String {
    let text = logs(folder)
        .iter()
        .map(|log| fs::read(&log.path).expect("read"))
        .next_back();
    let text = String::from_utf8_lossy(&text.expect("a file")).into_owned();
    let position = text.find("\"Phone\": \"37529").expect("a number");
    text[position + 10..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect()
}

/// Writes the tables of calls of an enterprise's folder that are missing or hold no longer; the names of those
/// that hold now, and why there is none for the rest.
pub(crate) fn tables(engine: &Engine, root: &Path) -> (Vec<String>, Vec<String>) {
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let own = root.join("0367").join(index::FOLDER);
    fs::create_dir_all(&own).expect("made");
    let (mut held, mut useless) = (Vec::new(), Vec::new());
    let mut take = |state: TableState| {
        match state {
            TableState::Fresh(name) => held.push(name),
            TableState::Built(table) => {
                fs::write(own.join(&table.name), table.bytes).expect("written");
                held.push(table.name);
            }
            TableState::Open(name) => useless.push(format!("{name} is open")),
            TableState::Useless(name, why) => useless.push(format!("{name} {why}")),
        }
        Ok(true)
    };
    engine.build_tables(&tree, &name, &mut take).expect("built");
    (held, useless)
}
