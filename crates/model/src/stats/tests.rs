//! The rules of statistics, by example.

use chrono::{NaiveDate, TimeZone, Timelike};

use super::*;
use crate::call::{Direction, Outcome};
use crate::record::{LogZone, Stamp, Zone};

const CLIENT: &str = "375290001234";
const MINUTE: i64 = 60_000;
const WITHIN: i64 = 60 * MINUTE;

/// Long after everything.
const LATER: Stamp = Stamp(1_000 * WITHIN);

fn at(minute: i64) -> Stamp {
    Stamp(minute * MINUTE)
}

fn call(first: Stamp, direction: Direction, outcome: Outcome) -> StatsCall<'static> {
    StatsCall {
        first,
        direction,
        outcome,
        client: CLIENT,
        trunk: "",
        rang: NameList::Borrowed(&["150", "151"]),
        answered_by: None,
        wait_millis: None,
        talk_millis: None,
        hold_millis: None,
        message_lags: &[],
        messages_standing: 0,
        requests: Requests::Borrowed(&[]),
    }
}

fn missed(minute: i64) -> StatsCall<'static> {
    call(at(minute), Direction::Incoming, Outcome::Missed)
}

fn outgoing(first: Stamp, outcome: Outcome) -> StatsCall<'static> {
    StatsCall {
        rang: NameList::Borrowed(&["152"]),
        ..call(first, Direction::Outgoing, outcome)
    }
}

fn answered(minute: i64) -> StatsCall<'static> {
    StatsCall {
        answered_by: Some("151"),
        ..call(at(minute), Direction::Incoming, Outcome::Answered)
    }
}

