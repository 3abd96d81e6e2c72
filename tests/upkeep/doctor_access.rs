//! Rights to read and write, as `calltrace doctor` sees them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use crate::doctoring::{Findings, Tree, calls, day, minutes_ago, secret_line, unprivileged};

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

/// Makes a file that of another user, which only root can.
fn give_away(path: &Path) {
    if chown(path, Some(33), Some(33)).is_err() {
        let mut sudo = Command::new("sudo");
        let done = sudo.args(["-n", "chown", "33:33"]).arg(path).status();
        assert!(
            done.expect("sudo starts").success(),
            "neither root nor sudo"
        );
    }
}

/// A tree that every user of the machine can reach.
fn open() -> Tree {
    let tree = Tree::healthy();
    tree.open_to_all();
    for entry in fs::read_dir(tree.path("")).expect("listed") {
        let path = entry.expect("an entry").path();
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        chmod(&path, mode);
    }
    tree
}

fn add_secret(tree: &Tree) {
    let text = calls(&minutes_ago(30), 10) + &secret_line(&minutes_ago(20));
    tree.write("events.log", text);
}

#[test]
fn secrets_in_bodies_are_named_by_their_key_and_never_printed() {
    let tree = open();
    add_secret(&tree);
    let found = tree.look(&[]);
    found.are(&["secrets-readable warning"]);
    let secret = found.get("secrets-readable");
    assert_eq!(
        (&secret["file"], &secret["line"]),
        (&"events.log".into(), &11.into())
    );
    assert_eq!(
        (&secret["evidence"]["key"], &secret["evidence"]["files"]),
        (&"Token".into(), &4.into())
    );
    let remedy = found.remedy("secrets-readable");
    assert!(remedy.starts_with("`chmod o= "), "{remedy}");
    for args in [&["-v"][..], &["--deep"], &["--format=json"]] {
        let output = format!("{:?}", tree.run(args));
        assert!(!output.contains("s3cretvalue"), "{output}");
    }
}

#[test]
fn what_is_masked_or_closed_is_no_leak() {
    let tree = open();
    tree.look(&[]).are(&[]);
    add_secret(&tree);
    for (path, closed, open) in [
        (tree.path("events.log"), 0o640, 0o644),
        (tree.path(""), 0o750, 0o755),
        (tree.root(), 0o750, 0o755),
        (tree.dir().to_owned(), 0o700, 0o755),
    ] {
        chmod(&path, closed);
        tree.look(&[]).are(&[]);
        chmod(&path, open);
    }
    tree.look(&[]).are(&["secrets-readable warning"]);
    let masked = fs::read_to_string(tree.path("events.log")).expect("read");
    tree.write("events.log", masked.replace("s3cretvalue", "***"));
    tree.look(&[]).are(&[]);
}

#[test]
fn what_every_user_may_change_is_a_problem() {
    let tree = open();
    chmod(&tree.path("events.log"), 0o666);
    let found = tree.look(&[]);
    found.are(&["world-writable problem"]);
    assert!(
        found.seen("world-writable").contains("mode 0666"),
        "{}",
        found.seen("world-writable")
    );
    chmod(&tree.path("events.log"), 0o664);
    tree.look(&[]).are(&[]);
    chmod(&tree.path(""), 0o777);
    let found = tree.look(&[]);
    found.are(&["world-writable problem", "refused problem"]);
    assert!(
        found
            .seen("world-writable")
            .contains("add and rename files")
    );
    chmod(tree.dir(), 0o700);
    // A process may be in there already: root's rotation looks at the folder alone.
    tree.look(&[]).are(&["refused problem"]);
}

#[test]
fn settings_with_secrets_that_every_user_may_read_are_a_problem() {
    let tree = open();
    let config = tree.dir().join("config.toml");
    let secret = tree.dir().join("secret");
    fs::write(&secret, "s3cretvalue\n").expect("written");
    chmod(&secret, 0o600);
    let file = config.display().to_string();
    let look = |text: &str, mode: u32| {
        fs::write(&config, text).expect("written");
        chmod(&config, mode);
        tree.look(&["--config", &file])
    };
    let here = "[enterprises.0367]\nsecret = \"s3cretvalue\"\n";
    let found = look(here, 0o644);
    found.are(&["settings-readable problem"]);
    let mut bare = tree.command(&["doctor", "--format=json", "--config", "config.toml"]);
    let output = bare.current_dir(tree.dir()).output().expect("it starts");
    Findings::of(&output).are(&["settings-readable problem"]);
    assert_eq!(found.all[0]["file"], file.as_str());
    assert!(!found.document.to_string().contains("s3cretvalue"));
    look(here, 0o640).are(&[]);
    look("threads = 1\n", 0o644).are(&[]);
    let url = "[postgres]\nurl = \"postgres://reader:s3cretvalue@localhost/db\"\n";
    look(url, 0o644).are(&["settings-readable problem"]);
    look(&url.replace(":s3cretvalue", ""), 0o644).are(&[]);

    let named = format!(
        "[enterprises.0367]\nsecret_file = \"{}\"\n",
        secret.display()
    );
    look(&named, 0o644).are(&[]);
    chmod(&secret, 0o644);
    let found = look(&named, 0o644);
    found.are(&["settings-readable problem"]);
    assert_eq!(found.all[0]["file"], secret.display().to_string());
}

#[test]
fn a_live_file_of_another_user_than_all_else_shuts_writers_out() {
    let tree = Tree::healthy();
    give_away(&tree.path("events.log"));
    let found = tree.look(&[]);
    found.are(&["owners-differ warning"]);
    assert!(
        found.seen("owners-differ").contains(
            "user 33 (mode \
    0644)"
        ),
        "{}",
        found.seen("owners-differ")
    );
    chmod(&tree.path("events.log"), 0o664);
    tree.look(&[]).are(&[]);
}

#[test]
fn who_may_not_write_is_told_so_in_a_note() {
    let tree = Tree::healthy();
    chmod(&tree.path(""), 0o555);
    let command = tree.command(&["doctor", "--format=json"]);
    let found = Findings::of(&unprivileged(&command).output().expect("it starts"));
    chmod(&tree.path(""), 0o755);
    found.are(&["cant-write note"]);
    assert_eq!(found.code, Some(0));
    let archive = tree.path(&format!("events.log.{}.gz", day(1)));
    assert!(archive.exists());
}

#[test]
fn an_index_that_only_others_may_read_is_no_finding() {
    let tree = Tree::healthy();
    let look = || {
        let command = tree.command(&["doctor", "--format=json"]);
        Findings::of(&unprivileged(&command).output().expect("it starts"))
    };
    let idx = tree.path(&format!(".calltrace/events.log.{}.gz.idx", day(1)));
    chmod(&idx, 0o000);
    let found = look();
    found.are(&[]);
    assert_eq!(found.code, Some(0));
    chmod(&tree.path(".calltrace"), 0o000);
    let found = look();
    chmod(&tree.path(".calltrace"), 0o750);
    found.are(&[]);
    assert_eq!(found.code, Some(2));
}
