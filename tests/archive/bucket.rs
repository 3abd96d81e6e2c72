//! Writing to a store: objects once, manifests on a condition.

use calltrace_archive::{ObjectKind, PutOutcome, StoreError, StoreFault};
use testing::fault_proxy::{Fault, FaultProxy};
use testing::object_stores::{Moto, Seaweed, own_prefix};

use crate::stores::{bucket, enterprise, manifest, noise, object};

/// What every store has to do.
fn objects_and_manifests(endpoint: &str) {
    let bucket = bucket(endpoint, &own_prefix());
    let name = enterprise();
    assert_eq!(bucket.enterprises().expect("an empty list"), []);
    assert_eq!(bucket.manifest(&name).expect("there is none"), None);
    for bytes in [0, 11, 3 << 20, 20 << 20] {
        let content = noise(bytes, 7);
        let log = object(ObjectKind::Log, &content);
        let mut read = Vec::new();
        let missing = bucket.read_whole(&name, &log, &mut read);
        assert_eq!(
            missing.expect_err("it is not there").fault(),
            Some(&StoreFault::Missing)
        );
        let put = |content: &[u8]| bucket.put_new(&name, &log, &mut &content[..]);
        assert_eq!(put(&content).expect("it is new"), PutOutcome::Sent);
        assert_eq!(put(&content).expect("it is there"), PutOutcome::WasThere);
        bucket
            .read_whole(&name, &log, &mut read)
            .expect("it is there");
        assert!(read == content, "{bytes}");
    }
    // The file is another than it was.
    for bytes in [11, 9 << 20] {
        let other = object(ObjectKind::Index, &noise(bytes, 8));
        let put = bucket.put_new(&name, &other, &mut &noise(bytes, 7)[..]);
        assert!(matches!(put, Err(StoreError::Local(_))), "{put:?}");
        let missing = bucket.read_whole(&name, &other, &mut Vec::new());
        assert!(missing.is_err(), "{bytes}");
    }
    let log = object(ObjectKind::Log, &noise(11, 7));
    let first = bucket
        .put_manifest(&manifest(&log, 1), None)
        .expect("it is the first");
    let again = bucket.put_manifest(&manifest(&log, 2), None);
    assert!(matches!(again, Err(StoreError::Changed(_))), "{again:?}");
    let second = bucket.put_manifest(&manifest(&log, 2), Some(&first));
    let second = second.expect("nothing came between");
    let stale = bucket.put_manifest(&manifest(&log, 3), Some(&first));
    assert!(matches!(stale, Err(StoreError::Changed(_))), "{stale:?}");
    let found = bucket.manifest(&name).expect("it is there");
    assert_eq!(found, Some((manifest(&log, 2), second)));
    assert_eq!(
        bucket.enterprises().expect("one"),
        std::slice::from_ref(&name)
    );
    let listed = bucket.list(&name).expect("it is there");
    let keys: Vec<&str> = listed.iter().map(|object| object.key.as_str()).collect();
    assert!(
        keys.contains(&"manifest.json") && keys.contains(&log.key.as_str()),
        "{keys:?}"
    );
    assert_eq!(listed.len(), 5, "{keys:?}");
    let age = bucket.time().expect("it has answered") - listed[0].modified;
    assert!((0..60).contains(&age.num_seconds()), "{age}");
    bucket.delete(&name, &log.key).expect("it is there");
    bucket.delete(&name, &log.key).expect("it is gone");
    assert_eq!(bucket.list(&name).expect("the rest").len(), 4);
    assert!(bucket.is_conditional());
}

#[test]
fn a_bucket_of_seaweedfs_keeps_objects_and_manifests() {
    let endpoint = Seaweed::shared().endpoint();
    objects_and_manifests(&endpoint);
}

#[test]
fn a_bucket_of_moto_keeps_objects_and_manifests() {
    objects_and_manifests(&Moto::start().endpoint());
}

