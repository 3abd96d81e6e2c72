//! Logins that are refused, unknown host keys, passwords: what the error says, and that no secret is disclosed.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use calltrace_hosts::{Address, FetchLimits, HostErrorKind, Login, User};
use testing::journals::{Journals, hangups};
use testing::sshd::{PasswordUser, Sshd, SshdSetup};

use crate::fetching::{ask, ask_within, days, file, host, limits};

const DAY: &str = "2025-12-02";
const PASSWORD: &str = "p w$\"x'|";

#[test]
fn a_key_that_is_refused_or_cannot_be_used_is_named() {
    let (journals, sshd) = (Journals::new(), Sshd::start(&SshdSetup::default()));
    let mut host = host(&sshd, journals.path());
    let wanted = days(DAY, DAY);
    host.login = Login::Key(Some(file(&sshd.other_key())));
    let error = ask(&host, &wanted).expect_err("it is refused");
    assert_eq!(error.kind, HostErrorKind::KeyRefused);
    assert!(
        error
            .to_string()
            .contains("belongs into authorized_keys of "),
        "{error}"
    );
    host.login = Login::Key(Some(file(&sshd.known_hosts())));
    let error = ask(&host, &wanted).expect_err("it is no key");
    assert_eq!(error.kind, HostErrorKind::KeyRefused);
    host.login = Login::Key(Some(file(&journals.path().join("none"))));
    let error = ask(&host, &wanted).expect_err("it is not there");
    assert_eq!(error.kind, HostErrorKind::Local);
    assert!(
        error
            .to_string()
            .ends_with("none can't be used: no such file or directory"),
        "{error}"
    );
}

#[test]
fn the_first_contact_shows_the_fingerprint_and_how_to_accept_it() {
    let (journals, sshd) = (Journals::new(), Sshd::start(&SshdSetup::default()));
    journals.add(DAY, &hangups(1));
    let mut host = host(&sshd, journals.path());
    let known = journals.path().join("known hosts");
    host.known_hosts = Some(file(&known));
    let error = ask(&host, &days(DAY, DAY)).expect_err("it is not known");
    let fingerprint = format!("{} (ED25519)", sshd.fingerprint());
    let fingerprints = vec![fingerprint.clone()];
    assert_eq!(error.kind, HostErrorKind::HostKeyUnknown { fingerprints });
    let message = error.to_string();
    assert!(
        message.contains(&format!(
            "its key is not known, its fingerprints are {fingerprint}. "
        )),
        "{message}"
    );
    assert!(!known.exists(), "nothing is accepted by asking");
    let (_, accept) = message.split_once("accept it with: ").expect("it says how");
    let accepted = Command::new("sh")
        .args(["-c", accept])
        .output()
        .expect("there is a shell");
    assert!(accepted.status.success());
    assert_eq!(
        ask(&host, &days(DAY, DAY))
            .expect("it is known now")
            .rows
            .len(),
        2
    );
}

#[test]
fn a_changed_host_key_has_words_of_its_own() {
    let (journals, sshd) = (Journals::new(), Sshd::start(&SshdSetup::default()));
    let mut host = host(&sshd, journals.path());
    host.known_hosts = Some(file(&sshd.changed_hosts()));
    let error = ask(&host, &days(DAY, DAY)).expect_err("it has changed");
    assert_eq!(error.kind, HostErrorKind::HostKeyChanged);
    let message = error.to_string();
    let place = format!("{}:1 knows another one", sshd.changed_hosts().display());
    assert!(
        message.contains(&place) && message.contains(&sshd.fingerprint()),
        "{message}"
    );
    assert!(
        message.contains(&format!("ssh-keygen -R '[127.0.0.1]:{}'", sshd.port)),
        "{message}"
    );
}

