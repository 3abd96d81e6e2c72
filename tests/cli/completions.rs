//! Completion in real shells: bash, zsh and fish, with the scripts where the package installs them. PowerShell, which
//! Debian does not have, is tested by the answers that its script gets.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use testing::sample;

use crate::shells::{bash, fish, home, program, project, text, typed, zsh};

/// The completions of the last word that `shell` gets, without flags. There is no other output.
fn offers(shell: &str, root: &Path, words: &[&str]) -> Vec<String> {
    let home = home();
    let output = completed(
        program("calltrace", home.path()).env("CALLTRACE_ROOT", root),
        shell,
        words,
    );
    let offers = text(&output.stdout);
    let values = offers.lines().filter(|offer| !offer.starts_with("--"));
    values.map(str::to_owned).collect()
}

fn completed(command: &mut Command, shell: &str, words: &[&str]) -> Output {
    let command = command
        .env("CALLTRACE_COMPLETE", shell)
        .arg("--")
        .arg("calltrace")
        .args(words);
    let output = command.output().expect("it starts");
    assert_eq!(text(&output.stderr), "", "{words:?}");
    assert_eq!(output.status.code(), Some(0), "{words:?}");
    output
}

#[test]
fn bash_loads_the_script_by_name_and_completes_enterprises_calls_and_words() {
    let home = home();
    let shown = typed(
        &mut bash(home.path()),
        &[
            ("READY> ", "calltrace tr\t"),
            ("calltrace trace ", "03\t\t"),
            ("0327  0367", "67 \t\t"),
            // Newest first, in columns.
            ("1764678600.215 ", "17646785\t"),
            ("17646785", "\x15calltrace tail 0367 --call=17646786\t"),
            ("--call=1764678600.215 ", "\x15calltrace --tz=Europe/Min\t"),
            ("--tz=Europe/Minsk ", "\x15exit\r"),
        ],
    );
    newest_first(&shown);
}

#[test]
fn bash_completes_folders_itself_and_quotes_them() {
    let home = home();
    fs::create_dir_all(home.path().join("my $(logs)/0367")).expect("made");
    let script = format!(
        "cd {} && source completions/calltrace.bash && cd ~\r",
        project().display()
    );
    let shown = typed(
        &mut bash(home.path()),
        &[
            ("READY> ", &script),
            ("READY> ", "calltrace --root my\t"),
            ("my\\ \\$\\(logs\\)/", "\x15exit\r"),
        ],
    );
    assert!(shown.contains("my\\ \\$\\(logs\\)/"), "{shown}");
}

#[test]
fn zsh_loads_the_function_at_the_first_tab_and_describes_calls() {
    let home = home();
    let shown = typed(
        &mut zsh(home.path()),
        &[
            ("READY> ", "calltrace trace 03\t"),
            ("0327  0367", "67 \t"),
            (
                " -- 2025-12-02 12:30:00 outgoing 152 -> +375 29 000-46-80",
                "\x15calltrace search --stat\t",
            ),
            ("--status ", "mis\t"),
            ("missed ", "\x15calltrace --tz=Europe/Min\t"),
            ("--tz=Europe/Minsk", "\x15exit\r"),
        ],
    );
    newest_first(&shown);
}

/// Shells like to sort; ids sorted are calls oldest first.
fn newest_first(shown: &str) {
    let at = |id| shown.find(id).expect("the list has it");
    assert!(at("1764678600.215") < at("1764583766.303"), "{shown}");
}

#[test]
fn zsh_completes_folders_itself_and_quotes_them() {
    let home = home();
    fs::create_dir_all(home.path().join("my $(logs)/0367")).expect("made");
    let mut zsh = zsh(home.path());
    typed(
        &mut zsh,
        &[
            ("READY> ", "cd\r"),
            ("READY> ", "calltrace --root=my\t"),
            ("--root=my\\ \\$\\(logs\\)", "\x15exit\r"),
        ],
    );
}

#[test]
fn fish_loads_the_script_by_name_and_completes() {
    let home = home();
    let fish = |line| fish(home.path(), line);
    assert_eq!(fish("calltrace trace 03"), "0327\n0367\n");
    let calls = fish("calltrace trace 0367 ");
    let newest = "1764678600.215\t2025-12-02 12:30:00 outgoing 152 -> +375 29 000-46-80, no end logged\n\
                  1764676980.207\t2025-12-02 12:03:00 incoming +375 29 000-35-79 -> 150, 151, missed\n";
    assert!(calls.starts_with(newest), "{calls}");
    assert_eq!(fish("calltrace search --status=mis"), "--status=missed\n");
    assert_eq!(
        fish("calltrace rot"),
        "rotate\tSeal, compress, index and expire log files; safe while they are written\n"
    );
    fs::create_dir_all(home.path().join("my $(logs)/0367")).expect("made");
    assert_eq!(fish("calltrace --root my"), "my $(logs)/\tDirectory\n");
}