#[test]
fn of_two_writers_one_is_told_to_read_the_manifest_again() {
    let prefix = own_prefix();
    let endpoint = Seaweed::shared().endpoint();
    let log = object(ObjectKind::Log, &noise(11, 7));
    let writers = [(); 4].map(|()| bucket(&endpoint, &prefix));
    let rounds = 5;
    std::thread::scope(|scope| {
        for (number, writer) in (0..).zip(&writers) {
            let log = &log;
            scope.spawn(move || {
                let mut done = 0;
                while done < rounds {
                    let found = writer.manifest(&enterprise()).expect("it can be read");
                    let (mut next, tag) = match found {
                        Some((found, tag)) => (found, Some(tag)),
                        None => (manifest(log, 0), None),
                    };
                    next.revision += 1;
                    // No two writers write the same.
                    next.days[0].modified = number;
                    match writer.put_manifest(&next, tag.as_ref()) {
                        Ok(_) => done += 1,
                        Err(StoreError::Changed(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    let (last, _) = writers[0]
        .manifest(&enterprise())
        .expect("it is there")
        .expect("it is there");
    assert_eq!(last.revision, 4 * rounds);
}

#[test]
fn a_manifest_is_known_again_after_its_answer_was_lost() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let bucket = bucket(&proxy.endpoint(), &own_prefix());
    let log = object(ObjectKind::Log, &noise(11, 7));
    proxy.play(Fault::Lost, 1, |request| request.method == "PUT");
    let tag = bucket
        .put_manifest(&manifest(&log, 1), None)
        .expect("it was written");
    let found = bucket.manifest(&enterprise()).expect("it is there");
    assert_eq!(found, Some((manifest(&log, 1), tag)));
}

#[test]
fn an_object_is_sent_after_a_lost_answer_or_a_short_refusal() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let bucket = bucket(&proxy.endpoint(), &own_prefix());
    // A large object has one POST at the beginning of its upload and one at the end.
    for (seed, (bytes, fault, method, times)) in (0..).zip([
        (11, Fault::Lost, "PUT", 1),
        (11, Fault::Status(503), "PUT", 2),
        (9 << 20, Fault::Lost, "PUT", 1),
        (9 << 20, Fault::Refused, "POST", 1),
        (9 << 20, Fault::Lost, "POST", 2),
        (9 << 20, Fault::Status(503), "POST", 2),
    ]) {
        let content = noise(bytes, seed);
        let log = object(ObjectKind::Log, &content);
        proxy.reset();
        proxy.play(fault, times, move |request| request.method == method);
        let put = bucket.put_new(&enterprise(), &log, &mut &content[..]);
        put.unwrap_or_else(|error| panic!("{bytes} {fault:?} {method}: {error}"));
        let read = bucket.read_whole(&enterprise(), &log, &mut Vec::new());
        read.expect("it is there");
    }
    // The end of the upload alone.
    let content = noise(9 << 20, 99);
    let log = object(ObjectKind::Log, &content);
    proxy.reset();
    proxy.play(Fault::Lost, 1, |request| {
        request.method == "POST" && request.query.starts_with("uploadId=")
    });
    bucket
        .put_new(&enterprise(), &log, &mut &content[..])
        .expect("it was sent");
    bucket
        .read_whole(&enterprise(), &log, &mut Vec::new())
        .expect("it is there");
}

#[test]
fn a_store_without_conditions_is_written_by_one() {
    let proxy = FaultProxy::start(Seaweed::shared().port());
    proxy.play(Fault::NoConditions, usize::MAX, |_| true);
    let name = enterprise();
    let mut buckets = [20 << 20, 11].map(|bytes| {
        // It notices when it first sends something.
        let bucket = bucket(&proxy.endpoint(), &own_prefix());
        assert!(bucket.is_conditional() && bucket.says_it_is_unconditional().is_none());
        let content = noise(bytes, 3);
        let log = object(ObjectKind::Log, &content);
        let put = || bucket.put_new(&name, &log, &mut &content[..]);
        assert_eq!(put().expect("it can be sent"), PutOutcome::Sent);
        assert!(!bucket.is_conditional());
        assert_eq!(put().expect("it is there"), PutOutcome::WasThere);
        bucket
            .read_whole(&name, &log, &mut Vec::new())
            .expect("it is there");
        assert!(bucket.says_it_is_unconditional().is_some());
        assert_eq!(bucket.says_it_is_unconditional(), None, "once");
        bucket
    });
    let bucket = &mut buckets[0];
    let log = object(ObjectKind::Log, &noise(11, 3));
    let first = bucket
        .put_manifest(&manifest(&log, 1), None)
        .expect("it is the first");
    bucket
        .put_manifest(&manifest(&log, 2), Some(&first))
        .expect("nothing came between");
    let stale = bucket.put_manifest(&manifest(&log, 3), Some(&first));
    assert!(matches!(stale, Err(StoreError::Changed(_))), "{stale:?}");
}
