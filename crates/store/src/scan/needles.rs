//! Finds the lines that hold one of several strings.
//!
//! Ids of one day share most of their bytes: `1764493655.61` begins like every other id of that
//! time. A searcher that starts from a string's beginning, or that judges bytes by how common they
//! are in general text, stops at every line. So each needle is searched by its most specific part
//! (for an id its last digits), all of them at once with SIMD ("Teddy" in the aho-corasick crate).
//! A line found is a candidate; the caller checks its fields.
//!
//! A single needle goes through memmem, which is given the two bytes of the needle that occur
//! together least often in a sample of the log: measured on 1.4 GB, 35 ms of CPU against 52 ms with
//! memmem's own table (made for source code and prose, where digits are rare) and 87 ms with Teddy.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};
use memchr::arch::all::packedpair::HeuristicFrequencyRank;
use memchr::memmem::{Finder, FinderBuilder};
use memchr::{memchr, memrchr};

/// The last bytes of a needle that are searched for when it is alone.
const PART_BYTES_MAX: usize = 10;

/// A shorter part would be in too many lines.
const PART_BYTES_MIN: usize = 4;

/// Length of the sample; counting all pairs in it takes half a millisecond.
const SAMPLE_BYTES: usize = 256 << 10;

/// Teddy slows down with more needles, and refuses twice as many.
const PACKED_MAX: usize = 48;

/// A compiled set of strings.
#[derive(Debug)]
pub struct Needles {
    searcher: Searcher,
}

#[derive(Debug)]
enum Searcher {
    One(Box<Finder<'static>>),
    Packed(packed::Searcher),
    Automaton(Box<AhoCorasick>),
}

impl Needles {
    /// Compiles one string for a pass over everything. `sample` is text like the one to be
    /// searched; it affects how fast the search is, not what it finds.
    pub fn one(string: impl AsRef<[u8]>, sample: &[u8]) -> Needles {
        let part = distinctive_part(string.as_ref());
        let part = &part[part.len().saturating_sub(PART_BYTES_MAX)..];
        // memmem starts with the first two bytes and keeps both when they are the same.
        let doubled = part
            .windows(2)
            .take_while(|pair| pair[0] == pair[1])
            .count();
        let part = &part[doubled.min(part.len().saturating_sub(PART_BYTES_MIN))..];
        let finder = FinderBuilder::new().build_forward_with_ranker(Ranks::of(part, sample), part);
        Needles {
            searcher: Searcher::One(Box::new(finder.into_owned())),
        }
    }

    /// Compiles `strings`; empty ones are left out. Each is searched by its most specific part:
    /// from the fourth digit before the dot for an id, otherwise whole.
    pub fn new<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Needles {
        let mut parts: Vec<Vec<u8>> = strings
            .into_iter()
            .map(|s| distinctive_part(s.as_ref()).to_vec())
            .filter(|part| !part.is_empty())
            .collect();
        parts.sort();
        parts.dedup();
        let packed = (parts.len() <= PACKED_MAX)
            .then(|| {
                packed::Config::new()
                    .match_kind(packed::MatchKind::LeftmostFirst)
                    .builder()
                    .extend(&parts)
                    .build()
            })
            .flatten();
        let searcher = match packed {
            Some(searcher) => Searcher::Packed(searcher),
            None => Searcher::Automaton(Box::new(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(&parts)
                    .expect("some dozens of short patterns are within the automaton's limits"),
            )),
        };
        Needles { searcher }
    }

    /// Calls `each` once with every line of `text` that holds a needle: its offset in `text`, and
    /// its bytes without the newline.
    pub fn lines<'t>(&self, text: &'t [u8], mut each: impl FnMut(usize, &'t [u8])) {
        let mut from = 0;
        while let Some(hit) = self.find(text, from) {
            let start = memrchr(b'\n', &text[..hit]).map_or(0, |newline| newline + 1);
            let end = memchr(b'\n', &text[hit..]).map_or(text.len(), |length| hit + length);
            each(start, &text[start..end]);
            from = end + 1;
            if from >= text.len() {
                break;
            }
        }
    }

    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        match &self.searcher {
            Searcher::One(finder) => finder.find(&text[from..]).map(|hit| from + hit),
            Searcher::Packed(searcher) => searcher
                .find_in(text, aho_corasick::Span::from(from..text.len()))
                .map(|hit| hit.start()),
            Searcher::Automaton(automaton) => automaton
                .find(aho_corasick::Input::new(text).span(from..text.len()))
                .map(|hit| hit.start()),
        }
    }
}

