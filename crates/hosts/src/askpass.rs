//! Answers ssh when it asks for a password. ssh runs a program for that (`SSH_ASKPASS`), which is calltrace itself,
//! and a variable names the file with the password. No argument and no variable holds the password.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use calltrace_store::error::reason;

/// Names the file with the password, for the program that ssh runs.
pub const VARIABLE: &str = "CALLTRACE_ASKPASS";

/// No password is longer (bytes).
const PASSWORD_BYTES_MAX: u64 = 1024;

/// The answer to ssh's question for a password, from the file that [`VARIABLE`] names.
///
/// # Errors
/// As text, when the question is a different one, which only a person should answer (an expired password, the key of
/// an unknown host), or when the file cannot be used.
pub fn answer(question: &str, file: &Path) -> Result<String, String> {
    match asks_for_password(question) {
        true => read_password(file),
        false => Err("ssh asks something else than a password".to_owned()),
    }
}

/// `root@host's password:` of ssh itself, `Password:` of the host, with or without `(root@host)` before it.
fn asks_for_password(question: &str) -> bool {
    let question = question.trim();
    let of_host = question
        .rsplit_once(") ")
        .map_or(question, |(_, of_host)| of_host);
    question.ends_with("'s password:") || of_host.eq_ignore_ascii_case("password:")
}

/// Reads the password from its file, which holds it as the only line.
///
/// # Errors
/// What is wrong with the file, without its name: it cannot be read, other users can read it, it is empty, or it
/// holds more than one line.
pub(crate) fn read_password(path: &Path) -> Result<String, String> {
    let read = || {
        let file = File::open(path)?;
        let about = file.metadata()?;
        let mut text = String::new();
        if about.is_file() {
            file.take(PASSWORD_BYTES_MAX + 1)
                .read_to_string(&mut text)?;
        }
        Ok((about.permissions().mode(), text))
    };
    let (mode, text) = read().map_err(|error| reason(&error))?;
    if mode & 0o007 != 0 {
        return Err(
            "other users of this machine can read it or write to it; take that away with chmod o="
                .to_owned(),
        );
    }
    let line = text.trim_end_matches(['\n', '\r']);
    if line.is_empty() || line.contains('\n') || text.len() as u64 > PASSWORD_BYTES_MAX {
        return Err("it must hold the password in one line, and nothing else".to_owned());
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn only_the_question_for_the_password_is_answered() {
        for question in [
            "root@pbx's password: ",
            "Password: ",
            "(root@10.0.0.5) Password: ",
            "a new b@old's password:",
        ] {
            assert!(asks_for_password(question), "{question}");
        }
        for question in [
            "Enter root@pbx's old password: ",
            "Enter root@pbx's new password: ",
            "New password: ",
            "(current) UNIX password: ",
            "Enter passphrase for key '/root/.ssh/id_rsa': ",
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "",
        ] {
            assert!(!asks_for_password(question), "{question}");
        }
    }

    #[test]
    fn a_password_file_holds_one_line_and_is_closed_to_others() {
        let dir = tempfile::tempdir().expect("a folder of its own");
        let path = dir.path().join("password");
        for (text, mode, wanted) in [
            ("p w$\"x\n", 0o600, Some("p w$\"x")),
            ("secret\r\n", 0o640, Some("secret")),
            ("secret", 0o644, None),
            ("secret", 0o602, None),
            ("", 0o600, None),
            ("one\ntwo\n", 0o600, None),
        ] {
            fs::write(&path, text).expect("its own file");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its own file");
            let read = read_password(&path);
            assert_eq!(read.as_deref().ok(), wanted, "{text:?} {mode:o}");
            assert!(
                read.err()
                    .is_none_or(|error| !error.contains("secret") && !error.contains("two"))
            );
        }
        assert!(read_password(Path::new("/dev/zero")).is_err());
        assert_eq!(
            read_password(&dir.path().join("none")),
            Err("no such file or directory".to_owned())
        );
    }
}
