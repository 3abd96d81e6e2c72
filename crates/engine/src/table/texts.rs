//! Columns of text, each distinct text once: Parquet writes a dictionary, and numbers in place of values.
//!
//! Producing a text for each of half a million values takes longer than everything else done with them. So
//! the reader gets a dictionary of numbers instead of texts, and decodes the number of each value.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::leaf::{LeafValues, Lists};

/// Distinct texts, by number.
#[derive(Debug, Default)]
pub(super) struct DistinctTexts {
    text: String,
    /// The end of each text.
    ends: Vec<usize>,
}

impl DistinctTexts {
    /// The texts of a dictionary, in which a length precedes each text; `None` if it is malformed.
    pub(super) fn of_dictionary(mut bytes: &[u8]) -> Option<DistinctTexts> {
        let mut words = DistinctTexts::default();
        words.text.reserve(bytes.len());
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_first_chunk()?;
            let (word, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            words.push(word);
            bytes = rest;
        }
        Some(words)
    }

    /// The values of a column, in its order.
    pub(super) fn of_values(values: &LeafValues) -> DistinctTexts {
        let mut words = DistinctTexts::default();
        if let LeafValues::Texts(texts) = values {
            texts.iter().for_each(|text| words.push(text.data()));
        }
        words
    }

    /// Adds a text. Bytes that are not valid UTF-8, which a forged table may have, count as an empty text.
    fn push(&mut self, word: &[u8]) {
        self.text
            .push_str(std::str::from_utf8(word).unwrap_or_default());
        self.ends.push(self.text.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with this number, as [`Keys`] numbers them.
    fn of(&self, key: i64) -> &str {
        let key = key as usize;
        let start = key.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[key]]
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        (0..).take(self.len()).map(|key| self.of(key))
    }
}

/// A column of text: the distinct texts, and the number of the text for each value.
#[derive(Debug, Default)]
pub(super) struct Texts<C> {
    pub(super) words: DistinctTexts,
    pub(super) keys: C,
}

impl Texts<Vec<i64>> {
    pub(super) fn of(&self, row: usize) -> &str {
        self.words.of(self.keys[row])
    }
}

impl Texts<Vec<Option<i64>>> {
    pub(super) fn of(&self, row: usize) -> Option<&str> {
        self.keys[row].map(|key| self.words.of(key))
    }
}

impl Texts<Lists<i64>> {
    pub(super) fn of(&self, row: usize) -> impl Iterator<Item = &str> {
        self.keys.of(row).iter().map(|key| self.words.of(*key))
    }
}

/// The pages of a column with the numbers from 0 on as its dictionary. The first page that holds values
/// directly is refused.
pub(super) struct Keys {
    dictionary: Option<Page>,
    pages: Box<dyn PageReader>,
}

impl Keys {
    /// Replaces a dictionary of `words` texts; `pages` are the pages after it.
    pub(super) fn new(words: usize, pages: Box<dyn PageReader>) -> Keys {
        let numbers = (0i64..).take(words);
        let bytes: Vec<u8> = numbers.flat_map(i64::to_le_bytes).collect();
        let dictionary = Page::DictionaryPage {
            buf: Bytes::from(bytes),
            num_values: u32::try_from(words).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        Keys {
            dictionary: Some(dictionary),
            pages,
        }
    }
}

impl PageReader for Keys {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        if self.dictionary.is_some() {
            return Ok(self.dictionary.take());
        }
        let page = self.pages.get_next_page()?;
        match page.as_ref().map(Page::encoding) {
            None | Some(Encoding::RLE_DICTIONARY) => Ok(page),
            Some(_) => Err(ParquetError::NYI("it holds values".to_owned())),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        match &self.dictionary {
            Some(_) => Ok(Some(PageMetadata {
                num_rows: None,
                num_levels: None,
                is_dict: true,
            })),
            None => self.pages.peek_next_page(),
        }
    }

    fn skip_next_page(&mut self) -> Result<()> {
        match self.dictionary.take() {
            Some(_) => Ok(()),
            None => self.pages.skip_next_page(),
        }
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        match &self.dictionary {
            Some(_) => Ok(false),
            None => self.pages.at_record_boundary(),
        }
    }
}

impl Iterator for Keys {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}
