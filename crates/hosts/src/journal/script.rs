//! The script that prints rows of journals, and its variables. It is the same for a local file and for a host with
//! any login shell, because `sh` reads all of it from its standard input.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::NaiveDate;

use super::query::{JournalDays, JournalQuery};
use super::row::JournalTable;

const SCRIPT: &str = include_str!("script.sh");

/// The script for these rows of the journals in `folder`. `lock_wait` is how long it waits for a locked journal. Days
/// and numbers are formatted from their types, and the folder is quoted.
pub(crate) fn script(folder: &str, wanted: &JournalQuery, lock_wait: Duration) -> String {
    let mut text = format!(
        "folder={}\nwait={}\n",
        quoted(folder),
        lock_wait.as_millis()
    );
    let set = match wanted.days {
        JournalDays::Recent => writeln!(text, "mode=recent"),
        JournalDays::Range(from, to) => {
            writeln!(text, "mode=range from={} to={}", number(from), number(to))
        }
    };
    set.expect("a text takes all");
    text.push_str("read_before() {\n    case $1/$2 in\n");
    for ((day, table), id) in &wanted.after {
        let day = day.format("%Y-%m-%d");
        let set = writeln!(
            text,
            "        {day}/{}) echo {} ;;",
            letter(*table),
            (*id).max(0)
        );
        set.expect("a text takes all");
    }
    text.push_str("        *) echo 0 ;;\n    esac\n}\n");
    text + SCRIPT
}

/// The name of a table in the script.
pub(super) fn letter(table: JournalTable) -> char {
    match table {
        JournalTable::Webhook => 'W',
        JournalTable::Crm => 'C',
    }
}

fn number(day: NaiveDate) -> impl std::fmt::Display {
    day.format("%Y%m%d")
}

/// Quotes a text as one word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_folder_with_any_name_is_one_word_of_the_shell() {
        for folder in [
            "/var/log/asterisk",
            "/it's",
            "/a b;$(id) `id` \"\\ *",
            "/'; id; '",
        ] {
            let script = format!("printf %s {}", quoted(folder));
            let run = Command::new("sh")
                .args(["-c", &script])
                .stdin(Stdio::null())
                .output();
            let printed = run.expect("there is a shell").stdout;
            assert_eq!(String::from_utf8_lossy(&printed), folder);
        }
    }

    #[test]
    fn positions_that_were_read_before_are_written_from_types() {
        let day = NaiveDate::from_ymd_opt(2025, 12, 2).expect("a day");
        let wanted = JournalQuery {
            days: JournalDays::Range(day, day),
            after: [
                ((day, JournalTable::Webhook), 41),
                ((day, JournalTable::Crm), -5),
            ]
            .into(),
        };
        let text = script("/x", &wanted, Duration::from_secs(5));
        for line in [
            "wait=5000\n",
            "mode=range from=20251202 to=20251202\n",
            " 2025-12-02/W) echo 41 ;;\n",
            " 2025-12-02/C) echo 0 ;;\n",
        ] {
            assert!(text.contains(line), "{line:?}");
        }
    }
}
