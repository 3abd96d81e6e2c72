//! Line numbers of records: a place is an offset, and users look up lines by number.

use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memchr_iter;

use super::{Corpus, Engine};
use calltrace_store::error::Error;
use calltrace_store::scan::Task;
use calltrace_store::source::{Source, Span};
use calltrace_store::tree::{EnterpriseName, Tree};

impl Engine {
    /// The numbers, counted from 1, of the lines that begin at the offsets in `asked`, in its order. `None`
    /// if a file is gone or shorter than the offset. Each file is read from its beginning to the last of its
    /// offsets.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed.
    pub fn line_numbers(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        asked: &[(String, u64)],
    ) -> Result<Vec<Option<u64>>, Error> {
        let mut by_file: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
        for (at, (file, offset)) in asked.iter().enumerate() {
            by_file.entry(file).or_default().push((*offset, at));
        }
        by_file.values_mut().for_each(|offsets| offsets.sort());
        Corpus::ask(tree, enterprise, self, |corpus| {
            let mut numbers = vec![None; asked.len()];
            for (source, name) in corpus.sources.iter().zip(corpus.names()) {
                if let Some(offsets) = by_file.get(name.as_str()) {
                    self.number(source, offsets, &mut numbers);
                }
            }
            numbers
        })
    }

    fn number(&self, source: &Arc<Source>, offsets: &[(u64, usize)], numbers: &mut [Option<u64>]) {
        let task = Task {
            source: Arc::clone(source),
            index: 0,
            span: Span::WHOLE,
        };
        let mut wanted = offsets.iter().peekable();
        let mut before = 0;
        self.scanner.read(&task, |blocks| {
            while let Some(block) = blocks.next_block() {
                let (mut from, mut lines) = (0, before);
                // A line in a damaged place has no number.
                while wanted
                    .next_if(|(offset, _)| *offset < block.offset)
                    .is_some()
                {}
                while let Some((offset, at)) = wanted.peek() {
                    let place = usize::try_from(offset.saturating_sub(block.offset));
                    let Some(text) = place.ok().and_then(|place| block.text.get(from..place))
                    else {
                        break;
                    };
                    lines += memchr_iter(b'\n', text).count() as u64;
                    from += text.len();
                    numbers[*at] = Some(lines + 1);
                    wanted.next();
                }
                before = lines + memchr_iter(b'\n', &block.text[from..]).count() as u64;
                if wanted.peek().is_none() {
                    blocks.stop();
                }
            }
        });
    }
}
