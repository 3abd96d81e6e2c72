//! Notices that an object is read from front to back, in one place or in several at a time, and says which chunks to
//! fetch before they are requested.

use std::ops::Range;

/// Places of an object that are read at one time; threads that share a scan each have one.
const STREAMS_MAX: usize = 8;

/// What is fetched ahead at most (bytes). Eight threads together stay within the chunks in memory.
const WINDOW_BYTES_MAX: u64 = 2 << 20;

/// Positions where reads of an object follow each other, in chunks.
#[derive(Debug, Default)]
pub(crate) struct Readahead {
    /// In order of use, the newest last.
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    /// The chunk behind the last one that was read.
    next: u64,
    /// The chunk behind the last one that was fetched.
    fetched: u64,
    window: u64,
}

impl Readahead {
    /// Notes a read of these chunks, and returns those to fetch ahead: none unless the read continues another.
    pub(crate) fn note(&mut self, read: Range<u64>, chunk_bytes: u64) -> Range<u64> {
        let continues = |stream: &Stream| {
            (read.start..=read.end).contains(&stream.next) || read.end == stream.next
        };
        let Some(at) = self.streams.iter().position(continues) else {
            if self.streams.len() == STREAMS_MAX {
                self.streams.remove(0);
            }
            self.streams.push(Stream {
                next: read.end,
                fetched: read.end,
                window: 1,
            });
            return 0..0;
        };
        let mut stream = self.streams.remove(at);
        let mut ahead = 0..0;
        // A read within the chunks that were read last is no step.
        if read.end > stream.next {
            stream.next = read.end;
            stream.fetched = stream.fetched.max(read.end);
            // In steps of half a window, so that a request has several chunks.
            if stream.fetched - read.end <= stream.window / 2 {
                stream.window = (stream.window * 2).min((WINDOW_BYTES_MAX / chunk_bytes).max(1));
                ahead = stream.fetched..(read.end + stream.window).max(stream.fetched);
                stream.fetched = ahead.end;
            }
        }
        self.streams.push(stream);
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    #[test]
    fn reads_that_follow_each_other_are_fetched_further_and_further_ahead() {
        let mut readahead = Readahead::default();
        let mut note = |chunk: u64| readahead.note(chunk..chunk + 1, 256 * KIB);
        assert!(note(10).is_empty(), "the first read says nothing");
        assert!(note(10).is_empty(), "the same chunk");
        assert_eq!(note(11), 12..14);
        assert_eq!(note(12), 14..17);
        assert!(note(12).is_empty());
        assert!(note(13).is_empty(), "enough is on its way");
        assert_eq!(note(14), 17..23);
        let mut furthest = 23;
        for chunk in 15..200 {
            let ahead = note(chunk);
            if !ahead.is_empty() {
                assert_eq!(ahead.start, furthest);
                furthest = ahead.end;
            }
            assert!(
                (chunk + 1..=chunk + 9).contains(&furthest),
                "{chunk}: {furthest}"
            );
        }
    }

    #[test]
    fn reads_here_and_there_fetch_nothing_ahead() {
        let mut readahead = Readahead::default();
        for at in 0..100_u64 {
            let chunk = at * 7919 % 1000;
            assert!(readahead.note(chunk..chunk + 1, 64 * KIB).is_empty());
        }
    }

    #[test]
    fn several_threads_read_one_object_at_a_time() {
        let mut readahead = Readahead::default();
        for step in 0..20 {
            for thread in 0..4 {
                let chunk = thread * 1000 + step;
                let ahead = readahead.note(chunk..chunk + 1, 256 * KIB);
                assert!(step != 1 || ahead == (chunk + 1..chunk + 3), "{ahead:?}");
            }
        }
    }
}