#[test]
fn powershell_gets_the_same_answers_and_can_complete_an_empty_word() {
    let root = sample();
    assert_eq!(
        offers("powershell", &root, &["trace", "/03"]),
        ["0327", "0367"]
    );
    assert_eq!(
        offers("powershell", &root, &["trace", "/"]),
        ["0103", "0113", "0327", "0367"]
    );
    let calls = offers("powershell", &root, &["trace", "0367", "/1764678"]);
    let newest =
        "1764678600.215\t2025-12-02 12:30:00 outgoing 152 -> +375 29 000-46-80, no end logged";
    assert_eq!(calls, [newest]);
}

#[test]
fn calls_are_found_by_the_enterprise_before_them_or_by_their_beginning() {
    let root = sample();
    let ids = |words: &[&str]| -> Vec<String> {
        let offers = offers("bash", &root, words);
        offers.into_iter().take(2).collect()
    };
    assert_eq!(
        ids(&["trace", "0367", ""]),
        ["1764678600.215", "1764676980.207"]
    );
    assert_eq!(
        ids(&["trace", "0103", ""]),
        ["1764669600.70", "1764666900.61"]
    );
    assert_eq!(ids(&["trace", "17646726"]), Vec::<String>::new());
    assert_eq!(ids(&["trace", "17646684"]), ["1764668410.88"]);
    assert_eq!(
        ids(&["link", "0113", ""]),
        ["1764662400.31", "test_1764583500.1d2e3f40"]
    );
    assert_eq!(
        ids(&["tail", "0103", "--call", ""]),
        ["1764669600.70", "1764666900.61"]
    );
    // The help names the enterprise of the call where that is not clear.
    let of_all = offers("fish", &root, &["tail", "--call", "1764666900"]);
    assert!(
        of_all
            .iter()
            .any(|offer| offer.starts_with("1764666900.61\t0103 ")),
        "{of_all:?}"
    );
    assert!(
        of_all
            .iter()
            .any(|offer| offer.starts_with("1764666900.61\t0367 ")),
        "{of_all:?}"
    );
    // An id was typed: nothing can come behind it.
    assert_eq!(ids(&["trace", "1764668410.88", ""]), Vec::<String>::new());
    assert_eq!(ids(&["search", "0367", "03"]), ["0327"]);
}

#[test]
fn the_tree_is_the_one_that_was_typed_or_set() {
    let home = home();
    fs::create_dir_all(home.path().join("one/0001")).expect("made");
    fs::create_dir_all(home.path().join("two/0002")).expect("made");
    let config = home.path().join("config.toml");
    let two = home.path().join("two");
    let settings = format!(
        "root = {:?}\n[enterprises.0002]\nname = \"ju\\u001Bne\"\n",
        two.display()
    );
    fs::write(&config, settings).expect("written");
    let (one, config) = (home.path().join("one"), config.display().to_string());
    let typed = one.display().to_string();
    assert_eq!(
        offers("fish", &two, &["--root", &typed, "trace", ""]),
        ["0001"]
    );
    assert_eq!(offers("fish", &one, &["trace", ""]), ["0001"]);
    let ask = |words: &[&str]| {
        let mut calltrace = program("calltrace", home.path());
        calltrace.env_remove("CALLTRACE_ROOT");
        text(&completed(&mut calltrace, "fish", words).stdout)
    };
    assert_eq!(
        ask(&["--config", &config, "trace", ""]),
        "0002\tju\\u{1b}ne\n"
    );
    assert_eq!(
        ask(&["--config", &config, "--root", &typed, "trace", ""]),
        "0001\n"
    );
}

#[test]
fn hostile_names_and_ids_are_not_offered() {
    let tree = home();
    for name in [
        "0367",
        "a b",
        "$(touch x)",
        "a\nb",
        "-rf",
        "'q'",
        "\u{202e}evil",
        "`id`",
    ] {
        fs::create_dir_all(tree.path().join(name)).expect("made");
    }
    let line = |id: &str, phone: &str| {
        format!(
            "2025-12-02 09:15:00,410|AST|start|{id}|{{\"UniqueId\": \"{id}\", \"Phone\": \"{phone}\", \"CallType\": 0}}\n"
        )
    };
    let lines = [
        line("1764666900.61", "\\u001b[2J375290001234\\n`id`\\u202e"),
        line("$(touch x)1", "1"),
        line("1 2", "1"),
        line("1;id", "1"),
        line("\x1b[2J1", "1"),
        "2025-12-02 09:15:00,410|AST|start|17646669".to_owned(),
    ];
    fs::write(tree.path().join("0367/events.log"), lines.concat()).expect("written");
    assert_eq!(offers("bash", tree.path(), &["trace", ""]), ["0367"]);
    let calls = offers("fish", tree.path(), &["trace", "0367", ""]);
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].starts_with("1764666900.61\t"), "{calls:?}");
    assert!(!calls[0].contains(['\x1b', '\u{202e}', '\n']), "{calls:?}");
}

