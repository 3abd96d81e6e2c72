//! The first five minutes: the command alone, folders that are not there, `calltrace config`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testing::{out, sample};

/// The command in a folder, untouched by the settings of the user who runs the tests.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = testing::command(folder);
    command.env_remove("CALLTRACE_ROOT").env_remove("TZ");
    command.env("XDG_CONFIG_HOME", folder);
    command.args(args).current_dir(folder);
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let output = command(folder, args).output();
    output.expect("the command starts")
}

fn stderr_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder of its own")
}

fn settings(folder: &Path, text: &str) {
    fs::create_dir_all(folder.join("calltrace")).expect("its own folder");
    fs::write(folder.join("calltrace/config.toml"), text).expect("its own folder");
}

/// A tree of one enterprise with one line.
fn tree(root: &Path) {
    fs::create_dir_all(root.join("0367")).expect("its own folder");
    let line = "2025-11-30 09:07:35,300|AST|dial|1764493655.61|{\"UniqueId\":\"1764493655.61\"}\n";
    fs::write(root.join("0367/events.log"), line).expect("its own folder");
}

#[test]
fn the_command_alone_says_what_it_can_do_and_where_it_looks() {
    let here = folder();
    let output = run(here.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr_of(&output), "");
    let text = out(&output);
    let shown_folder = here.path().display();
    for (name, _) in calltrace::cli::subcommands() {
        assert!(text.contains(&format!("\n  {name} ")), "{name} in {text}");
    }
    let logs = format!(
        "\nlogs      no folder call_tracer in {shown_folder}; name the log tree with --root DIR"
    );
    assert!(text.contains(&logs), "{text}");
    assert!(
        text.contains(&format!(
            "{shown_folder}/calltrace/config.toml, not there\n"
        )),
        "{text}"
    );

    tree(&here.path().join("call_tracer"));
    settings(here.path(), "threads = 1\n");
    let text = out(&run(here.path(), &[]));
    let logs = format!("\nlogs      {shown_folder}/call_tracer (default): 0367\n");
    assert!(text.contains(&logs), "{text}");
    assert!(text.contains("calltrace tail 0367 --follow"), "{text}");
    assert!(
        text.contains(&format!("{shown_folder}/calltrace/config.toml, read\n")),
        "{text}"
    );
}

#[test]
fn a_missing_folder_gets_a_sentence_that_helps() {
    let here = folder();
    let shown_folder = here.path().display();
    let missing = |place: &str| format!("calltrace: no folder {place}\n");
    let tell = "name the log tree with --root DIR, CALLTRACE_ROOT or root in \
                /etc/calltrace/config.toml";
    let search = || stderr_of(&run(here.path(), &["search"]));
    assert_eq!(
        search(),
        missing(&format!("call_tracer in {shown_folder}; {tell}"))
    );

    // In the tree, next to it, in one of its folders.
    tree(&here.path().join("logs"));
    let inside = here.path().join("logs");
    let inside_at = inside.display();
    assert_eq!(
        stderr_of(&run(&inside, &["trace", "1764493655.61"])),
        missing(&format!(
            "call_tracer in {inside_at}; {tell}; this folder looks like one: --root ."
        ))
    );
    fs::rename(&inside, here.path().join("call_tracer")).expect("its own folder");
    let below = here.path().join("below");
    fs::create_dir(&below).expect("its own folder");
    let output = run(&below, &["tail"]);
    assert!(
        stderr_of(&output).ends_with("; ../call_tracer looks like one: --root ../call_tracer\n")
    );
    assert_eq!(output.status.code(), Some(2));

    let output = run(here.path(), &["search", "--root", "call_tracer/0367"]);
    assert_eq!(
        stderr_of(&output),
        "calltrace: call_tracer/0367 holds log files itself, so it is an enterprise's folder; \
         --root takes the folder above: --root call_tracer\n"
    );
    let output = run(
        &here.path().join("call_tracer/0367"),
        &["search", "--root", "."],
    );
    assert!(
        stderr_of(&output).ends_with("--root ./..\n"),
        "{}",
        stderr_of(&output)
    );
}

#[test]
fn a_log_that_went_astray_into_the_root_stops_nothing() {
    let here = folder();
    let root = here.path().join("call_tracer");
    tree(&root);
    fs::copy(root.join("0367/events.log"), root.join("events.log")).expect("its own folder");
    let output = run(here.path(), &["trace", "1764493655.61"]);
    assert_eq!(
        (stderr_of(&output).as_str(), output.status.code()),
        ("", Some(0))
    );
}

