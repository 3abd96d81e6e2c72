//! The program in a terminal of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs the program over the tree of `root` in a terminal of so many columns and lines, and types at it as
/// `steps` say (`tests/terminal/drive.py`). Returns the exit status and all that came to the terminal.
///
/// # Panics
/// When a step was never reached.
pub fn in_terminal(
    size: (u16, u16),
    root: &Path,
    args: &[&str],
    variables: &[(&str, &str)],
    steps: &Value,
) -> (i64, String) {
    let mut driver = Command::new("python3");
    crate::surround(&mut driver);
    let output = driver
        .envs(variables.iter().copied())
        .arg(crate::project().join("tests/terminal/drive.py"))
        .args([size.0.to_string(), size.1.to_string(), steps.to_string()])
        .arg(crate::program())
        .arg("--root")
        .arg(root)
        .args(args)
        .output()
        .expect("python3 is needed for this test; install it with: apt-get install python3");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    let shown = answer["output"].as_str().expect("text").to_owned();
    assert_eq!(answer["left"], 0, "a step was never reached: {shown:?}");
    (answer["status"].as_i64().expect("a number"), shown)
}

/// Text without escape sequences: of colour, of the cursor, of links.
pub fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign != '\u{1b}' {
            plain.push(sign);
            continue;
        }
        match signs.next() {
            Some(']') => {
                signs
                    .by_ref()
                    .find(|sign| *sign == '\\' || *sign == '\u{7}');
            }
            Some('[') => {
                signs.by_ref().find(char::is_ascii_alphabetic);
            }
            _ => {}
        }
    }
    // Characters before a carriage return are overwritten.
    let lines = plain.split('\n').map(|line| line.trim_end_matches('\r'));
    let shown = lines.map(|line| line.rsplit('\r').next().unwrap_or_default());
    shown.collect::<Vec<_>>().join("\n")
}

/// Keeps what a terminal showed, for people to look at: `target/screens/NAME.txt`.
pub fn keep(name: &str, shown: &str) {
    let folder = crate::project().join("target/screens");
    fs::create_dir_all(&folder).expect("target can be written to");
    fs::write(folder.join(format!("{name}.txt")), shown).expect("target can be written to");
}