fn returns(calls: &[StatsCall<'_>], now: Stamp) -> Returns {
    let mut contacts = Contacts::default();
    for call in calls {
        contacts.add(0, call);
    }
    contacts.settle(WITHIN, now)
}

/// The fate of a call that was missed at minute 10.
fn fate(others: &[StatsCall<'_>], now: Stamp) -> String {
    let calls = [&[missed(10)], others].concat();
    format!("{:?}", returns(&calls, now).fate(0, CLIENT, at(10)))
}

#[test]
fn the_first_call_to_the_client_after_a_missed_one_is_the_callback() {
    let others = [
        outgoing(at(9), Outcome::Answered),
        // A call at the same moment is not after it.
        outgoing(at(10), Outcome::Answered),
        outgoing(at(30), Outcome::Answered),
        outgoing(at(22), Outcome::NotReached),
    ];
    assert_eq!(
        fate(&others, LATER),
        "CalledBack { by: \"152\", after_millis: 720000, reached: false }"
    );
}

#[test]
fn a_callback_counts_up_to_the_last_millisecond_of_the_time_and_not_after() {
    let last = at(10).plus_millis(WITHIN);
    assert_eq!(
        fate(&[outgoing(last, Outcome::Answered)], LATER),
        "CalledBack { by: \"152\", after_millis: 3600000, reached: true }"
    );
    let late = outgoing(last.plus_millis(1), Outcome::Answered);
    assert_eq!(fate(&[late], LATER), "NotReturned { rang_again: false }");
}

#[test]
fn a_client_who_rings_again_is_served_only_when_answered() {
    assert_eq!(
        fate(&[missed(20)], LATER),
        "NotReturned { rang_again: true }"
    );
    assert_eq!(
        fate(&[missed(20), answered(40)], LATER),
        "RangAgain { by: \"151\", after_millis: 1800000 }"
    );
    // A person still called back.
    assert_eq!(
        fate(&[answered(20), outgoing(at(40), Outcome::Busy)], LATER),
        "CalledBack { by: \"152\", after_millis: 1800000, reached: false }"
    );
}

#[test]
fn a_missed_call_is_pending_until_its_time_has_passed() {
    let end = at(10).plus_millis(WITHIN);
    assert_eq!(fate(&[], end.plus_millis(-1)), "Pending");
    assert_eq!(fate(&[], end), "NotReturned { rang_again: false }");
    let back = outgoing(at(11), Outcome::Answered);
    assert!(fate(&[back], at(12)).starts_with("CalledBack"));
}

#[test]
fn a_callback_is_to_the_same_number_of_the_same_enterprise() {
    let mut contacts = Contacts::default();
    contacts.add(0, &missed(10));
    contacts.add(1, &outgoing(at(11), Outcome::Answered));
    let other = StatsCall {
        client: "375290001235",
        ..outgoing(at(12), Outcome::Answered)
    };
    contacts.add(0, &other);
    let internal = call(at(13), Direction::Internal, Outcome::Answered);
    contacts.add(0, &internal);
    let written_otherwise = StatsCall {
        client: "80290001234",
        ..outgoing(at(14), Outcome::Answered)
    };
    contacts.add(0, &written_otherwise);
    let returns = contacts.settle(WITHIN, LATER);
    assert!(matches!(
        returns.fate(0, CLIENT, at(10)),
        Fate::CalledBack {
            after_millis: 240_000,
            ..
        }
    ));
    for client in ["", "150", "anonymous"] {
        assert_eq!(returns.fate(0, client, at(10)), Fate::Anonymous, "{client}");
    }
}

fn counting(by: Option<GroupBy>) -> Counting<impl Fn(Stamp) -> LocalHour> {
    counting_in("UTC", by)
}

fn counting_in(zone: &str, by: Option<GroupBy>) -> Counting<impl Fn(Stamp) -> LocalHour> {
    let zone = Zone::named(zone).expect("a zone");
    Counting::new(by, move |at| {
        let moment = LogZone::default().moment(at).with_timezone(&zone);
        LocalHour {
            date: moment.date_naive(),
            hour: u8::try_from(moment.hour()).expect("of 24"),
        }
    })
}

fn named(name: &str) -> GroupKey {
    GroupKey::Name {
        enterprise: 0,
        name: name.to_owned(),
    }
}

#[test]
fn without_calls_there_are_no_figures() {
    for by in [None, Some(GroupBy::Day), Some(GroupBy::Person)] {
        let stats = counting(by).finish(WITHIN, LATER);
        assert_eq!(stats.total.outcomes, Outcomes::default());
        assert_eq!((stats.total.wait, stats.span), (None, None));
        assert!(stats.groups.is_empty() && stats.requests.is_empty());
    }
    let hours = counting(Some(GroupBy::Hour)).finish(WITHIN, LATER).groups;
    assert_eq!(hours.len(), 24);
    assert!(hours.iter().all(|group| group.figures.outcomes.all() == 0));
}

#[test]
fn a_missed_call_counts_for_every_person_who_was_rung() {
    let mut counting = counting(Some(GroupBy::Person));
    counting.add(0, &missed(10));
    counting.add(0, &answered(20));
    counting.add(0, &outgoing(at(200), Outcome::NotReached));
    let no_one_rung = StatsCall {
        rang: NameList::Borrowed(&[]),
        ..missed(300)
    };
    counting.add(0, &no_one_rung);
    let inside = StatsCall {
        client: "153",
        answered_by: Some("150"),
        ..call(at(301), Direction::Internal, Outcome::Answered)
    };
    counting.add(0, &inside);
    let stats = counting.finish(WITHIN, LATER);
    let of = |outcomes: Outcomes| {
        let of = |outcome| outcomes.of(outcome);
        (outcomes.all(), of(Outcome::Answered), of(Outcome::Missed))
    };
    let groups = stats.groups.iter();
    let groups: Vec<_> = groups
        .map(|group| (group.key.clone(), of(group.figures.outcomes)))
        .collect();
    assert_eq!(
        groups,
        [
            (named("151"), (2, 1, 1)),
            (named(""), (1, 0, 1)),
            (named("150"), (1, 0, 1)),
            (named("152"), (1, 0, 0)),
            (named("153"), (1, 1, 0)),
        ]
    );
    assert_eq!(of(stats.total.outcomes), (5, 2, 2));
    assert_eq!(stats.total.fates.rang_again_answered, 1);
    assert_eq!(stats.groups[2].figures.fates.rang_again_answered, 1);
    assert_eq!(stats.groups[1].figures.fates.not_returned, 1);
}

#[test]
fn contacts_that_are_not_counted_still_return_calls() {
    let mut counting = counting(None);
    counting.add_contact(0, &outgoing(at(30), Outcome::Answered));
    counting.add(0, &missed(10));
    counting.add(0, &missed(15));
    let stats = counting.finish(WITHIN, LATER);
    assert_eq!(stats.total.outcomes.all(), 2);
    assert_eq!(stats.total.fates.reached, 2);
    let after = stats.called_back_after.expect("two were called back");
    assert_eq!((after.p50, after.max), (15 * MINUTE, 20 * MINUTE));
    let by = &stats.called_back_by;
    assert_eq!(
        (by.len(), by[0].person.as_str(), by[0].calls),
        (1, "152", 2)
    );
}

#[test]
fn unreturned_calls_are_listed() {
    let mut counting = counting(None);
    let of = |minute, client| StatsCall {
        client,
        ..missed(minute)
    };
    for call in [
        of(10, CLIENT),
        of(20, CLIENT),
        of(30, "375290001235"),
        of(40, ""),
    ] {
        counting.add(3, &call);
    }
    counting.add(3, &outgoing(at(90), Outcome::Answered));
    let mut stats = counting.finish(30 * MINUTE, LATER);
    stats.not_returned.sort_by_key(|call| call.first);
    let named = |minute, client: &str, rang_again| UnreturnedCall {
        enterprise: 3,
        number: crate::record::phone::key(client.as_bytes()).expect("a number"),
        first: at(minute),
        rang_again,
    };
    assert_eq!(
        stats.not_returned,
        [
            named(10, CLIENT, true),
            named(20, CLIENT, false),
            named(30, "375290001235", false)
        ]
    );
    assert_eq!(stats.total.fates.not_returned, stats.not_returned.len());
    assert_eq!(stats.total.fates.anonymous, 1);
}

#[test]
fn each_length_is_measured_for_its_kind_of_calls() {
    let requests = [
        StatsRequest {
            host: "a:80",
            millis: Some(30),
            failed: false,
        },
        StatsRequest {
            host: "a:80",
            millis: None,
            failed: true,
        },
    ];
    let whole = StatsCall {
        wait_millis: Some(5_000),
        talk_millis: Some(60_000),
        hold_millis: Some(999),
        message_lags: &[400, -1],
        messages_standing: 2,
        requests: Requests::Borrowed(&requests),
        ..answered(1)
    };
    let other = StatsCall {
        wait_millis: Some(70_000),
        talk_millis: Some(1_000),
        hold_millis: Some(1_000),
        ..outgoing(at(2), Outcome::Answered)
    };
    let mut counting = counting(None);
    counting.add(0, &whole);
    counting.add(0, &other);
    let stats = counting.finish(WITHIN, LATER);
    let max = |spread: Option<Spread>| spread.map(|spread| (spread.count, spread.max));
    let total = &stats.total;
    // An outgoing call's client does not wait for us, and a moment is not a hold.
    assert_eq!(max(total.wait), Some((1, 5_000)));
    assert_eq!(max(total.talk), Some((2, 60_000)));
    assert_eq!(max(total.hold), Some((1, 1_000)));
    assert_eq!(max(total.message_lag), Some((2, 400)));
    assert_eq!(
        (total.messages_standing, total.http, total.http_failed),
        (2, 2, 1)
    );
    let host = &stats.requests[0];
    assert_eq!(
        (host.count, host.failed, max(host.took)),
        (2, 1, Some((1, 30)))
    );
}

#[test]
fn an_hour_that_comes_twice_is_one_hour_and_its_day_has_all_calls() {
    let zone = Zone::named("Europe/Berlin").expect("a zone");
    let midnight = |day: u32| {
        let wall = NaiveDate::from_ymd_opt(2025, 10, day)
            .and_then(|date| date.and_hms_opt(0, 0, 0))
            .expect("a time");
        zone.from_local_datetime(&wall)
            .earliest()
            .expect("there is one")
            .timestamp_millis()
    };
    // Clocks are put back from three to two on the 26th, which has 25 hours.
    let (begin, end) = (midnight(26), midnight(27));
    assert_eq!((end - begin) / (60 * MINUTE), 25);
    let counted = |by| {
        let mut counting = counting_in("Europe/Berlin", Some(by));
        for minute in 0..(end - begin) / MINUTE {
            let first = Stamp(begin + minute * MINUTE);
            counting.add(0, &call(first, Direction::Incoming, Outcome::Answered));
        }
        let groups = counting.finish(WITHIN, LATER).groups;
        let groups = groups.into_iter().map(|group| group.figures.outcomes.all());
        groups.collect::<Vec<_>>()
    };
    assert_eq!(counted(GroupBy::Day), [25 * 60]);
    let mut hours = vec![60; 24];
    hours[2] = 120;
    assert_eq!(counted(GroupBy::Hour), hours);
    assert_eq!(counted(GroupBy::Weekday), [0, 0, 0, 0, 0, 0, 25 * 60]);
}

#[test]
fn a_day_without_calls_between_others_is_a_day() {
    let day = 24 * 60;
    let mut counting = counting(Some(GroupBy::Day));
    for minute in [3 * day, 0, 1] {
        counting.add(0, &missed(minute));
    }
    let counts = |counting: Counting<_>| {
        let groups = counting.finish(WITHIN, LATER).groups;
        let groups = groups.into_iter().map(|group| group.figures.outcomes.all());
        groups.collect::<Vec<usize>>()
    };
    assert_eq!(counts(counting), [2, 0, 0, 1]);
}

#[test]
fn a_record_of_a_far_year_does_not_add_a_million_days() {
    let mut counting = counting(Some(GroupBy::Day));
    counting.add(0, &missed(1));
    counting.add(0, &missed(7_000 * 366 * 24 * 60));
    assert_eq!(counting.finish(WITHIN, LATER).groups.len(), 2);
}

#[test]
fn a_client_is_one_group_per_enterprise_for_every_form_of_the_number() {
    let mut counting = counting(Some(GroupBy::Client));
    counting.add(0, &missed(1));
    let written_otherwise = StatsCall {
        client: "80290001234",
        ..missed(2)
    };
    counting.add(0, &written_otherwise);
    counting.add(1, &missed(3));
    let groups = counting.finish(WITHIN, LATER).groups;
    let calls: Vec<_> = groups
        .iter()
        .map(|group| group.figures.outcomes.all())
        .collect();
    assert_eq!(calls, [2, 1]);
    assert_eq!(groups[0].key, named(CLIENT));
}

#[test]
fn the_criteria_select_only_calls_that_may_return_missed_ones() {
    assert!(criteria_after([], WITHIN, Some(LATER)).is_none());
    let one = criteria_after([(CLIENT, at(10)), (CLIENT, at(30))], WITHIN, Some(LATER));
    let one = one.expect("there are two");
    assert!(one.phone.is_some());
    assert_eq!(one.since, Some(at(10)));
    // The end is exclusive, and a call that begins exactly at the end of the time still counts.
    assert_eq!(one.until, Some(at(90).plus_millis(1)));
    let several = criteria_after(
        [(CLIENT, at(30)), ("375290001235", at(10))],
        WITHIN,
        Some(LATER),
    );
    assert!(several.is_some_and(|c| c.phone.is_none() && c.since == Some(at(10))));
    let anonymous = criteria_after([("", at(1))], WITHIN, Some(LATER));
    assert!(anonymous.is_some_and(|c| c.phone.is_none()));
}
