//! The webhook, played by the test: the document, its header, and masked numbers.

use expect_test::expect;
use testing::peer::{Peer, Reply};

use super::{deliver, here, missed, notice, refusal, waiting, webhook};

fn accept() -> Peer {
    Peer::start(|_, _| Reply::Http(204, String::new()))
}

#[test]
fn the_document_has_the_fields_of_its_description() {
    let server = accept();
    let mut config = webhook(&format!("{}/hook?key=1", server.url()), false);
    config.webhook.authorization = Some(here("Bearer made-up"));
    let findings = notice(testing::now(), vec![waiting("0367")], vec![missed("0270")]);
    assert!(deliver(&config, &findings)[0].1.is_ok());
    let [request] = server.requests().try_into().expect("one request");
    assert_eq!(request.first, "POST /hook?key=1 HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), Some("Bearer made-up"));
    let mut document = request.json();
    let text = std::mem::replace(&mut document["text"], "...".into());
    assert!(
        text.as_str().is_some_and(|text| text.contains("0270")),
        "{text}"
    );
    expect![[r#"
        {
          "version": 1,
          "at": "2025-12-03T15:00:00Z",
          "test": false,
          "text": "...",
          "firing": [
            {
              "rule": "callback",
              "kind": "not_called_back",
              "severity": "warning",
              "enterprise": "0367",
              "part": {
                "kind": "client",
                "value": "375295305942"
              },
              "since": "2025-12-03T14:20:00Z",
              "figures": {
                "client": "375295305942",
                "waiting_ms": 4200000
              },
              "links": [],
              "id": "b820b9dcdba03ddf"
            }
          ],
          "resolved": [
            {
              "rule": "missed",
              "kind": "missed_share",
              "severity": "critical",
              "enterprise": "0270",
              "part": null,
              "since": "2025-12-03T13:00:00Z",
              "figures": {
                "missed": 31,
                "calls": 50,
                "share": 0.62
              },
              "links": [
                "https://bot.example.org/call/0270/1764493655.61?exp=1&sig=s"
              ],
              "ended": "2025-12-03T14:55:00Z",
              "dropped": false,
              "id": "ee3de525ef6a49f0"
            }
          ]
        }
    "#]]
    .assert_eq(&format!("{document:#}\n"));
}

#[test]
fn masked_numbers_are_nowhere_in_the_document_and_ids_stay() {
    let server = accept();
    let findings = notice(
        testing::now(),
        vec![waiting("0367"), missed("0367")],
        vec![waiting("0270")],
    );
    for mask in [false, true] {
        assert!(
            deliver(&webhook(&server.url(), mask), &findings)[0]
                .1
                .is_ok()
        );
    }
    let [open, masked] = server.requests().try_into().expect("two requests");
    assert!(open.body.contains("375295305942"), "{}", open.body);
    for part in ["375295305942", "295305942", "29 530-59", "5942", "59-42"] {
        assert!(!masked.body.contains(part), "{part}: {}", masked.body);
    }
    assert_eq!(masked.json()["firing"][0]["part"]["value"], "**********42");
    // The id of a call in a link is no number of a client.
    assert!(masked.body.contains("1764493655.61"), "{}", masked.body);
    for at in [0, 1] {
        assert_eq!(
            open.json()["firing"][at]["id"],
            masked.json()["firing"][at]["id"]
        );
    }
    let (open, masked) = (open.json(), masked.json());
    assert_ne!(open["firing"][0]["id"], open["resolved"][0]["id"]);
    assert_eq!(open["resolved"][0]["id"], masked["resolved"][0]["id"]);
}

#[test]
fn a_test_has_no_findings() {
    let server = accept();
    assert!(
        deliver(
            &webhook(&server.url(), false),
            &notice(testing::now(), vec![], vec![])
        )[0]
        .1
        .is_ok()
    );
    let document = server.requests()[0].json();
    assert_eq!(document["test"], true);
    assert_eq!(document["firing"], serde_json::json!([]));
}

#[test]
fn a_redirection_is_no_delivery_and_leads_nowhere() {
    let elsewhere = accept();
    let location = format!("Location: {}", elsewhere.url());
    let location: &'static str = location.leak();
    let server = Peer::start(move |_, _| Reply::With(307, location, String::new()));
    let error = refusal(&webhook(&server.url(), false), &super::one());
    assert_eq!(error.text, "answers with 307");
    assert!(elsewhere.requests().is_empty());
}
