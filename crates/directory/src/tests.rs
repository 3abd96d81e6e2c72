//! The directory over sources that a test holds in its hand.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;

use super::*;

/// A source that gives the prepared answers and counts the questions.
#[derive(Clone)]
struct ScriptedSource {
    name: &'static str,
    enterprise: Arc<Mutex<Result<Option<Enterprise>, SourceError>>>,
    names: Result<Names, SourceError>,
    takes: Duration,
    asked: Arc<AtomicUsize>,
}

impl ScriptedSource {
    fn new(name: &'static str) -> ScriptedSource {
        ScriptedSource {
            name,
            enterprise: Arc::new(Mutex::new(Ok(None))),
            names: Ok(Names::default()),
            takes: Duration::ZERO,
            asked: Arc::default(),
        }
    }

    fn says(&self, enterprise: Result<Option<Enterprise>, SourceError>) {
        *self.enterprise.lock().expect("no thread panics with it") = enterprise;
    }
}

#[async_trait]
impl NameSource for ScriptedSource {
    fn name(&self) -> &'static str {
        self.name
    }

    fn knows_enterprises(&self) -> bool {
        true
    }

    async fn enterprise(&self, _: &EnterpriseName) -> Result<Option<Enterprise>, SourceError> {
        self.asked.fetch_add(1, Relaxed);
        tokio::time::sleep(self.takes).await;
        self.enterprise
            .lock()
            .expect("no thread panics with it")
            .clone()
    }

    async fn names(&self, _: &EnterpriseName, _: &NameQuery) -> Result<Names, SourceError> {
        self.asked.fetch_add(1, Relaxed);
        tokio::time::sleep(self.takes).await;
        self.names.clone()
    }

    async fn check(&self) -> Result<(), SourceError> {
        tokio::time::sleep(self.takes).await;
        self.names.clone().map(|_| ())
    }
}

fn june() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn opened_with(secret: &str) -> Enterprise {
    Enterprise {
        title: Some("june".into()),
        secret: Secret::new(secret),
    }
}

fn embedded(known: EnterpriseConfig) -> Embedded {
    let config = Config {
        enterprises: [(june(), known)].into(),
        ..Config::default()
    };
    Embedded::open(&config, &mut Vec::new()).expect("no file is read")
}

fn directory(embedded: Embedded, sources: &[ScriptedSource], times: DirectoryTimes) -> Directory {
    let boxed = |scripted: &ScriptedSource| -> Box<dyn NameSource> { Box::new(scripted.clone()) };
    Directory::new(embedded, sources.iter().map(boxed).collect(), times)
}

fn names(part: &str, id: &str, name: &str) -> Names {
    let pairs = || [(id.to_owned(), name.to_owned())].into();
    match part {
        "extensions" => Names {
            extensions: pairs(),
            ..Names::default()
        },
        _ => Names {
            lines: pairs(),
            ..Names::default()
        },
    }
}

fn away() -> SourceError {
    SourceError::Away("connection refused".into())
}

fn opens(answer: Result<Option<Enterprise>, Unavailable>, secret: &str) -> bool {
    let known = answer.expect("it can be asked").expect("it is known");
    known.secret.is_some_and(|known| known.matches(secret))
}

#[tokio::test]
async fn a_secret_of_the_settings_wins_and_no_source_is_asked() {
    let scripted = ScriptedSource::new("postgres");
    scripted.says(Ok(Some(opened_with("theirs"))));
    let known = EnterpriseConfig {
        secret: Secret::new("ours").map(SecretSource::Here),
        ..EnterpriseConfig::default()
    };
    let all = directory(
        embedded(known),
        std::slice::from_ref(&scripted),
        DirectoryTimes::default(),
    );
    assert!(opens(all.enterprise(&june()).await, "ours"));
    assert_eq!(scripted.asked.load(Relaxed), 0);
}

#[tokio::test]
async fn a_title_of_the_settings_joins_the_secret_of_the_database() {
    let scripted = ScriptedSource::new("postgres");
    scripted.says(Ok(Some(opened_with("theirs"))));
    let known = EnterpriseConfig {
        title: Some("Июнь".into()),
        ..EnterpriseConfig::default()
    };
    let all = directory(embedded(known), &[scripted], DirectoryTimes::default());
    let known = all
        .enterprise(&june())
        .await
        .expect("it can be asked")
        .expect("it is known");
    assert_eq!(known.title.as_deref(), Some("Июнь"));
    assert!(known.secret.is_some_and(|secret| secret.matches("theirs")));
}

#[tokio::test]
async fn concurrent_questions_are_asked_once() {
    let mut scripted = ScriptedSource::new("postgres");
    scripted.takes = Duration::from_millis(50);
    let all = directory(
        Embedded::default(),
        std::slice::from_ref(&scripted),
        DirectoryTimes::default(),
    );
    let number = june();
    let asked = join_all((0..20).map(|_| all.enterprise(&number))).await;
    assert!(
        asked
            .into_iter()
            .all(|answer| answer.is_ok_and(|known| known.is_none()))
    );
    assert_eq!(scripted.asked.load(Relaxed), 1);
    assert!(
        all.enterprise(&number)
            .await
            .expect("it can be asked")
            .is_none()
    );
    assert_eq!(scripted.asked.load(Relaxed), 1);
}

