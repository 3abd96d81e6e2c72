//! No key and no signature gets into an error, a debug text or the log.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use calltrace_archive::{Archive, ArchiveConfig, Bucket, ObjectKind};
use calltrace_store::secret::{Secret, SecretSource};
use calltrace_store::tree::ShippedTree;
use testing::fault_proxy::{Fault, FaultProxy};
use testing::object_stores::{KEY, READER_KEY, Seaweed, own_prefix};
use tracing_subscriber::fmt::MakeWriter;

use crate::stores::{config, enterprise, manifest, noise, object};

/// All that is logged in this program.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Log;

    fn make_writer(&'w self) -> Log {
        Log
    }
}

#[test]
fn no_secret_is_shown() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(Log);
    let _ = tracing::subscriber::set_global_default(subscriber.finish());
    let mut said = String::new();
    let mut say = |text: String| {
        said.push_str(&text);
        said.push('\n');
    };
    let proxy = FaultProxy::start(Seaweed::shared().port());
    let right = ArchiveConfig {
        request_timeout: Duration::from_secs(1),
        ..config(&proxy.endpoint(), &own_prefix())
    };
    let secret = |text: &str| Secret::new(text).map(SecretSource::Here);
    let reader = ArchiveConfig {
        access_key: secret(READER_KEY.0),
        secret_key: secret(READER_KEY.1),
        ..right.clone()
    };
    let wrong_secret = ArchiveConfig {
        secret_key: secret("pl4nted+other"),
        ..right.clone()
    };
    let unknown = ArchiveConfig {
        access_key: secret("pl4nted-access"),
        ..right.clone()
    };
    let content = noise(9 << 20, 1);
    let log = object(ObjectKind::Log, &content);
    for (config, may_read) in [
        (&right, true),
        (&reader, true),
        (&wrong_secret, false),
        (&unknown, false),
    ] {
        say(format!("{config:?}"));
        let bucket = Bucket::open(config).expect("the settings are right");
        let archive = Archive::open(config).expect("the settings are right");
        say(format!("{bucket:?} {archive:?}"));
        for fault in [
            None,
            Some(Fault::Status(503)),
            Some(Fault::Refused),
            Some(Fault::Cut(3)),
        ] {
            proxy.reset();
            if let Some(fault) = fault {
                proxy.play(fault, usize::MAX, |_| true);
            }
            let put = bucket.put_new(&enterprise(), &log, &mut &content[..]);
            assert!(
                put.is_ok() == (std::ptr::eq(config, &right) && fault.is_none()),
                "{put:?}"
            );
            say(format!("{put:?}"));
            if let Err(error) = put {
                say(error.to_string());
            }
            if let Err(error) = bucket.put_manifest(&manifest(&log, 1), None) {
                say(format!("{error} {error:?}"));
            }
            let days = archive.days(&enterprise());
            if fault.is_none() {
                assert_eq!(days.is_ok(), may_read, "{days:?}");
            }
            say(format!("{days:?} {:?}", archive.enterprises()));
            if let Err(error) = bucket.list(&enterprise()) {
                say(format!("{error} {error:?}"));
            }
            if let Err(error) = bucket
                .delete(&enterprise(), &log.key)
                .and_then(|()| bucket.enterprises().map(drop))
            {
                say(format!("{error} {error:?}"));
            }
        }
    }
    assert!(said.contains("denies access (AccessDenied)"), "{said}");
    assert!(
        said.contains("denies access (SignatureDoesNotMatch)"),
        "{said}"
    );
    said.push_str(&String::from_utf8_lossy(
        &LOGGED.lock().unwrap_or_else(PoisonError::into_inner),
    ));
    for hidden in [
        "pl4nted",
        KEY.0,
        READER_KEY.0,
        "X-Amz-",
        "x-amz-",
        "uthorization",
        "Credential=",
        "Signature=",
    ] {
        let line = said.lines().find(|line| line.contains(hidden));
        assert_eq!(line, None, "{hidden}");
    }
}
