//! Answers a search with "nothing" without opening an archive.
//!
//! A user who looks for a number in hundreds of enterprises finds it in one or two of them. For the others
//! the catalog can say that no archive holds the number, provided each archive is still the file that the
//! catalog lists. Files that the catalog does not list (the live file) are searched. The answer is "nothing"
//! only if both say so; otherwise the search takes the normal way.

use std::ptr;

use super::seeds::may_hold;
use super::{Corpus, Engine, FoundCalls, SearchQuestion, Searched};
use calltrace_store::index::IndexKey;
use calltrace_store::index::catalog::{Catalog, CatalogArchive};
use calltrace_store::source::TimeBounds;
use calltrace_store::tree::{
    EnterpriseName, FileName, ListedFile, ShippedFile, Snapshot, Tree, list_files, still_holds,
};

impl Engine {
    /// The answer if it is "nothing"; `None` when this way can't find out.
    pub(super) fn search_at_a_glance(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &SearchQuestion,
    ) -> Option<FoundCalls> {
        let phone = question.criteria.phone.as_ref()?;
        let folder = tree.folder(enterprise).ok();
        let files = match &folder {
            Some(folder) => list_files(folder).ok()?,
            None => Vec::new(),
        };
        let days = match tree.shipped() {
            Some(shipped) => Some(shipped.days(enterprise).ok()?),
            None => None,
        };
        if days.as_ref().is_some_and(|days| days.stale.is_some()) {
            return None;
        }
        let is_local = |day: &&ShippedFile| {
            let is_copy = |file: &ListedFile| day.is_copy_of(&file.name, file.bytes, file.modified);
            files.iter().any(is_copy)
        };
        let shipped = days.iter().flat_map(|days| &days.files).map(AsRef::as_ref);
        let shipped: Vec<&ShippedFile> = shipped.filter(|day| !is_local(day)).collect();
        // If one content has two names, the normal way decides.
        let names = files.iter().map(|file| &file.name);
        let mut names: Vec<&FileName> = names.chain(shipped.iter().map(|day| &day.name)).collect();
        names.sort();
        if names.windows(2).any(|pair| pair[0].stem == pair[1].stem) {
            return None;
        }
        let local_catalog = folder.as_ref().and_then(Catalog::open);
        let shipped_catalog = days.as_ref().and_then(|days| Catalog::of_shipped(days));
        let mut archives: Vec<&CatalogArchive> = Vec::new();
        let mut others = Vec::new();
        for file in &files {
            let catalog = local_catalog.as_ref()?;
            match catalog.archive(&file.name, file.bytes, file.modified) {
                Some(archive) => archives.push(archive),
                None => others.push(file.name.clone()),
            }
        }
        for day in &shipped {
            let catalog = shipped_catalog.as_ref()?;
            archives.push(catalog.archive(&day.name, day.log.bytes(), day.modified)?);
        }
        for catalog in [&local_catalog, &shipped_catalog].into_iter().flatten() {
            let candidates = catalog.may_hold(IndexKey::of_phone(phone)?)?;
            let is_there =
                |it: &&CatalogArchive| archives.iter().any(|archive| ptr::eq(*archive, *it));
            if candidates.iter().any(is_there) {
                return None;
            }
        }
        let snapshot = Snapshot::open_some(enterprise, folder.as_ref(), &others).ok()?;
        let corpus = Corpus::of(snapshot, self);
        let mut found = self.finds_no_seeds(&corpus, question)?;
        for archive in archives {
            add(&mut found.searched, archive.bounds, question);
        }
        let still_holds = folder.is_none_or(|folder| still_holds(&folder, &files));
        still_holds.then_some(found)
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
