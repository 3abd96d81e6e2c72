//! Asks hosts and journals as the program does.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use calltrace_hosts::journal::{JournalDays, JournalQuery, JournalState};
use calltrace_hosts::{
    Address, FetchLimits, Fetched, Host, HostError, HostName, JournalFolder, Login, SshFile, User,
    fetch, read_journal,
};
use calltrace_model::record::Zone;
use calltrace_store::tree::EnterpriseName;
use chrono::NaiveDate;
use testing::journals::Journals;
use testing::sshd::Sshd;

/// The host that a server is, with its key and its journals.
pub(crate) fn host(sshd: &Sshd, journals: &Path) -> Host {
    Host {
        name: HostName::parse("pbx").expect("a name"),
        enterprise: EnterpriseName::new("0367").expect("a name"),
        address: Address::parse("127.0.0.1").expect("an address"),
        port: sshd.port,
        user: User::parse(&sshd.user()).expect("a user"),
        login: Login::Key(Some(file(&sshd.key()))),
        known_hosts: Some(file(&sshd.known_hosts())),
        timezone: None,
        journals: JournalFolder::parse(&journals.display().to_string()).expect("a path"),
    }
}

pub(crate) fn file(path: &Path) -> SshFile {
    SshFile::parse(&path.display().to_string()).expect("a path")
}

/// Not for as long as in the field.
pub(crate) fn limits() -> FetchLimits {
    FetchLimits {
        connect: Duration::from_secs(5),
        overall: Duration::from_secs(20),
        lock_wait: Duration::from_millis(200),
        askpass: Some(testing::program()),
        ..FetchLimits::default()
    }
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// All rows of one day to another.
pub(crate) fn days(from: &str, to: &str) -> JournalQuery {
    JournalQuery::all_of(JournalDays::Range(day(from), day(to)))
}

/// Asks a host for these days, without an earlier fetch.
pub(crate) fn ask(host: &Host, wanted: &JournalQuery) -> Result<Fetched, HostError> {
    ask_within(host, wanted, &limits())
}

pub(crate) fn ask_within(
    host: &Host,
    wanted: &JournalQuery,
    limits: &FetchLimits,
) -> Result<Fetched, HostError> {
    block_on(fetch(host, wanted, testing::now(), limits))
}

/// Reads a journal that is here, written in UTC.
pub(crate) fn read(journals: &Journals, day: &str) -> Result<Fetched, HostError> {
    read_within(&journals.file(day), &limits())
}

pub(crate) fn read_within(file: &Path, limits: &FetchLimits) -> Result<Fetched, HostError> {
    let nothing = BTreeMap::new();
    block_on(read_journal(
        file,
        &nothing,
        Some(Zone::UTC),
        testing::now(),
        limits,
    ))
}

/// The name of a journal, and its troubles.
pub(crate) fn text_of(journal: &JournalState) -> String {
    let troubles = journal.troubles.iter().map(ToString::to_string);
    format!(
        "{} {}",
        journal.name(),
        troubles.collect::<Vec<_>>().join("; ")
    )
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    runtime.block_on(future)
}