/// Tells memmem which two bytes of a needle to search: it takes those of the lowest rank, each at
/// its first place.
struct Ranks([u8; 256]);

impl Ranks {
    /// Gives the lowest ranks to the two bytes of `part` that occur at their distance least often
    /// in `sample`.
    fn of(part: &[u8], sample: &[u8]) -> Ranks {
        let sample = &sample[..sample.len().min(SAMPLE_BYTES)];
        let mut ranks = [255; 256];
        let first_of = |b: u8| part.iter().position(|&other| other == b);
        let mut best: Option<(usize, u8, u8)> = None;
        for (i, &a) in part
            .iter()
            .enumerate()
            .filter(|(i, b)| first_of(**b) == Some(*i))
        {
            for (j, &b) in part.iter().enumerate().skip(i + 1) {
                if a == b || first_of(b) != Some(j) {
                    continue;
                }
                let together = sample.iter().zip(sample.get(j - i..).unwrap_or_default());
                let count = together.filter(|(x, y)| **x == a && **y == b).count();
                if best.is_none_or(|(least, ..)| count < least) {
                    best = Some((count, a, b));
                }
            }
        }
        if let Some((_, a, b)) = best {
            ranks[usize::from(a)] = 0;
            ranks[usize::from(b)] = 1;
        }
        Ranks(ranks)
    }
}

impl HeuristicFrequencyRank for Ranks {
    fn rank(&self, byte: u8) -> u8 {
        self.0[usize::from(byte)]
    }
}

/// The part of a string to search for. For `1764493655.61` that is `3655.61`: the digits before it
/// change only by the hour.
fn distinctive_part(string: &[u8]) -> &[u8] {
    match memchr(b'.', string) {
        Some(dot) if dot >= 4 && string[dot - 4..dot].iter().all(u8::is_ascii_digit) => {
            &string[dot - 4..]
        }
        _ => string,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needles: &Needles, text: &str) -> Vec<(usize, String)> {
        let mut lines = Vec::new();
        needles.lines(text.as_bytes(), |at, line| {
            lines.push((at, String::from_utf8_lossy(line).into_owned()));
        });
        lines
    }

    #[test]
    fn a_line_with_two_hits_is_reported_once() {
        let needles = Needles::new(["1764493655.61", "b-1"]);
        assert_eq!(
            found(&needles, "x\n1764493655.61 b-1 1764493655.61\ny\nb-1"),
            [
                (2, "1764493655.61 b-1 1764493655.61".into()),
                (36, "b-1".into())
            ]
        );
    }

    #[test]
    fn many_needles_find_the_same_lines_as_few() {
        let many: Vec<String> = (0..200).map(|i| format!("1764493655.{i}")).collect();
        let needles = Needles::new(&many);
        assert_eq!(found(&needles, "a|1764493655.199|b\nnone\n").len(), 1);
    }

    #[test]
    fn a_single_needle_finds_all_lines_that_a_set_of_it_finds() {
        let text = "x\n1764493655.61 1764493655.61\ny\n1764493655.6";
        for needle in ["1764493655.61", "y", "1764493655.6", "zz", "1111"] {
            let several = found(&Needles::new([needle]), text);
            for sample in [&b""[..], text.as_bytes(), b"1"] {
                let alone = found(&Needles::one(needle, sample), text);
                assert!(several.iter().all(|line| alone.contains(line)), "{needle}");
            }
        }
    }

    #[test]
    fn empty_needles_find_nothing() {
        let needles = Needles::new([""]);
        assert_eq!(found(&needles, "abc\n\0\0\0\0\0\nabc").len(), 0);
        assert_eq!(found(&needles, "").len(), 0);
    }
}
