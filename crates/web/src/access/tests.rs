//! Which credentials open what.

use super::*;

const UNIX: u64 = 1_764_500_000;

fn enterprise(name: &str) -> EnterpriseName {
    EnterpriseName::new(name).expect("it is right")
}

fn shown(query: &str) -> Credentials {
    Credentials::of(&Query::new(Some(query))).expect("it is right")
}

fn secret() -> Secret {
    Secret::new("s3cret").expect("it is right")
}

fn asked(wanted: &Resource<'_>, query: &str) -> Result<(), AccessRefusal> {
    let door = AccessControl::new(TryLimits::default());
    let visitor = RemoteNetwork::of([192, 0, 2, 1].into());
    let now = (Instant::now(), UNIX);
    door.check(visitor, wanted, Some(&secret()), &shown(query), now)
}

#[test]
fn a_token_opens_calls_and_list() {
    let ours = enterprise("0367");
    for wanted in [Resource::Call(&ours, "1.1"), Resource::Enterprise(&ours)] {
        assert_eq!(asked(&wanted, "token=s3cret"), Ok(()));
        assert_eq!(asked(&wanted, "token=s3cre%74"), Ok(()));
        for wrong in ["", "token=", "token=s3cre", "token=s3cret+", "Token=s3cret"] {
            assert_eq!(asked(&wanted, wrong), Err(AccessRefusal::Closed), "{wrong}");
        }
    }
}

#[test]
fn a_link_opens_its_call_and_not_the_list() {
    let ours = enterprise("0367");
    let link = link::signed_path(&secret(), &ours, "1.1", UNIX + 5);
    let (_, query) = link.split_once('?').expect("it is right");
    assert_eq!(asked(&Resource::Call(&ours, "1.1"), query), Ok(()));
    assert_eq!(
        asked(&Resource::Call(&ours, "1.2"), query),
        Err(AccessRefusal::Closed)
    );
    assert_eq!(
        asked(&Resource::Enterprise(&ours), query),
        Err(AccessRefusal::Closed)
    );
}

#[test]
fn with_both_the_token_decides() {
    let ours = enterprise("0367");
    let link = link::signed_path(&secret(), &ours, "1.1", UNIX + 5);
    let (_, query) = link.split_once('?').expect("it is right");
    let wanted = Resource::Call(&ours, "1.1");
    let wrong = asked(&wanted, &format!("{query}&token=wrong"));
    assert_eq!(wrong, Err(AccessRefusal::Closed));
    let right = asked(&wanted, "token=s3cret&exp=1&sig=wrong");
    assert_eq!(right, Ok(()));
}

#[test]
fn the_substitute_for_a_missing_secret_grants_no_access() {
    let (ours, door) = (enterprise("0367"), AccessControl::new(TryLimits::default()));
    let visitor = RemoteNetwork::of([192, 0, 2, 1].into());
    let token = String::from_utf8(door.stand_in.bytes().to_vec()).expect("it is right");
    let credentials = Credentials {
        token: Some(token),
        ..Credentials::default()
    };
    let now = (Instant::now(), UNIX);
    let wanted = Resource::Call(&ours, "1.1");
    let entered = door.check(visitor, &wanted, None, &credentials, now);
    assert_eq!(entered, Err(AccessRefusal::Closed));
}

#[test]
fn an_expired_link_is_not_a_wrong_try() {
    let (ours, door) = (enterprise("0367"), AccessControl::new(TryLimits::default()));
    let visitor = RemoteNetwork::of([192, 0, 2, 1].into());
    let link = link::signed_path(&secret(), &ours, "1.1", UNIX - 5);
    let credentials = shown(link.split_once('?').expect("it is right").1);
    let wanted = Resource::Call(&ours, "1.1");
    let now = (Instant::now(), UNIX);
    for _ in 0..100 {
        let entered = door.check(visitor, &wanted, Some(&secret()), &credentials, now);
        assert_eq!(entered, Err(AccessRefusal::Expired));
    }
}

#[test]
fn a_right_token_after_too_many_wrong_ones_is_refused() {
    let (ours, door) = (enterprise("0367"), AccessControl::new(TryLimits::default()));
    let visitor = RemoteNetwork::of([192, 0, 2, 1].into());
    let now = (Instant::now(), UNIX);
    let wanted = Resource::Enterprise(&ours);
    let enter = |query| door.check(visitor, &wanted, Some(&secret()), &shown(query), now);
    for _ in 0..20 {
        assert_eq!(enter("token=wrong"), Err(AccessRefusal::Closed));
    }
    let wait = Duration::from_secs(6);
    assert_eq!(enter("token=s3cret"), Err(AccessRefusal::TooMany(wait)));
    assert_eq!(
        door.check_tries(visitor, now.0),
        Err(AccessRefusal::TooMany(wait))
    );
}
