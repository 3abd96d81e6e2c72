//! A search answered in the negative without opening an archive.
//!
//! Whoever looks for a number in hundreds of enterprises finds it in one or two. For the others the
//! catalog says that no archive holds it, if each is still the file that the catalog lists; what the
//! catalog does not list (the live file) is searched. Only where both say no, the answer is no;
//! anything else is asked the long way.

use super::seeds::may_hold;
use super::{Corpus, Engine, Found, SearchQuestion, Searched};
use calltrace_store::index::Key;
use calltrace_store::index::catalog::{Archive, Catalog};
use calltrace_store::source::Bounds;
use calltrace_store::tree::{EnterpriseName, Listed, Snapshot, Tree, list_files, still_holds};

impl Engine {
    /// The answer if it is "nothing". `None` when that can't be told at a glance.
    pub(super) fn search_at_a_glance(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &SearchQuestion,
    ) -> Option<Found> {
        let phone = question.criteria.phone.as_ref()?;
        let folder = tree.folder(enterprise).ok()?;
        let catalog = Catalog::open(&folder)?;
        let files = list_files(&folder).ok()?;
        // The same content under two names is for those who read it.
        let twins = |pair: &[Listed]| pair[0].name.stem == pair[1].name.stem;
        if files.windows(2).any(twins) {
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
        let candidates = catalog.may_hold(Key::of_phone(phone)?)?;
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

/// Counts an archive that need not be read as one that was.
fn add(searched: &mut Searched, bounds: Bounds, question: &SearchQuestion) {
    searched.files_known += 1;
    if !may_hold(bounds, question) {
        return;
    }
    searched.files += 1;
    searched.from = [searched.from, bounds.first].into_iter().flatten().min();
    searched.to = searched.to.max(bounds.last.or(bounds.first));
}
