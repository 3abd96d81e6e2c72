//! What `packaging` has for Prometheus and Grafana: promtool accepts the rules and plays cases to them, and each figure that
//! a rule or a panel names is one that the program shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};
use testing::peer::{Peer, Reply};

use crate::posting::{event, post};
use crate::serving::{CALL, Client, Running, SETTINGS, TOKEN};

const RULES: &str = "packaging/prometheus-calltrace.yml";
const CASES: &str = "tests/web/rules.test.yml";
const DASHBOARD: &str = "packaging/grafana-calltrace.json";

fn read(file: &str) -> String {
    fs::read_to_string(testing::project().join(file)).expect("it is there")
}

/// Runs what `tests/run` unpacked, which must be satisfied.
#[track_caller]
fn promtool(arguments: &[&str]) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let program = target
        .expect("it lies in the target folder")
        .join("tools/prometheus/promtool");
    assert!(
        program.exists(),
        "{}: not there; tests/run brings it",
        program.display()
    );
    let output = Command::new(program)
        .args(arguments)
        .current_dir(testing::project())
        .output();
    let output = output.expect("it starts");
    let (out, err) = (testing::text(&output.stdout), testing::text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
}

#[test]
fn promtool_accepts_the_rules() {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES]);
}

#[test]
fn each_rule_fires_for_its_trouble_and_is_quiet_otherwise() {
    promtool(&["test", "rules", CASES]);
    // Each rule is played: once where it must fire, and once where it must not.
    let (rules, cases) = (read(RULES), read(CASES));
    let named = Regex::new(r"alert: (\w+)").expect("a pattern");
    for rule in named.captures_iter(&rules) {
        let played = format!("alertname: {}", &rule[1]);
        assert!(cases.matches(&played).count() >= 2, "{played}");
    }
}

/// The expressions of all panels and variables.
fn expressions(dashboard: &Value) -> Vec<String> {
    let of_panels = dashboard["panels"].as_array().expect("a list").iter();
    let targets = of_panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let texts = targets.map(|target| &target["expr"]);
    let variables = dashboard["templating"]["list"]
        .as_array()
        .expect("a list")
        .iter();
    let texts = texts.chain(variables.map(|variable| &variable["query"]["query"]));
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn the_panels_of_the_dashboard_are_whole() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list");
    let ids: BTreeSet<_> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().expect("a number"))
        .collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        // A panel that names no source of its own shows the wrong figures where there are several.
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        assert!(
            panel["targets"]
                .as_array()
                .is_some_and(|targets| !targets.is_empty()),
            "{panel}"
        );
    }
    // promtool judges the expressions as rules, with an enterprise in place of the variables.
    let rules = expressions(&dashboard).into_iter().enumerate();
    let rules = rules.filter(|(_, expression)| !expression.starts_with("label_values("));
    let rules: Vec<Value> = rules
        .map(|(n, expression)| {
            let expression = expression
                .replace("$enterprise", ".*")
                .replace("$__rate_interval", "5m");
            json!({"record": format!("panel:{n}"), "expr": expression})
        })
        .collect();
    assert!(rules.len() > 10, "{}", rules.len());
    let file = tempfile::NamedTempFile::new().expect("a file of its own");
    let document = json!({"groups": [{"name": "panels", "rules": rules}]});
    fs::write(file.path(), document.to_string()).expect("its own file");
    promtool(&["check", "rules", file.path().to_str().expect("text")]);
}

/// The names of this program's and its process's figures in a text.
fn figures(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\b(?:calltrace|process)_[a-z_]+").expect("a pattern");
    let names = name.find_iter(text).map(|name| name.as_str().to_owned());
    names.collect()
}

#[test]
fn each_figure_of_rules_and_dashboard_is_one_that_the_program_shows() {
    // A family without any sample is not shown, so there is a line that is posted, the page of its call, a refusal, and a
    // name service with a concern.
    let names = Peer::start(|request, _| match request.path() {
        "/stats" => Reply::Http(200, r#"{"cache_size": 0}"#.to_owned()),
        _ => Reply::Http(404, String::new()),
    });
    let settings = format!("{SETTINGS}[metadata]\nurl = \"{}\"\n", names.url());
    let folder = tempfile::tempdir().expect("a folder of its own");
    let tree = folder.path().join("call_tracer");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(testing::sample())
        .arg(&tree)
        .status();
    assert!(copied.expect("there is cp").success());
    let state = folder.path().join("check.json");
    let mut check = testing::command(&tree);
    // A client was not called back then.
    check
        .env("CALLTRACE_NOW", "2025-12-02T11:00:00Z")
        .args(["check", "0367", "--state"])
        .arg(&state);
    assert_eq!(check.status().expect("it starts").code(), Some(1));
    let [tree, state] = [&tree, &state].map(|path| path.to_str().expect("text"));
    let surroundings = [("CALLTRACE_ROOT", tree), ("CALLTRACE_CHECK_STATE", state)];
    let server = Running::start_with_env(&settings, &[], &surroundings);
    let at = server.address();
    assert_eq!(post(at, "/log/event", &event("1764493655.61")).status, 200);
    let mut client = Client::connect(at);
    for target in [
        format!("{CALL}?token={TOKEN}"),
        CALL.to_owned(),
        "/health".to_owned(),
    ] {
        client.ask("GET", &target, "");
        client.reply();
    }
    client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let shown = figures(&client.reply().text());
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let rules = Regex::new(r"(?m)^ +expr: (.*)$").expect("a pattern");
    let text = read(RULES);
    let rules = rules.captures_iter(&text).map(|found| found[1].to_owned());
    let named: BTreeSet<String> = rules
        .chain(expressions(&dashboard))
        .flat_map(|expression| figures(&expression))
        .collect();
    assert!(named.len() > 10, "{named:?}");
    let unknown: Vec<&String> = named.difference(&shown).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {shown:?}");
}
