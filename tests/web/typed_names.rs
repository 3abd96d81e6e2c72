//! The command over a real PostgreSQL: an enterprise is given by its name or Token.

use crate::directory_postgres::SERVER;
use crate::postgres::SCHEMA;

#[tokio::test]
async fn the_command_takes_a_name_or_a_token_for_an_enterprise() {
    let url = SERVER.database("typed", SCHEMA).await;
    let folder = tempfile::tempdir().expect("a folder of its own");
    let run = |url: &str, args: &[&str]| {
        let file = folder.path().join("config.toml");
        std::fs::write(&file, format!("[postgres]\nurl = \"{url}\"\n")).expect("its own folder");
        let mut command = testing::command(&testing::sample());
        let output = command.arg("--config").arg(&file).args(args).output();
        let output = output.expect("the program starts");
        let stderr = testing::stderr_of(&testing::sample(), &output);
        (testing::out(&output), stderr, output.status.code())
    };
    let right = run(&url, &["search", "0367", "-n", "3"]);
    assert_eq!(right.2, Some(0));
    for typed in ["june", "375290000000"] {
        assert_eq!(run(&url, &["search", typed, "-n", "3"]), right, "{typed}");
        let traced = run(&url, &["trace", typed, "1764493655.61"]);
        assert_eq!(
            traced,
            run(&url, &["trace", "0367", "1764493655.61"]),
            "{typed}"
        );
        let (link, stderr, code) = run(&url, &["link", typed, "1764493655.61"]);
        assert!(
            link.contains("/call/0367/1764493655.61?"),
            "{typed}: {link}{stderr}"
        );
        assert_eq!(code, Some(0));
    }
    let (_, stderr, _) = run(&url, &["search", "375290000000", "-v", "--count"]);
    assert!(
        stderr.starts_with("calltrace: enterprise 0367, according to the directory\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("375290000000"), "{stderr}");
    // A number that is no Token is a client's.
    let (_, stderr, code) = run(&url, &["search", "0367", "80290001234"]);
    let taken = "calltrace: 80290001234 is not an enterprise; taken as --phone '80290001234'\n";
    assert_eq!((stderr.as_str(), code), (taken, Some(0)));
    let gone = "calltrace: the directory says that this is enterprise 0270, which has no folder under ROOT\n";
    for typed in ["july", "375290000001"] {
        let refused = (String::new(), gone.to_owned(), Some(2));
        assert_eq!(run(&url, &["search", typed]), refused, "{typed}");
    }
    // A folder's name is enough: the unreachable database is not asked.
    let away = "postgres://tester:made-up@127.0.0.1:9/db";
    let traced = run(away, &["search", "0367", "-n", "3"]);
    let ids = |rows: &str| -> Vec<String> {
        let ids = rows.lines().filter_map(|row| row.split(' ').next_back());
        ids.map(str::to_owned).collect()
    };
    // Only the names are missing.
    assert_eq!((ids(&traced.0), traced.2), (ids(&right.0), right.2));
    let (_, stderr, code) = run(away, &["search", "june"]);
    assert!(
        stderr.starts_with("calltrace: names of enterprises are not available: "),
        "{stderr}"
    );
    assert!(
        stderr.contains("\ncalltrace: no enterprise june under ROOT"),
        "{stderr}"
    );
    assert!(!stderr.contains("made-up"), "{stderr}");
    assert_eq!(code, Some(2));
}
