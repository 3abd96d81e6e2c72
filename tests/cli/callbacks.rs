//! Missed calls in `search`: whether the client was called back, in exact words and in each format.

use expect_test::expect;

use super::stats::{json_of, of_tree, tree};

#[test]
fn a_search_says_who_was_called_back() {
    let folder = tree();
    let search = |args: &[&str], columns| of_tree(folder.path(), args, columns);
    expect![[r#"
        times of Europe/Minsk, UTC+03:00
        TIME     DIR CLIENT            WHO     RESULT CALLED BACK                      TALK ID
        --- 2025-12-01
        20:50:00 in  +375 29 000-66-66 150,151 missed not yet                             - 1764611400.120
        18:00:00 in  +375 29 000-55-55 150,151 missed no                                  - 1764601200.100
        17:00:00 in  anonymous         150,151 missed without a number                    - 1764597600.90
        15:20:00 in  +375 29 000-44-44 150,151 missed no                                  - 1764591600.80
        15:00:00 in  +375 29 000-44-44 150,151 missed no                                  - 1764590400.70
        14:00:00 in  +375 29 000-33-33 150,151 missed rang again after 10m00s             - 1764586800.50
        13:00:00 in  +375 29 000-22-22 150,151 missed after 59m59s by 152, not reached    - 1764583200.30
        12:00:00 in  +375 29 000-11-11 150,151 missed after 12m00s by 152                 - 1764579600.10
    "#]].assert_eq(&search(&["search", "--missed", "--callbacks"], Some("100")));
    expect![[r#"
        times of Europe/Minsk, UTC+03:00
        TIME     DIR CLIENT            WHO     RESULT RING TALK TG ID
        --- 2025-12-01
        18:00:00 in  +375 29 000-55-55 150,151 missed  20s    -  - 1764601200.100
        15:20:00 in  +375 29 000-44-44 150,151 missed  20s    -  - 1764591600.80
        15:00:00 in  +375 29 000-44-44 150,151 missed  20s    -  - 1764590400.70
    "#]]
    .assert_eq(&search(&["search", "--not-returned"], Some("100")));
    expect![[r#"
        enterprise,unique_id,first,last,direction,client,trunk,rang,answered_by,result,ring_ms,talk_ms,transfers,messages_sent,messages_standing,http_requests,http_failed,returned,returned_by,returned_after_ms,returned_reached,enterprise_number,start_time,end_time,http_requests_count
        0500,1764611400.120,2025-12-01T17:50:00.000Z,2025-12-01T17:50:20.000Z,in,375290006666,0001363,150 151,,missed,20000,,0,0,0,0,0,,,,,0500,2025-12-01T20:50:00.000+03:00,2025-12-01T20:50:20.000+03:00,0
        0500,1764601200.100,2025-12-01T15:00:00.000Z,2025-12-01T15:00:20.000Z,in,375290005555,0001363,150 151,,missed,20000,,0,0,0,0,0,,,,,0500,2025-12-01T18:00:00.000+03:00,2025-12-01T18:00:20.000+03:00,0
        0500,1764597600.90,2025-12-01T14:00:00.000Z,2025-12-01T14:00:20.000Z,in,anonymous,0001363,150 151,,missed,20000,,0,0,0,0,0,,,,,0500,2025-12-01T17:00:00.000+03:00,2025-12-01T17:00:20.000+03:00,0
        0500,1764591600.80,2025-12-01T12:20:00.000Z,2025-12-01T12:20:20.000Z,in,375290004444,0001363,150 151,,missed,20000,,0,0,0,0,0,,,,,0500,2025-12-01T15:20:00.000+03:00,2025-12-01T15:20:20.000+03:00,0
        0500,1764590400.70,2025-12-01T12:00:00.000Z,2025-12-01T12:00:20.000Z,in,375290004444,0001363,150 151,,missed,20000,,0,0,0,0,0,,,,,0500,2025-12-01T15:00:00.000+03:00,2025-12-01T15:00:20.000+03:00,0
        0500,1764586800.50,2025-12-01T11:00:00.000Z,2025-12-01T11:00:20.000Z,in,375290003333,0001363,150 151,,missed,20000,,0,0,0,0,0,rang_again,151,600000,true,0500,2025-12-01T14:00:00.000+03:00,2025-12-01T14:00:20.000+03:00,0
        0500,1764583200.30,2025-12-01T10:00:00.000Z,2025-12-01T10:00:20.000Z,in,375290002222,0001363,150 151,,missed,20000,,0,0,0,0,0,called_back,152,3599000,false,0500,2025-12-01T13:00:00.000+03:00,2025-12-01T13:00:20.000+03:00,0
        0500,1764579600.10,2025-12-01T09:00:00.000Z,2025-12-01T09:00:20.000Z,in,375290001111,0001363,150 151,,missed,20000,,0,0,0,0,0,called_back,152,720000,true,0500,2025-12-01T12:00:00.000+03:00,2025-12-01T12:00:20.000+03:00,0
    "#]].assert_eq(&search(
        &["search", "--missed", "--callbacks", "--format", "csv"],
        None,
    ));
    assert_eq!(
        search(&["search", "--not-returned", "--count"], None),
        "3\n"
    );
    assert_eq!(
        search(
            &[
                "search",
                "--not-returned",
                "--callback-within",
                "2h",
                "--count"
            ],
            None
        ),
        "2\n"
    );
    let limited = search(
        &["search", "--not-returned", "-n", "1", "--format", "raw"],
        None,
    );
    assert_eq!(limited.lines().count(), 2);
    let json = json_of(folder.path(), &["search", "--callbacks"]);
    let rows = json["results"].as_array().expect("rows");
    for row in rows {
        let is_missed = row["result"] == "missed";
        assert_eq!(row.get("returned").is_some(), is_missed, "{row}");
    }
    let first = rows.last().expect("there are calls");
    expect![[r#"{"how":"called_back","by":"152","after_ms":720000,"reached":true}"#]]
        .assert_eq(&first["returned"].to_string());
    let plain = json_of(folder.path(), &["search", "--missed"]);
    assert_eq!(plain["total"], 8);
    assert!(plain["results"][0].get("returned").is_none());
}

#[test]
fn what_is_not_asked_of_missed_calls_changes_nothing() {
    let folder = tree();
    let search = |args: &[&str]| of_tree(folder.path(), args, None);
    for format in ["table", "json", "ndjson", "csv", "raw"] {
        assert_eq!(
            search(&["search", "--missed", "--format", format]),
            search(&["search", "--status", "missed", "--format", format]),
        );
    }
}