#[test]
fn an_error_prints_no_completion_and_no_message() {
    let tree = home();
    let nothing = Vec::<String>::new();
    let missing = tree.path().join("none");
    assert_eq!(offers("bash", &missing, &["trace", ""]), nothing);
    assert_eq!(offers("bash", &missing, &["trace", "0367", "17"]), nothing);
    let file = tree.path().join("file");
    fs::write(&file, "x").expect("written");
    assert_eq!(offers("zsh", &file, &["tail", ""]), nothing);
    let broken = file.display().to_string();
    assert_eq!(
        offers("zsh", &sample(), &["--config", &broken, "trace", ""]),
        nothing
    );
    assert_eq!(
        offers("fish", &sample(), &["nonsense", "--what", ""]).len(),
        offers("fish", &sample(), &[""]).len()
    );
    assert_eq!(offers("fish", &sample(), &["trace", "9999", ""]), nothing);
    // A word that can't be a name is ignored.
    let all = offers("fish", &sample(), &["trace", ""]);
    assert_eq!(offers("fish", &sample(), &["trace", "../0367", ""]), all);
    // Folders that can't be listed, files that are none, archives that are torn.
    let folder = tree.path().join("tree/0367");
    fs::create_dir_all(folder.join("events.log")).expect("made");
    fs::write(folder.join("events.log.1.gz"), b"\x1f\x8b\x08\x04torn").expect("written");
    fs::write(
        folder.join("events.log.2"),
        b"\0\0\0\n|||\n2025-12-02 09:15:00,410|AST",
    )
    .expect("written");
    assert_eq!(
        offers("fish", &tree.path().join("tree"), &["trace", "0367", ""]),
        nothing
    );
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).expect("set");
    assert_eq!(
        offers("fish", &tree.path().join("tree"), &["trace", "0367", "17"]),
        nothing
    );
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("set");
    // Shells without words, words that are no text.
    let home = home();
    let mut bare = program("calltrace", home.path());
    let output = bare
        .env("CALLTRACE_COMPLETE", "bash")
        .arg("--")
        .output()
        .expect("it starts");
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), String::new())
    );
}

#[test]
fn a_file_of_any_size_costs_the_same() {
    let tree = home();
    let folder = tree.path().join("0367");
    fs::create_dir_all(&folder).expect("made");
    let mut log = fs::File::create(folder.join("events.log")).expect("made");
    // A hole: to read all of it would take minutes, and much of a disk's room if it were written.
    let hole = 64 << 30;
    log.write_at(b"\n", hole - 1).expect("written");
    let mut lines = String::new();
    for n in 0..3000 {
        let id = format!("17646669{:02}.{n}", n % 100);
        lines.push_str(&format!(
            "2025-12-02 09:15:{:02},410|AST|start|{id}|{{\"UniqueId\": \"{id}\", \"Phone\": \"375290001234\"}}\n",
            n / 60
        ));
    }
    log.write_all_at(lines.as_bytes(), hole).expect("written");
    log.flush().expect("flushed");
    let begun = Instant::now();
    let calls = offers("bash", tree.path(), &["trace", "0367", ""]);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!((calls.len(), calls[0].as_str()), (20, "1764666999.2999"));
}

#[test]
fn the_newest_calls_are_found_in_archives_when_the_live_file_is_new() {
    let tree = home();
    let folder = tree.path().join("0367");
    fs::create_dir_all(&folder).expect("made");
    let archive = sample().join("0367/events_2025-12-01.log.gz");
    fs::copy(archive, folder.join("events_2025-12-01.log.gz")).expect("copied");
    fs::write(folder.join("events.log"), "").expect("written");
    let calls = offers("bash", tree.path(), &["trace", "0367", ""]);
    assert_eq!(calls.first().map(String::as_str), Some("1764612000.401"));
    assert_eq!(calls.len(), 20);
}

#[test]
fn the_command_prints_the_script_of_each_shell() {
    let home = home();
    for (shell, file) in [
        ("bash", "calltrace.bash"),
        ("zsh", "_calltrace"),
        ("fish", "calltrace.fish"),
        ("powershell", "calltrace.ps1"),
    ] {
        let output = program("calltrace", home.path())
            .env("CALLTRACE_COMPLETE", shell)
            .output()
            .expect("it starts");
        let script =
            fs::read_to_string(project().join("completions").join(file)).expect("it is there");
        assert_eq!(text(&output.stdout), script);
        assert!(
            !script.contains('/') || !script.contains(env!("CARGO_MANIFEST_DIR")),
            "{file}"
        );
    }
    let output = program("calltrace", home.path())
        .env("CALLTRACE_COMPLETE", "tcsh")
        .output()
        .expect("it starts");
    let expected = "calltrace: no completions for tcsh; CALLTRACE_COMPLETE takes bash, zsh, fish, powershell\n";
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(2), expected.to_owned())
    );
}

#[test]
fn a_variable_left_behind_changes_no_ordinary_run() {
    let home = home();
    let run = |variable: Option<&str>| {
        let mut command = program("calltrace", home.path());
        command.args(["trace", "0367", "1764668410.88"]);
        command.envs(variable.map(|shell| ("CALLTRACE_COMPLETE", shell)));
        command.output().expect("it starts").stdout
    };
    assert_eq!(run(Some("bash")), run(None));
    assert!(!run(None).is_empty());
}