#[test]
fn who_named_a_missing_folder_is_said() {
    let here = folder();
    let variable = command(here.path(), &["search"])
        .env("CALLTRACE_ROOT", "/nowhere")
        .output()
        .expect("the command starts");
    assert_eq!(
        stderr_of(&variable),
        "calltrace: no folder /nowhere, which CALLTRACE_ROOT names as the log tree\n"
    );
    settings(here.path(), "# mine\nroot = \"/nowhere\"\n");
    let shown_folder = here.path().display();
    assert_eq!(
        stderr_of(&run(here.path(), &["search"])),
        format!(
            "calltrace: no folder /nowhere, which {shown_folder}/calltrace/config.toml:2 names as the log tree\n"
        )
    );
}

#[test]
fn a_folder_without_a_log_tree_is_an_error() {
    let here = folder();
    fs::create_dir(here.path().join("docs")).expect("its own folder");
    let output = run(here.path(), &["trace", "--root", ".", "1764493655.61"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr_of(&output).contains("there is no log file under .; --root takes the folder"),
        "{}",
        stderr_of(&output)
    );
}

const MINE: &str = "\
root = \"call_tracer\"
[rotate]
keep = \"30d\"
[serve]
api_token = \"t0ken\"
trusted_proxies = [\"10.0.0.5\"]
[enterprises.0367]
name = \"june\"
secret = \"s3cret\"
extensions = { 151 = \"Анна Сидорова\" }
[postgres]
url = \"postgres://reader:s3cret@localhost/db\"
[metadata]
url = \"host s3cret\"
";

#[test]
fn config_shows_each_setting_with_its_value_and_where_it_comes_from() {
    let here = folder();
    settings(here.path(), MINE);
    fs::write(here.path().join("other.toml"), "rotate.grace = \"2m\"\n").expect("its own folder");
    let output = command(
        here.path(),
        &["config", "--config", "other.toml", "--threads", "3"],
    )
    .env("CALLTRACE_THREADS", "4")
    .env("CALLTRACE_LISTEN", "127.0.0.1:8027")
    .output()
    .expect("the command starts");
    let text = out(&output);
    assert_eq!(
        (stderr_of(&output).as_str(), output.status.code()),
        ("", Some(0))
    );
    let mine = format!("{}/calltrace/config.toml", here.path().display());
    for (setting, origin) in [
        ("root = \"call_tracer\"", format!("{mine}:1")),
        ("threads = 3", "--threads".to_owned()),
        ("keep = \"30d\"", format!("{mine}:3")),
        ("mode = \"auto\"", "default".to_owned()),
        ("# max_size", "not set: no limit".to_owned()),
        ("grace = \"2m\"", "other.toml:1".to_owned()),
        ("listen = \"127.0.0.1:8027\"", "CALLTRACE_LISTEN".to_owned()),
        ("trusted_proxies = [\"10.0.0.5\"]", format!("{mine}:6")),
        ("# api_token", format!("{mine}:5, set and not shown")),
        ("name = \"june\"", format!("{mine}:8")),
        ("# secret", format!("{mine}:9, set and not shown")),
        ("151 = \"Анна Сидорова\"", format!("{mine}:10")),
        (
            "# url",
            format!("{mine}:12, set: postgres://reader:***@localhost/db"),
        ),
        ("# url", format!("{mine}:14, set and not shown")),
        ("pool = 4", "default".to_owned()),
    ] {
        let is_line = |line: &str| {
            let parts = line.split_once("  # ").map(|(a, b)| (a.trim_end(), b));
            parts == Some((setting, origin.as_str()))
        };
        assert!(text.lines().any(is_line), "{setting} # {origin} in\n{text}");
    }
    assert!(text.contains("\n[enterprises.0367.extensions]\n"), "{text}");
    assert!(
        !text.contains("s3cret") && !text.contains("t0ken"),
        "{text}"
    );
}

#[test]
fn what_config_prints_can_be_read_as_settings_and_says_the_same() {
    let here = folder();
    let open = MINE
        .replace("secret = \"s3cret\"", "")
        .replace("[metadata]\nurl = \"host s3cret\"", "");
    settings(here.path(), &open.replace("reader:s3cret@", "reader@"));
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.split_once("  # "));
        let set = lines.filter(|(setting, _)| !setting.starts_with('#'));
        set.map(|(setting, _)| setting.trim_end().to_owned())
            .collect()
    };
    let first = out(&run(here.path(), &["config"]));
    settings(here.path(), &first);
    let second = run(here.path(), &["config"]);
    assert_eq!(stderr_of(&second), "");
    assert_eq!(values(&out(&second)), values(&first));
    assert!(values(&first).len() > 10, "{first}");
}

#[test]
fn config_is_json_for_programs() {
    let here = folder();
    settings(here.path(), MINE);
    let output = run(here.path(), &["config", "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["version"], 1);
    assert_eq!(document["files"][1]["read"], true);
    let of = |key: &[&str]| {
        let settings = document["settings"].as_array().expect("a list");
        let wanted = serde_json::json!(key);
        let found = settings.iter().find(|setting| setting["key"] == wanted);
        found.expect("each setting is there").clone()
    };
    let keep = of(&["rotate", "keep"]);
    assert_eq!(keep["value"], "30d");
    assert_eq!(
        (&keep["origin"], &keep["line"]),
        (&"file".into(), &3.into())
    );
    let secret = of(&["enterprises", "0367", "secret"]);
    assert_eq!(
        (&secret["value"], &secret["secret"]),
        (&Value::Null, &true.into())
    );
    assert_eq!(of(&["serve", "log_file"])["origin"], "unset");
    let text = out(&output);
    assert!(
        !text.contains("s3cret") && !text.contains("t0ken"),
        "{text}"
    );
}

#[test]
fn the_settings_of_another_users_home_are_passed_over() {
    let (here, open) = (folder(), folder());
    settings(here.path(), "root = \"/nowhere\"\n");
    // Other users may not read the folder of the tests either.
    let program = open.path().join("calltrace");
    testing::copy_program(&program);
    for (path, mode) in [
        (here.path(), 0o700),
        (open.path(), 0o755),
        (&program, 0o755),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its own folder");
    }
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .arg("config")
        .env("XDG_CONFIG_HOME", here.path())
        .current_dir("/")
        .output()
        .expect("setpriv is there");
    let own = format!(
        "{}/calltrace/config.toml, not ours to read",
        here.path().display()
    );
    assert!(
        out(&output).contains(&own),
        "{}{}",
        out(&output),
        stderr_of(&output)
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_secret_in_the_wrong_place_is_shown_nowhere() {
    let slips = [
        "[metadata]\nurl = \"http://s3cret@localhost:8020\"",
        "[metadata]\nurl = \"http://localhost:8020/api/s3cret\"",
        "[postgres]\nurl_file = \"postgres://a:s3cret@x/db\"",
        "[enterprises.0367]\nsecret_file = \"s3cret\"",
        "[enterprises.0367.extensions]\nsecret = \"s3cret\"",
        "[serve]\npublic_url = \"https://x/?token=s3cret\"",
        "[serve]\ntrusted_proxies = [\"http://u:s3cret@x\"]",
    ];
    for slip in slips {
        let here = folder();
        tree(&here.path().join("call_tracer"));
        settings(here.path(), slip);
        for args in [
            &["config"] as &[_],
            &["config", "--format=json"],
            &["link", "0367", "1764493655.61"],
        ] {
            let output = run(here.path(), args);
            let all = out(&output) + &stderr_of(&output);
            assert!(!all.contains("s3cret"), "{slip}: {all}");
        }
    }
}

#[test]
fn a_syntax_error_is_told_with_its_line() {
    let here = folder();
    for (text, line) in [
        ("root = \"/srv\"\nthreads = \n", 2),
        ("root = \"/srv\"\nroot = \"/other\"\n", 2),
        ("a = = 1", 1),
    ] {
        settings(here.path(), text);
        let text = stderr_of(&run(here.path(), &["config"]));
        assert!(text.contains(&format!("config.toml:{line}: ")), "{text}");
    }
}

#[test]
fn a_variable_that_is_wrong_is_called_by_its_name() {
    let here = folder();
    tree(&here.path().join("call_tracer"));
    for (variable, value, args) in [
        ("CALLTRACE_LISTEN", "here", &["config"] as &[_]),
        ("CALLTRACE_ROOT", "", &["search"]),
        ("CALLTRACE_THREADS", "many", &["search"]),
        ("CALLTRACE_LOG_TIMEZONE", "nowhere", &["search"]),
    ] {
        let output = command(here.path(), args).env(variable, value).output();
        let output = output.expect("the command starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            stderr_of(&output).contains(variable),
            "{}",
            stderr_of(&output)
        );
        assert!(!stderr_of(&output).contains("--"), "{}", stderr_of(&output));
    }
    use std::os::unix::ffi::OsStrExt as _;
    let torn = std::ffi::OsStr::from_bytes(b"a\xff");
    let output = command(here.path(), &["search"])
        .env("CALLTRACE_LOG_TIMEZONE", torn)
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn config_says_what_is_wrong_with_the_environment() {
    let output = command(&sample(), &["config"])
        .env("CALLTRACE_LISTEN", "here")
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr_of(&output).contains("an address to listen on is like"),
        "{}",
        stderr_of(&output)
    );
}
