//! The names of one page, table by table on one connection.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::super::database::{Session, text};
use super::super::source::SourceError;
use super::super::{Names, Wanted};
use super::layout::{Layout, Lookup};
use calltrace_store::tree::EnterpriseName;

/// What had come when all was answered, or time was up.
pub(super) struct Found {
    pub(super) names: Names,
    /// Why names may be missing.
    pub(super) wrong: Option<SourceError>,
    /// Whether the connection can be used again: nothing is under way on it, nothing it remembers
    /// is outdated.
    pub(super) clean: bool,
}

/// Where the rows of a statement belong.
#[derive(Clone, Copy)]
enum Part {
    Chats,
    Owners,
    Extensions,
    Lines,
    Recordings,
}

struct Question<'q> {
    part: Part,
    text: &'q str,
    of_enterprise: bool,
    ids: &'q [&'q str],
}

/// An id, a name, and a further value where the question has one.
struct Row {
    id: String,
    name: String,
    further: String,
}

/// All that `wanted` asks for and `layout` can answer, by `deadline`.
pub(super) async fn names(
    session: &Session,
    layout: &Layout,
    number: &EnterpriseName,
    wanted: &Wanted,
    deadline: Instant,
) -> Found {
    let chats = ids(&wanted.chats);
    let extensions = ids(&wanted.extensions);
    let lines = ids(&wanted.lines);
    let calls = ids(&wanted.calls);
    let questions = questions(layout, [&chats, &extensions, &lines, &calls]);
    // On the wire one behind the other, without waiting for the answer before.
    let asked = questions
        .iter()
        .enumerate()
        .map(|(at, question)| async move { (at, question.ask(session, number).await) });
    let mut answers: FuturesUnordered<_> = asked.collect();
    let (mut found, mut wrong, mut clean) = (BTreeMap::new(), None, true);
    while let Ok(Some((at, answer))) = timeout_at(deadline, answers.next()).await {
        match answer {
            Ok(rows) => drop(found.insert(at, rows)),
            Err(error) => {
                clean &= !matches!(error, SourceError::Cut(_));
                wrong = Some(error);
            }
        }
    }
    if !answers.is_empty() {
        (wrong, clean) = (Some(SourceError::Slow), false);
    }
    let mut names = Names::default();
    let mut emails = Vec::new();
    for (at, rows) in found {
        put(&mut names, &mut emails, questions[at].part, rows);
    }
    for (chat, email) in emails {
        names.chats.entry(chat).or_insert(email);
    }
    Found {
        names,
        wrong,
        clean,
    }
}

/// Ids that can be a parameter: a text of PostgreSQL holds no NUL, and one that did would cost all
/// the others their names.
fn ids(wanted: &BTreeSet<String>) -> Vec<&str> {
    let ids = wanted.iter().filter(|id| !id.contains('\0'));
    ids.map(String::as_str).collect()
}

fn questions<'q>(layout: &'q Layout, ids: [&'q [&'q str]; 4]) -> Vec<Question<'q>> {
    let [chats, extensions, lines, calls] = ids;
    let lookup = |part, ids| {
        move |lookup: &'q Lookup| Question {
            part,
            text: &lookup.text,
            of_enterprise: lookup.of_enterprise,
            ids,
        }
    };
    let owners = layout.owners.as_ref().map(|text| Question {
        part: Part::Owners,
        text,
        of_enterprise: true,
        ids: chats,
    });
    let mut questions: Vec<_> = owners.into_iter().collect();
    questions.extend(layout.chats.iter().map(lookup(Part::Chats, chats)));
    questions.extend(
        layout
            .extensions
            .iter()
            .map(lookup(Part::Extensions, extensions)),
    );
    questions.extend(layout.lines.iter().map(lookup(Part::Lines, lines)));
    let recordings = layout.recordings.iter();
    questions.extend(recordings.map(lookup(Part::Recordings, calls)));
    questions.retain(|question| !question.ids.is_empty());
    questions
}

impl Question<'_> {
    async fn ask(
        &self,
        session: &Session,
        number: &EnterpriseName,
    ) -> Result<Vec<Row>, SourceError> {
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
            Ok(Row {
                id: text(row, 0)?.unwrap_or_default(),
                name: text(row, 1)?.unwrap_or_default(),
                further: further.unwrap_or_default(),
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Adds what one table said. The tables that are believed more come first. E-mails are for those who have a
/// name in no table.
fn put(names: &mut Names, emails: &mut Vec<(String, String)>, part: Part, rows: Vec<Row>) {
    let is_said = |text: &String| !text.trim().is_empty();
    for Row { id, name, further } in rows {
        let (into, also) = match part {
            Part::Owners => {
                names.owners.insert(id);
                continue;
            }
            Part::Chats => {
                emails.extend(Some((id.clone(), further)).filter(|(_, email)| is_said(email)));
                (&mut names.chats, None)
            }
            Part::Extensions => (&mut names.extensions, None),
            Part::Lines => (&mut names.lines, None),
            Part::Recordings => (&mut names.recordings, Some((&mut names.uuids, further))),
        };
        if let Some((uuids, uuid)) = also.filter(|(_, uuid)| is_said(uuid)) {
            uuids.entry(id.clone()).or_insert(uuid);
        }
        if is_said(&name) {
            into.entry(id).or_insert(name);
        }
    }
}
