//! The Debian package: lintian finds only the listed problems; the package installs, works, is upgraded and removed
//! in throw-away systems, and no user data is removed with it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::packaging::{self, Debian, Packages, done, project};

const CALL: &str = "calltrace trace 0367 1764493655.61";

#[test]
fn lintian_finds_nothing_but_the_exceptions_with_a_reason() {
    // Unused overrides are reported as well.
    done(
        Command::new("lintian")
            .args(["--allow-root", "--pedantic", "--display-info"])
            // It finds words in the binary's bytes, which differ in every build.
            .arg("--suppress-tags=spelling-error-in-binary")
            .arg("--fail-on=error,warning,info,pedantic")
            .arg(Packages::get().path("first")),
    );
    let file = project().join("packaging/debian/lintian-overrides");
    let overrides = fs::read_to_string(file).expect("it is there");
    let mut reason = false;
    for line in overrides.lines() {
        assert!(
            line.starts_with('#') || reason,
            "no reason stands above: {line}"
        );
        reason = line.starts_with('#');
    }
}

#[test]
fn what_is_installed_works_and_runs_nothing_by_itself() {
    let debian = Debian::new();
    debian.install("first", "");
    let requests = debian.requests_to_systemd();
    for word in ["start", "enable", "preset"] {
        assert!(!requests.contains(word), "{requests}");
    }
    assert_eq!(
        enabled(&debian),
        "disabled\ndisabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\n"
    );
    let user = debian.says("getent passwd calltrace; stat -c '%U %a' /etc/calltrace/secrets");
    assert!(
        user.contains(":/nonexistent:/usr/sbin/nologin\nroot 700\n"),
        "{user}"
    );

    let version = debian.says("calltrace --version");
    assert_eq!(
        version,
        format!("calltrace {}\n", env!("CARGO_PKG_VERSION"))
    );
    let missing = debian.run(CALL);
    assert_eq!(missing.status.code(), Some(2));
    let stderr = packaging::text(&missing.stderr);
    assert!(stderr.contains("/srv/call_tracer"), "{stderr}");

    debian.bring_logs();
    // Any user who may read the logs, from any folder: the settings say where they are.
    let call = debian.says(&format!(
        "cd /; setpriv --reuid=nobody --clear-groups --reset-env {CALL}"
    ));
    assert!(call.starts_with("0367 call 1764493655.61"), "{call}");
    for page in fs::read_dir(project().join("man")).expect("pages lie there") {
        let name = page.expect("listed").file_name();
        let name = name.to_string_lossy();
        let Some((_, section)) = name.rsplit_once('.').filter(|(_, end)| end.len() == 1) else {
            continue;
        };
        debian.says(&format!(
            "zcat /usr/share/man/man{section}/{name}.gz | grep -q '^\\.TH'"
        ));
    }
    debian.says(
        "ls /usr/share/man/man1/calltrace.1.gz /usr/share/man/man5/calltrace-config.5.gz
        sh /usr/share/calltrace/calltracectl status | grep -q 'does not run'
        test -s /usr/share/bash-completion/completions/calltrace
        test -s /usr/share/zsh/vendor-completions/_calltrace
        test -s /usr/share/fish/vendor_completions.d/calltrace.fish
        for file in README.Debian README.md docs/README.md docs/ru/on-call.md \
            docs/reference/calltrace.1.md docs/images/trace.png copyright third-party.txt examples/calltrace.cron \
            examples/nginx-calltrace.conf examples/prometheus-calltrace.yml \
            examples/grafana-calltrace.json; do
            test -s /usr/share/doc/calltrace/$file
        done
        zcat /usr/share/doc/calltrace/changelog.gz | grep -q '^# Changelog'",
    );
    let latest = debian.says("zcat /usr/share/doc/calltrace/changelog.Debian.gz | sed 1q");
    let of_this = concat!("calltrace (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(latest.starts_with(of_this), "{latest}");
}

#[test]
fn rotation_within_its_unit_seals_the_files_of_another_user() {
    let debian = Debian::new();
    debian.install("first", "");
    debian.bring_logs();
    debian.says("sed -i 's/^#keep = .*/keep = \"30000d\"/' /etc/calltrace/config.toml");
    let raw = "calltrace trace 0367 1764493655.61 --format raw";
    let before = debian.says(raw);

    let unit = debian.says("cat /usr/lib/systemd/system/calltrace-rotate.service");
    let (kept, run) = (kept(&unit), setting(&unit, "ExecStart"));
    // Its writer still has one open, so there is no lease on it, and the writer is named.
    let printed = debian.says(&format!(
        "setpriv --reuid=bot --clear-groups sleep 60 3>>/srv/call_tracer/0367/events.log.2025-11-29 &
        until readlink /proc/$!/exe | grep -q sleep; do sleep 0.1; done
        setpriv --bounding-set=-all,{kept} --inh-caps=-all --no-new-privs {run} -v 2>&1"
    ));
    assert!(printed.contains("still open in sleep"), "{printed}");
    assert!(printed.contains("no writers (lease)"), "{printed}");
    assert!(!printed.contains("open descriptors"), "{printed}");
    assert_eq!(debian.says(raw), before, "{printed}");
    let foreign = debian.says("find /srv/call_tracer ! -user bot -o ! -group bot");
    assert_eq!(foreign, "", "{printed}");
    // A user who may read the logs may read the indexes as well.
    let folders = debian.says("stat -c '%a' /srv/call_tracer/0367/.calltrace");
    assert_eq!(folders, "2755\n");
    let check = debian
        .says("setpriv --reuid=nobody --clear-groups --reset-env calltrace index --check 0367");
    assert!(check.contains(".gz"), "{check}");
}

#[test]
fn checks_within_their_unit_read_the_logs_of_another_user_and_write_their_state_alone() {
    let debian = Debian::new();
    debian.install("first", "");
    debian.bring_logs();
    // Nothing listens there. A first run has nothing to tell.
    debian.says(
        "printf '[notify.alertmanager]\\nurl = \"http://127.0.0.1:9\"\\n' >>/etc/calltrace/config.toml
        chmod -R o= /srv/call_tracer/0367",
    );
    let before = logs(&debian);
    let unit = debian.says("cat /usr/lib/systemd/system/calltrace-check.service");
    let of = |key: &str| setting(&unit, key);
    let (group, umask, mode) = (of("Group"), of("UMask"), of("StateDirectoryMode"));
    let (kept, run) = (kept(&unit), of("ExecStart"));
    let said = debian.says(&format!(
        "install -d -m {mode} -g {group} /var/lib/calltrace; umask {umask}
        setpriv --regid={group} --clear-groups --bounding-set=-all,{kept} --inh-caps=-all --no-new-privs \
            {run} 2>&1 || test $? -eq 2"
    ));
    assert!(!said.contains("permission denied"), "{said}");
    let state = "/var/lib/calltrace/check.json";
    let shown = debian.says(&format!(
        "setpriv --reuid=calltrace --regid=calltrace --clear-groups cat {state}"
    ));
    let state: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert!(state["hours"].get("0367").is_some(), "{said}{state}");
    assert_eq!(logs(&debian), before);
}

#[test]
fn the_service_serves_as_its_user() {
    let debian = Debian::new();
    debian.install("first", "");
    debian.bring_logs();
    let unit = debian.says("cat /usr/lib/systemd/system/calltrace-serve.service");
    let (user, run) = (setting(&unit, "User"), setting(&unit, "ExecStart"));
    let mut served = debian
        .command(&format!(
            "setpriv --reuid={user} --regid={user} --init-groups --reset-env --bounding-set=-all --no-new-privs \
             {run} --listen 127.0.0.1:0; exit"
        ))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut link = String::new();
    let out = served.stdout.take().expect("piped");
    BufReader::new(out)
        .read_line(&mut link)
        .expect("it says where it is");
    let page = link
        .trim()
        .strip_prefix("http://")
        .and_then(|link| link.split_once('/'));
    let answer = page.map(|(host, path)| get(host, path));
    // The shell ends with unshare, and what runs in its namespace ends with the shell. Only the service would stay: a
    // process that changes its user is no longer notified of its parent's end.
    served.kill().expect("it ran until now");
    served.wait().expect("it ends");
    let answer = answer.unwrap_or_else(|| panic!("no link: {link}"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let host = page.map_or("", |(host, _)| host);
    testing::wait_until("the service's end", || TcpStream::connect(host).is_err());
}

#[test]
fn the_clock_of_what_is_shipped_cannot_be_set() {
    let debian = Debian::new();
    debian.install("first", "");
    debian.says("printf '[enterprises.0367]\\nsecret = \"s3cret\"\\n' >/tmp/config.toml");
    let link = "calltrace --config /tmp/config.toml link 0367 1764493655.61 --for 1m";
    for set in ["2001-01-01T00:00:00Z", "no time"] {
        let link = debian.says(&format!("CALLTRACE_NOW='{set}' {link}"));
        let expires = link.split("exp=").nth(1).expect("it says when it expires");
        let expires = expires.split('&').next().and_then(|exp| exp.parse().ok());
        let expires: u64 = expires.expect("seconds of Unix time");
        // 2026 or later: the program knows the time more exactly.
        assert!(expires > 1_767_225_600, "{link}");
    }
}

#[test]
fn upgrade_keeps_settings_secrets_logs_and_what_is_enabled() {
    let debian = Debian::new();
    debian.install("first", "");
    debian.bring_logs();
    debian.says(
        "printf 'threads = 1\\n' | cat - /etc/calltrace/config.toml >/tmp/edited
        cp /tmp/edited /etc/calltrace/config.toml
        printf 's3cret' >/etc/calltrace/secrets/0367
        chmod 750 /etc/calltrace/secrets
        systemctl enable calltrace-serve.service calltrace-rotate.timer",
    );
    let logs = logs(&debian);
    debian.requests_to_systemd();

    // Its settings file is the edited one, so dpkg asks nothing.
    debian.install("second", "");
    let same = "cmp /tmp/edited /etc/calltrace/config.toml; cat /etc/calltrace/secrets/0367; \
         stat -c ' %a' /etc/calltrace/secrets";
    assert_eq!(debian.says(same), "s3cret 750\n");
    assert_eq!(
        enabled(&debian),
        "enabled\nenabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\n"
    );
    let requests = debian.requests_to_systemd();
    let acts: Vec<&str> = requests
        .lines()
        .filter(|line| line.contains("start"))
        .collect();
    // Restarted if it runs. A running rotation is not interrupted.
    assert_eq!(acts, ["try-restart calltrace-serve.service"]);
    assert!(!requests.contains("stop"), "{requests}");

    // This one has another settings file. The binary does not know its keys and would report that.
    debian.install("third", "--force-confold");
    assert_eq!(debian.says(same), "s3cret 750\n");
    debian.says("grep -q new_key /etc/calltrace/config.toml.dpkg-dist");
    debian.says(CALL);
    assert_eq!(self::logs(&debian), logs);
}

#[test]
fn upgrade_from_0_1_keeps_settings_units_and_answers() {
    let debian = Debian::new();
    debian.install("of_0_1", "");
    // A settings file that was not edited is replaced.
    debian.install("first", "");
    debian.says("grep -q '^\\[sync\\]' /etc/calltrace/config.toml; dpkg --purge calltrace");

    debian.install("of_0_1", "");
    debian.bring("tests/data/v0.1.0/call_tracer");
    debian.says(
        "find /srv/call_tracer -type f -exec touch -d 2025-12-02T13:00:00Z {} + # as their indexes know them
        sed -i 's/^#keep = .*/keep = \"36500d\"/' /etc/calltrace/config.toml
        cp -p /etc/calltrace/config.toml /tmp/edited
        systemctl enable calltrace-rotate.timer",
    );
    let answers = "calltrace index --check 2>&1
        calltrace trace 0103 1764666900.61 --format raw
        calltrace search --lines --limit 0 --format raw";
    let (before, logs) = (debian.says(answers), logs(&debian));

    debian.install("first", "--force-confold");
    debian.says(
        "cmp /tmp/edited /etc/calltrace/config.toml
        grep -q '^\\[sync\\]' /etc/calltrace/config.toml.dpkg-dist
        calltrace config | grep -q 36500d",
    );
    assert_eq!(
        enabled(&debian),
        "disabled\nenabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\n"
    );
    assert_eq!(debian.says(answers), before);
    assert_eq!(self::logs(&debian), logs);
}

#[test]
fn removal_stops_and_keeps_settings_and_purge_leaves_only_what_is_the_users() {
    let debian = Debian::new();
    debian.bring_logs();
    let (before, logs) = (debian.listing(), logs(&debian));
    debian.install("first", "");
    debian.says(
        "sed -i 's/^#threads = .*/threads = 1/' /etc/calltrace/config.toml
        systemctl enable calltrace-serve.service calltrace-rotate.timer",
    );
    debian.requests_to_systemd();

    debian.says("dpkg --remove calltrace");
    let requests = debian.requests_to_systemd();
    let stops: Vec<&str> = requests
        .lines()
        .filter(|line| line.contains("stop"))
        .collect();
    assert_eq!(
        stops,
        [
            "stop calltrace-check.service calltrace-check.timer",
            "stop calltrace-sync.service calltrace-sync.timer",
            "stop calltrace-ship.service calltrace-ship.timer",
            "stop calltrace-rotate.service calltrace-rotate.timer",
            "stop calltrace-serve.service",
        ]
    );
    debian.says("grep -q '^threads = 1' /etc/calltrace/config.toml; ! test -e /usr/bin/calltrace");

    // The reinstalled package works as before.
    debian.install("second", "");
    debian.says("grep -q '^threads = 1' /etc/calltrace/config.toml");
    assert_eq!(
        enabled(&debian),
        "enabled\nenabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\ndisabled\nstatic\n"
    );

    debian.says(
        "printf 's3cret' >/etc/calltrace/secrets/0367
        mkdir /var/lib/calltrace; touch /var/lib/calltrace/check.json /var/lib/calltrace/check.json.lock
        dpkg --purge calltrace",
    );
    let after = debian.listing();
    let left: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    let gone: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    assert_eq!(
        left,
        [
            "d 700 root:root /etc/calltrace/secrets -> ",
            "d 755 root:root /etc/calltrace -> ",
            "f 644 root:root /etc/calltrace/secrets/0367 -> "
        ]
    );
    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(self::logs(&debian), logs);
    // Lines that the service wrote belong to its user, and must not become another's.
    debian.says("getent passwd calltrace");
}

#[test]
fn units_are_right_and_as_closed_as_they_can_be() {
    let debian = Debian::new();
    debian.install("first", "");
    let verified = debian.says(
        "cd /usr/lib/systemd/system
        systemd-analyze verify --man=no calltrace-serve.service calltrace-rotate.service \
            calltrace-rotate.timer calltrace-ship.service calltrace-ship.timer \
            calltrace-sync.service calltrace-sync.timer \
            calltrace-check.service calltrace-check.timer 2>&1",
    );
    assert_eq!(verified, "");
    // One file tells all services about a tree elsewhere. A wrong path in it shows that all read it.
    let wrong = debian.run(
        "mkdir /etc/systemd/system/calltrace-.service.d
        printf '[Service]\\nReadWritePaths=here\\n' >/etc/systemd/system/calltrace-.service.d/tree.conf
        cd /usr/lib/systemd/system
        for unit in calltrace-serve calltrace-rotate calltrace-ship calltrace-sync calltrace-check; do
            systemd-analyze verify --man=no $unit.service
        done
        rm -r /etc/systemd/system/calltrace-.service.d",
    );
    let stderr = packaging::text(&wrong.stderr);
    // Each of the five reads it once, and the unit of shipping also loads that of rotation, which it follows.
    assert_eq!(stderr.matches("tree.conf:2: ").count(), 6, "{stderr}");
    // Exposure in tenths; 0 is best, 100 worst. Rotation has eight capabilities, to work for any
    // writer with that writer's rights; shipping has these and the network, synchronisation six of
    // these and the network; a check has four, which do not let it write, and the network.
    for (unit, exposure_max) in [
        ("serve", 13),
        ("rotate", 22),
        ("ship", 31),
        ("sync", 30),
        ("check", 27),
    ] {
        debian.says(&format!(
            "systemd-analyze security --offline=true --threshold={exposure_max} \
             /usr/lib/systemd/system/calltrace-{unit}.service"
        ));
    }
}

/// Whether the units are.
fn enabled(debian: &Debian) -> String {
    debian.says(
        "systemctl is-enabled calltrace-serve.service calltrace-rotate.timer \
         calltrace-rotate.service calltrace-ship.timer calltrace-ship.service \
         calltrace-sync.timer calltrace-sync.service \
         calltrace-check.timer calltrace-check.service || test $? -eq 1",
    )
}

/// Names, owners and contents of all logs.
fn logs(debian: &Debian) -> String {
    debian.says(
        "cd /srv/call_tracer; find . -printf '%p %m %u %T@\\n' | sort; \
         find . -type f -print0 | sort -z | xargs -0 sha256sum",
    )
}

/// The capabilities of a unit, as setpriv takes them.
fn kept(unit: &str) -> String {
    let capabilities = setting(unit, "CapabilityBoundingSet");
    let capabilities = capabilities.to_lowercase();
    capabilities.replace("cap_", "+").replace(' ', ",")
}

/// The value of a key that a unit has once.
fn setting<'a>(unit: &'a str, key: &str) -> &'a str {
    let mut values = unit
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = values
        .next()
        .unwrap_or_else(|| panic!("no {key}= in\n{unit}"));
    assert_eq!(values.next(), None, "{key}= once");
    value
}

fn get(host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("set");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    packaging::text(&answer)
}
