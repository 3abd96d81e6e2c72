//! The names of one page, table by table on one connection.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::super::database::{Session, text};
use super::super::source::SourceError;
use super::super::{NameQuery, Names};
use super::layout::{Layout, NameLookup};
use calltrace_store::tree::EnterpriseName;

/// The names that came before the deadline.
pub(super) struct FetchedNames {
    pub(super) names: Names,
    /// Why names may be missing.
    pub(super) failure: Option<SourceError>,
    /// Whether the connection can be used again: no statement is running on it, and none of its prepared statements
    /// is outdated.
    pub(super) clean: bool,
}

/// The kind of a statement's rows.
#[derive(Clone, Copy)]
enum AnswerPart {
    Chats,
    Owners,
    Extensions,
    Lines,
    Recordings,
}

struct TableQuestion<'q> {
    part: AnswerPart,
    text: &'q str,
    of_enterprise: bool,
    ids: &'q [&'q str],
}

/// An id, a name, and a third value if the statement selects one: a chat's e-mail or a call's UUID.
struct NameRow {
    id: String,
    name: String,
    further: String,
}

/// All names that `wanted` asks for and `layout` allows, until `deadline`.
pub(super) async fn names(
    session: &Session,
    layout: &Layout,
    number: &EnterpriseName,
    wanted: &NameQuery,
    deadline: Instant,
) -> FetchedNames {
    let chats = ids(&wanted.chats);
    let extensions = ids(&wanted.extensions);
    let lines = ids(&wanted.lines);
    let calls = ids(&wanted.calls);
    let questions = questions(layout, [&chats, &extensions, &lines, &calls]);
    // The statements are sent one after another without waiting for the answers.
    let asked = questions
        .iter()
        .enumerate()
        .map(|(at, question)| async move { (at, question.ask(session, number).await) });
    let mut answers: FuturesUnordered<_> = asked.collect();
    let (mut found, mut failure, mut clean) = (BTreeMap::new(), None, true);
    while let Ok(Some((at, answer))) = timeout_at(deadline, answers.next()).await {
        match answer {
            Ok(rows) => drop(found.insert(at, rows)),
            Err(error) => {
                clean &= !matches!(error, SourceError::Cut(_));
                failure = Some(error);
            }
        }
    }
    if !answers.is_empty() {
        (failure, clean) = (Some(SourceError::Slow), false);
    }
    let mut names = Names::default();
    let mut emails = Vec::new();
    for (at, rows) in found {
        put(&mut names, &mut emails, questions[at].part, rows);
    }
    for (chat, email) in emails {
        names.chats.entry(chat).or_insert(email);
    }
    FetchedNames {
        names,
        failure,
        clean,
    }
}

/// Returns the ids that can be parameters of a statement. A text in PostgreSQL holds no NUL, and one id with NUL would
/// make the whole statement fail.
fn ids(wanted: &BTreeSet<String>) -> Vec<&str> {
    let ids = wanted.iter().filter(|id| !id.contains('\0'));
    ids.map(String::as_str).collect()
}

fn questions<'q>(layout: &'q Layout, ids: [&'q [&'q str]; 4]) -> Vec<TableQuestion<'q>> {
    let [chats, extensions, lines, calls] = ids;
    let lookup = |part, ids| {
        move |lookup: &'q NameLookup| TableQuestion {
            part,
            text: &lookup.text,
            of_enterprise: lookup.of_enterprise,
            ids,
        }
    };
    let owners = layout.owners.as_ref().map(|text| TableQuestion {
        part: AnswerPart::Owners,
        text,
        of_enterprise: true,
        ids: chats,
    });
    let mut questions: Vec<_> = owners.into_iter().collect();
    questions.extend(layout.chats.iter().map(lookup(AnswerPart::Chats, chats)));
    questions.extend(
        layout
            .extensions
            .iter()
            .map(lookup(AnswerPart::Extensions, extensions)),
    );
    questions.extend(layout.lines.iter().map(lookup(AnswerPart::Lines, lines)));
    let recordings = layout.recordings.iter();
    questions.extend(recordings.map(lookup(AnswerPart::Recordings, calls)));
    questions.retain(|question| !question.ids.is_empty());
    questions
}

impl TableQuestion<'_> {
    async fn ask(
        &self,
        session: &Session,
        number: &EnterpriseName,
    ) -> Result<Vec<NameRow>, SourceError> {
        let number = number.as_str();
        let rows = match self.of_enterprise {
            true => session.rows(self.text, &[&self.ids, &number]).await?,
            false => session.rows(self.text, &[&self.ids]).await?,
        };
        let read = |row: &tokio_postgres::Row| -> Result<_, SourceError> {
            let further = match row.len() {
                3.. => text(row, 2)?,
                _ => None,
            };
            Ok(NameRow {
                id: text(row, 0)?.unwrap_or_default(),
                name: text(row, 1)?.unwrap_or_default(),
                further: further.unwrap_or_default(),
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Adds the rows of one table. A name that is already there stays, so the caller adds the tables with priority first.
/// E-mails serve as names for chats that have a name in no table.
fn put(
    names: &mut Names,
    emails: &mut Vec<(String, String)>,
    part: AnswerPart,
    rows: Vec<NameRow>,
) {
    let is_filled = |text: &String| !text.trim().is_empty();
    for NameRow { id, name, further } in rows {
        let (into, also) = match part {
            AnswerPart::Owners => {
                names.owners.insert(id);
                continue;
            }
            AnswerPart::Chats => {
                emails.extend(Some((id.clone(), further)).filter(|(_, email)| is_filled(email)));
                (&mut names.chats, None)
            }
            AnswerPart::Extensions => (&mut names.extensions, None),
            AnswerPart::Lines => (&mut names.lines, None),
            AnswerPart::Recordings => (&mut names.recordings, Some((&mut names.uuids, further))),
        };
        if let Some((uuids, uuid)) = also.filter(|(_, uuid)| is_filled(uuid)) {
            uuids.entry(id.clone()).or_insert(uuid);
        }
        if is_filled(&name) {
            into.entry(id).or_insert(name);
        }
    }
}
