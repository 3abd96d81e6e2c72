//! `calltrace ship` as a person and as cron use it: lines, JSON, exit codes, and no secret anywhere.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use testing::fault_proxy::{Fault, FaultProxy};
use testing::faults::scene::listing;
use testing::object_stores::{KEY, Seaweed, archive_settings};

use crate::ship_scene::{DAYS, ShipScene, name_of};

struct Program<'s> {
    scene: &'s ShipScene,
    settings: PathBuf,
}

impl<'s> Program<'s> {
    fn new(scene: &'s ShipScene, endpoint: &str, more: &str) -> Program<'s> {
        let root = scene.scene.root();
        let folder = root.parent().expect("a folder of its own");
        let settings = folder.join("config.toml");
        let text = archive_settings(endpoint, &scene.prefix, folder);
        fs::write(&settings, text + more).expect("written");
        Program { scene, settings }
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.calltrace(&[&["ship"], args].concat())
    }

    fn calltrace(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = testing::command(&self.scene.scene.root());
        command.arg("--config").arg(&self.settings).args(args);
        let output: Output = command.output().expect("it starts");
        let said = [testing::text(&output.stdout), testing::text(&output.stderr)];
        for text in &said {
            assert!(
                !text.contains(KEY.0) && !text.contains(KEY.1),
                "a key: {text}"
            );
        }
        let [out, err] = said;
        (output.status.code().expect("it ends by itself"), out, err)
    }
}

#[test]
fn each_step_is_a_line_and_all_of_a_run_a_document() {
    let scene = ShipScene::new();
    let program = Program::new(&scene, &Seaweed::shared().endpoint(), "");
    let (code, out, err) = program.run(&["--dry-run"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out.lines().count(), 3);
    assert!(
        out.starts_with("0367: would ship events.log.2025-11-28.gz, "),
        "{out}"
    );
    assert_eq!(scene.shipped(), Vec::<String>::new());
    let (code, out, err) = program.run(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("0367: shipped events.log.2025-11-28.gz, "),
        "{out}"
    );
    let (code, out, err) = program.run(&["-v"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(err, "calltrace: 0367: the bucket holds all sealed days\n");
    let (code, out, _) = program.run(&["--check", "--deep", "--format", "json"]);
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let checked = &document["enterprises"][0]["checked"];
    assert_eq!(checked["days"], 3);
    assert_eq!(checked["objects"], 10);
    assert_eq!(checked["orphans"], 0);
    assert_eq!(checked["deep"], true);
}

#[test]
fn a_check_names_what_is_wrong_and_fetching_says_what_there_is_not() {
    let scene = ShipScene::new();
    let program = Program::new(&scene, &Seaweed::shared().endpoint(), "");
    let (code, out, err) = program.run(&["--check"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("0367: 0 days in s3://"), "{out}");
    assert_eq!(
        err.lines()
            .filter(|line| line.ends_with("is not shipped yet"))
            .count(),
        3,
        "{err}"
    );
    program.run(&[]);
    let log = scene.manifest().days[1].log.clone();
    let name = testing::faults::scene::enterprise();
    scene.bucket.delete(&name, &log.key).expect("deleted");
    let (code, _, err) = program.run(&["--check"]);
    assert_eq!(code, 2);
    assert!(
        err.contains(&format!("0367/{}: is missing", log.key)),
        "{err}"
    );
    let (code, _, err) = program.run(&["--fetch", "2024-01-01"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("no such day"), "{err}");
    let (code, _, err) = program.run(&["--fetch", "yesterday"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn days_of_a_folder_that_is_lost_are_brought_back_into_a_new_one() {
    let scene = ShipScene::new();
    let program = Program::new(&scene, &Seaweed::shared().endpoint(), "");
    program.run(&[]);
    let folder = scene.scene.folder();
    let before = listing(&folder);
    fs::remove_dir_all(&folder).expect("its own folder");
    let fetch = ["0367", "--fetch", "2025-11-01..2025-11-30"];
    let (code, _, err) = program.run(&fetch);
    assert_eq!(code, 2);
    assert!(
        err.contains("0367 does not exist; make the folder"),
        "{err}"
    );
    fs::create_dir(&folder).expect("its own folder");
    let (code, _, err) = program.run(&fetch);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(listing(&folder), before);
}

#[test]
fn a_setting_removes_local_days_and_the_next_rotation_finds_nothing_amiss() {
    let scene = ShipScene::new();
    let more = "keep = \"365d\"\n[ship]\nkeep_local = \"4d\"\n";
    let program = Program::new(&scene, &Seaweed::shared().endpoint(), more);
    let begin = std::time::Instant::now();
    let (code, out, err) = program.run(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        begin.elapsed().as_secs() >= 10,
        "readers must have forgotten the manifest before"
    );
    assert!(
        out.contains("removed the local events.log.2025-11-28.gz"),
        "{out}"
    );
    assert_eq!(
        listing(&scene.scene.folder()),
        DAYS[1..].iter().map(|day| name_of(day)).collect::<Vec<_>>()
    );
    scene.rotate();
    let (code, out, err) = program.run(&[]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
}

#[test]
fn a_rotation_removes_an_old_day_only_once_it_is_shipped_and_doctor_names_it() {
    let scene = ShipScene::new();
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let program = Program::new(&scene, &proxy.endpoint(), "");
    let (_, out, _) = program.calltrace(&["doctor"]);
    assert!(
        out.contains("[not-shipped] events.log.2025-11-28.gz"),
        "{out}"
    );
    assert!(
        !out.contains("[not-rotated]") && !out.contains("[archive]"),
        "{out}"
    );
    let rotate = ["rotate", "--keep", "4d"];
    let (code, out, err) = program.calltrace(&rotate);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(
        err.contains("events.log.2025-11-28.gz: is to be removed, but is not in object storage"),
        "{err}"
    );
    program.run(&[]);
    let (code, out, err) = program.calltrace(&rotate);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("0367: removed events.log.2025-11-28.gz"),
        "{out}"
    );
    let (_, out, _) = program.calltrace(&["doctor"]);
    assert!(!out.contains("[not-shipped]"), "{out}");
    proxy.play(Fault::Status(403), usize::MAX, |_| true);
    let (code, out, _) = program.calltrace(&["doctor"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("[archive]") && out.contains("denies access"),
        "{out}"
    );
}

#[test]
fn no_key_is_shown_whatever_goes_wrong() {
    let scene = ShipScene::new();
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let program = Program::new(&scene, &proxy.endpoint(), "");
    for fault in [
        Fault::Status(403),
        Fault::Status(500),
        Fault::Refused,
        Fault::Cut(1),
    ] {
        proxy.reset();
        proxy.play(fault, usize::MAX, |_| true);
        let (code, out, err) = program.run(&["-v"]);
        assert_eq!((code, out.as_str()), (2, ""), "{fault:?}");
        assert!(err.contains("0367"), "{fault:?}: {err}");
    }
    proxy.reset();
    program.run(&["-v"]);
    for folder in [
        scene.scene.folder(),
        scene.scene.folder().join(".calltrace"),
    ] {
        for entry in fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).unwrap_or_default();
            let is_shown = bytes
                .windows(KEY.1.len())
                .any(|part| part == KEY.1.as_bytes());
            assert!(!is_shown, "{}", path.display());
        }
    }
}

#[test]
fn without_a_bucket_it_says_what_to_set() {
    let scene = ShipScene::new();
    let output = testing::run(&scene.scene.root(), &["ship"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(testing::text(&output.stderr).contains("archive.url"));
}