#[tokio::test]
async fn the_last_answer_is_used_for_a_limited_time_while_no_source_answers() {
    let scripted = ScriptedSource::new("postgres");
    let times = DirectoryTimes {
        fresh: Duration::from_millis(1),
        stale: Duration::from_millis(300),
        ..DirectoryTimes::default()
    };
    let all = directory(Embedded::default(), std::slice::from_ref(&scripted), times);
    let pause = || tokio::time::sleep(Duration::from_millis(10));
    scripted.says(Ok(Some(opened_with("theirs"))));
    assert!(opens(all.enterprise(&june()).await, "theirs"));
    scripted.says(Err(away()));
    pause().await;
    assert!(opens(all.enterprise(&june()).await, "theirs"));
    let other = EnterpriseName::new("0368").expect("a name");
    let message = all
        .enterprise(&other)
        .await
        .expect_err("no source can answer")
        .to_string();
    assert_eq!(
        message,
        "the directory can't be asked: postgres can't be reached: connection refused"
    );
    tokio::time::sleep(times.stale).await;
    assert!(all.enterprise(&june()).await.is_err());
    scripted.says(Ok(Some(opened_with("new"))));
    assert!(opens(all.enterprise(&june()).await, "new"));
    // One that was taken out of the database is not let in again when that goes down.
    scripted.says(Ok(None));
    pause().await;
    assert!(
        all.enterprise(&june())
            .await
            .expect("it can be asked")
            .is_none()
    );
    scripted.says(Err(away()));
    pause().await;
    assert!(all.enterprise(&june()).await.is_err());
}

#[tokio::test]
async fn strangers_numbers_do_not_push_out_an_enterprise_that_is_known() {
    let scripted = ScriptedSource::new("postgres");
    let all = directory(
        Embedded::default(),
        std::slice::from_ref(&scripted),
        DirectoryTimes::default(),
    );
    scripted.says(Ok(Some(opened_with("theirs"))));
    assert!(all.enterprise(&june()).await.is_ok());
    scripted.says(Ok(None));
    for n in 0..500 {
        let number = EnterpriseName::new(&format!("x{n}")).expect("a name");
        assert!(
            all.enterprise(&number)
                .await
                .expect("it can be asked")
                .is_none()
        );
    }
    all.last.run_pending_tasks().await;
    assert_eq!(all.last.entry_count(), 1);
}

#[tokio::test]
async fn a_slow_source_loses_only_its_own_names() {
    let mut slow = ScriptedSource::new("postgres");
    slow.takes = Duration::from_secs(60);
    let mut quick = ScriptedSource::new("metadata");
    quick.names = Ok(names("lines", "0001363", "Линия 1"));
    let mut broken = ScriptedSource::new("third");
    broken.names = Err(away());
    let times = DirectoryTimes {
        budget: Duration::from_millis(100),
        ..DirectoryTimes::default()
    };
    let known = EnterpriseConfig {
        extensions: [("151".into(), "Анна".into())].into(),
        ..EnterpriseConfig::default()
    };
    let all = directory(embedded(known), &[slow.clone(), quick, broken], times);
    let wanted = NameQuery {
        extensions: ["151".into()].into(),
        lines: ["0001363".into()].into(),
        ..NameQuery::default()
    };
    let begun = Instant::now();
    let found = all.names(&june(), &wanted).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(found.extensions["151"], "Анна");
    assert_eq!(found.lines["0001363"], "Линия 1");
    assert_eq!(found.missing, ["postgres", "third"]);
    assert!(all.enterprise(&june()).await.is_err());
    let checks = all.check().await;
    assert_eq!(
        checks[0],
        ("postgres", Err("did not answer in time".to_owned()))
    );
    assert_eq!(checks[1], ("metadata", Ok(())));
    assert!(checks[2].1.is_err());
}

#[tokio::test]
async fn names_of_the_settings_are_not_asked_for() {
    let mut scripted = ScriptedSource::new("metadata");
    scripted.names = Ok(names("extensions", "151", "Чужая"));
    let known = EnterpriseConfig {
        extensions: [("151".into(), "Анна".into())].into(),
        ..EnterpriseConfig::default()
    };
    let all = directory(
        embedded(known),
        std::slice::from_ref(&scripted),
        DirectoryTimes::default(),
    );
    let wanted = NameQuery {
        extensions: ["151".into()].into(),
        ..NameQuery::default()
    };
    assert_eq!(all.names(&june(), &wanted).await.extensions["151"], "Анна");
    assert_eq!(scripted.asked.load(Relaxed), 0);
}

#[tokio::test]
async fn one_secret_opens_every_enterprise_of_this_run() {
    let run = Directory::for_this_run(Secret::new("run").expect("not blank"));
    assert!(opens(run.enterprise(&june()).await, "run"));
    assert!(run.check().await.is_empty());
    let unknown = Directory::default().enterprise(&june()).await;
    assert!(unknown.expect("there is no source to ask").is_none());
}

#[test]
fn a_directory_opens_without_a_reachable_source_and_without_a_runtime() {
    fn shared(_: impl Send + Sync) {}
    let config = Config {
        postgres: PostgresConfig {
            url: Secret::new("postgres://reader:s3cret@localhost:1/db").map(SecretSource::Here),
            ..PostgresConfig::default()
        },
        metadata: Secret::new("http://user:s3cret@localhost:1"),
        ..Config::default()
    };
    let (all, warnings) = Directory::open(&config).expect("both are addresses");
    assert!(warnings.is_empty());
    assert_eq!(
        format!("{all:?}"),
        r#"Directory { sources: ["postgres", "metadata"], .. }"#
    );
    shared(all);
}
