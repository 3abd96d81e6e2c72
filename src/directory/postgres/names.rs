//! The names of one page, table by table on one connection.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::super::source::SourceError;
use super::super::{Names, Wanted};
use super::layout::{Layout, Lookup};
use super::session::{Session, text};
use crate::tree::EnterpriseName;

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
    Uuids,
}

struct Question<'q> {
    part: Part,
    text: &'q str,
    of_enterprise: bool,
    ids: &'q [&'q str],
}

/// Pairs of an id and a name.
type Pairs = Vec<(String, String)>;

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
    let (mut pairs, mut wrong, mut clean) = (BTreeMap::new(), None, true);
    while let Ok(Some((at, answer))) = timeout_at(deadline, answers.next()).await {
        match answer {
            Ok(found) => drop(pairs.insert(at, found)),
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
    for (at, pairs) in pairs {
        put(&mut names, questions[at].part, pairs);
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
    questions.extend(layout.lines.iter().map(lookup(Part::Lines, lines)));
    let recordings = layout.recordings.iter();
    questions.extend(recordings.map(lookup(Part::Recordings, calls)));
    questions.extend(layout.uuids.iter().map(lookup(Part::Uuids, calls)));
    // Of one table that is locked each question costs a time of waiting, which those behind it pay: the
    // table of people, which has several, comes last.
    let extensions = (layout.extensions.iter()).map(lookup(Part::Extensions, extensions));
    questions.extend(extensions);
    questions.extend(layout.chats.iter().map(lookup(Part::Chats, chats)));
    questions.retain(|question| !question.ids.is_empty());
    questions
}

impl Question<'_> {
    async fn ask(&self, session: &Session, number: &EnterpriseName) -> Result<Pairs, SourceError> {
        let number = number.as_str();
        let rows = match self.of_enterprise {
            true => session.rows(self.text, &[&self.ids, &number]).await?,
            false => session.rows(self.text, &[&self.ids]).await?,
        };
        let pair = |row| -> Result<_, SourceError> {
            let id = text(row, 0)?.unwrap_or_default();
            Ok((id, text(row, 1)?.unwrap_or_default()))
        };
        rows.iter().map(pair).collect()
    }
}

/// Adds what one table said. The tables that are believed more come first.
fn put(names: &mut Names, part: Part, pairs: Pairs) {
    let into = match part {
        Part::Chats => &mut names.chats,
        Part::Extensions => &mut names.extensions,
        Part::Lines => &mut names.lines,
        Part::Recordings => &mut names.recordings,
        Part::Uuids => &mut names.uuids,
        Part::Owners => return names.owners.extend(pairs.into_iter().map(|(id, _)| id)),
    };
    for (id, name) in pairs {
        if !name.trim().is_empty() {
            into.entry(id).or_insert(name);
        }
    }
}