#[test]
fn a_host_that_is_not_there_or_hangs_costs_a_bounded_time() {
    let (journals, sshd) = (Journals::new(), Sshd::start(&SshdSetup::default()));
    let mut host = host(&sshd, journals.path());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    host.port = listener.local_addr().expect("it is bound").port();
    let short = FetchLimits {
        connect: Duration::from_secs(1),
        ..limits()
    };
    let begin = Instant::now();
    let error =
        ask_within(&host, &days(DAY, DAY), &short).expect_err("it accepts and says nothing");
    assert_eq!(error.kind, HostErrorKind::TimedOut, "{error}");
    assert!(begin.elapsed() < Duration::from_secs(4));
    drop(listener);
    let error = ask_within(&host, &days(DAY, DAY), &short).expect_err("no process listens");
    assert_eq!(error.kind, HostErrorKind::Unreachable);
    assert!(error.to_string().contains("Connection refused"), "{error}");
    host.address = Address::parse("host.invalid").expect("an address");
    let error = ask_within(&host, &days(DAY, DAY), &short).expect_err("no such name");
    assert!(
        matches!(
            error.kind,
            HostErrorKind::Unreachable | HostErrorKind::TimedOut
        ),
        "{error}"
    );
}

#[test]
fn a_password_of_a_file_logs_in_and_a_wrong_one_is_tried_once() {
    let Some(user) = PasswordUser::make(PASSWORD) else {
        // Only root can make a user with a password.
        testing::skipped("a login by password needs root; askpass itself is still tested");
        return;
    };
    let (journals, sshd) = (Journals::new(), Sshd::start(&SshdSetup::default()));
    journals.add(DAY, &hangups(1));
    let secret = journals.path().join("password");
    let write = |text: &str, mode: u32| {
        fs::write(&secret, text).expect("its own file");
        fs::set_permissions(&secret, Permissions::from_mode(mode)).expect("its own file");
    };
    let mut host = host(&sshd, journals.path());
    host.user = User::parse(&user.name).expect("a user");
    host.login = Login::Password(secret.clone());
    write(&format!("{PASSWORD}\n"), 0o600);
    let fetched = ask(&host, &days(DAY, DAY)).expect("it is the right one");
    assert_eq!(fetched.rows.len(), 2);
    write("s3cret-and-wrong\n", 0o600);
    let error = ask(&host, &days(DAY, DAY)).expect_err("it is wrong");
    assert_eq!(error.kind, HostErrorKind::PasswordRefused);
    let message = error.to_string();
    assert!(
        message.contains("which was tried once") && !message.contains("s3cret"),
        "{message}"
    );
    write(PASSWORD, 0o644);
    let error = ask(&host, &days(DAY, DAY)).expect_err("others can read it");
    assert_eq!(error.kind, HostErrorKind::Local);
    assert!(
        error
            .to_string()
            .contains("other users of this machine can read it"),
        "{error}"
    );
}

#[test]
fn only_ssh_gets_answers_of_the_program() {
    let folder = Journals::new();
    let secret = folder.path().join("password");
    fs::write(&secret, format!("{PASSWORD}\n")).expect("its own file");
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).expect("its own file");
    let answer_to = |words: &[&str]| {
        let mut command = testing::command(folder.path());
        command.env("CALLTRACE_ASKPASS", &secret).args(words);
        let output = command.output().expect("the program starts");
        (
            output.status.code(),
            testing::out(&output),
            testing::text(&output.stderr),
        )
    };
    let (code, out, _) = answer_to(&["root@10.0.0.5's password: "]);
    assert_eq!((code, out), (Some(0), format!("{PASSWORD}\n")));
    let (code, out, stderr) = answer_to(&["New password: "]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        stderr.contains("ssh asks something else than a password"),
        "{stderr}"
    );
    fs::set_permissions(&secret, Permissions::from_mode(0o604)).expect("its own file");
    let (code, out, stderr) = answer_to(&["Password: "]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(!stderr.contains("w$"), "{stderr}");
}
