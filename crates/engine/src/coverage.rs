//! How much of the logs is covered by tables, as far as that is visible without reading records or rows. For
//! maintenance of a tree.

use super::Engine;
use super::corpus::Corpus;
use super::table::{CallTables, OF_OTHER_FILES, WindowPart};
use super::tabling::{is_worth_reading, log_of};
use super::window::{LATEST, TimeWindow, windows};
use calltrace_store::error::Error;
use calltrace_store::tree::{EnterpriseName, FileName, Tree};

/// How the tables of an enterprise relate to its logs.
#[derive(Debug, Default)]
pub struct Coverage {
    /// The first logs of time windows that no table covers although one could. The window that still grows is
    /// left out.
    pub bare: Vec<FileName>,
    /// The names of tables that can't be used for any logs, each with the reason as a clause about the table.
    pub useless: Vec<(String, String)>,
}

impl Engine {
    /// Looks at the tables of an enterprise. With `deep` the tables are read to compare their checksums.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn coverage(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        deep: bool,
    ) -> Result<Coverage, Error> {
        let corpus = Corpus::settled(tree, enterprise, self)?;
        let mut tables = CallTables::of(&corpus, self.zone, None);
        let mut useless = std::mem::take(&mut tables.useless);
        // `bare` already lists the logs of such tables.
        useless.retain(|(_, why)| why != OF_OTHER_FILES);
        if deep {
            let all: Vec<String> = tables.all().iter().map(|t| t.name().to_owned()).collect();
            tables = tables.sound();
            let is_sound = |name: &String| tables.all().iter().any(|t| t.name() == name);
            let torn = all.into_iter().filter(|name| !is_sound(name));
            useless.extend(torn.map(|name| (name, "is torn".to_owned())));
            useless.sort();
        }
        let mut bare = Vec::new();
        for window in windows(corpus.beginnings(), TimeWindow::ALL) {
            let goes_on = window.end == LATEST;
            if goes_on || !is_worth_reading(&corpus, window) {
                continue;
            }
            let is_in_table = |part: &WindowPart<'_>| matches!(part, WindowPart::Covered(..));
            if !tables.parts(&corpus, window).iter().any(is_in_table) {
                bare.extend(log_of(&corpus, window));
            }
        }
        bare.sort();
        Ok(Coverage { bare, useless })
    }
}
