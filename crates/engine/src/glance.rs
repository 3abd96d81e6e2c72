//! Answers a search with "nothing" without opening an archive.
//!
//! A user who looks for a number in hundreds of enterprises finds it in one or two of them. For the others
//! the catalog can say that no archive holds the number, provided each archive is still the file that the
//! catalog lists. Files that the catalog does not list (the live file) are searched. The answer is "nothing"
//! only if both say so; otherwise the search takes the normal way.

use super::seeds::may_hold;
use super::{Corpus, Engine, FoundCalls, SearchQuestion, Searched};
use calltrace_store::index::IndexKey;
use calltrace_store::index::catalog::{Archive, Catalog};
use calltrace_store::source::TimeBounds;
use calltrace_store::tree::{EnterpriseName, ListedFile, Snapshot, Tree, list_files, still_holds};

impl Engine {
    /// The answer if it is "nothing"; `None` when this way can't tell.
    pub(super) fn search_at_a_glance(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &SearchQuestion,
    ) -> Option<FoundCalls> {
        let phone = question.criteria.phone.as_ref()?;
        let folder = tree.folder(enterprise).ok()?;
        let catalog = Catalog::open(&folder)?;
        let files = list_files(&folder).ok()?;
        // If one content has two names, the normal way decides.
        let same_stem = |pair: &[ListedFile]| pair[0].name.stem == pair[1].name.stem;
        if files.windows(2).any(same_stem) {
            return None;
        }
        let mut archives: Vec<&Archive> = Vec::new();
        let mut others = Vec::new();
        for file in &files {
            match catalog.archive(file) {
                Some(archive) => archives.push(archive),
                None => others.push(file.name.clone()),
            }
        }
        let candidates = catalog.may_hold(IndexKey::of_phone(phone)?)?;
        if candidates.iter().any(|archive| archives.contains(archive)) {
            return None;
        }
        let snapshot = Snapshot::open_some(enterprise, &folder, &others).ok()?;
        let corpus = Corpus::of(snapshot, self);
        let mut found = self.finds_no_seeds(&corpus, question)?;
        for archive in archives {
            add(&mut found.searched, archive.bounds, question);
        }
        still_holds(&folder, &files).then_some(found)
    }
}

/// Counts an archive that need not be read as one that was read.
fn add(searched: &mut Searched, bounds: TimeBounds, question: &SearchQuestion) {
    searched.files_known += 1;
    if !may_hold(bounds, question) {
        return;
    }
    searched.files += 1;
    searched.from = [searched.from, bounds.first].into_iter().flatten().min();
    searched.to = searched.to.max(bounds.last.or(bounds.first));
}
