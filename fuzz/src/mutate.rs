//! Makes new bytes from existing ones.

use testing::generator::random::SplitMix64;

/// Numbers from a seed.
#[derive(Debug, Clone)]
pub struct Random(SplitMix64);

impl Random {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Random {
        Random(SplitMix64::new(seed))
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => usize::try_from(self.0.draw() % end as u64).unwrap_or(0),
        }
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Numbers that break code that does not expect them.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    25,
    26,
    255,
    65_535,
    65_536,
    1 << 31,
    u32::MAX as u64,
    1 << 44,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// Words that mean something in lines, settings and JSON.
const WORDS: [&str; 22] = [
    "|",
    "\n",
    "\"",
    "\\\"",
    "{",
    "}",
    "[",
    "]]]]",
    "null",
    "\0\0\0\0\0",
    "\u{202e}",
    "...",
    "9999-12-31 23:59:59,999",
    "1970-01-01 00:00:00,000",
    "|AST|bridge|",
    "|TG|send|",
    "|HTTP|",
    "Local/1@x-1;1",
    "Token",
    "= ",
    "\r",
    "2147483648.1",
];

/// Makes new inputs of a corpus.
#[derive(Debug)]
pub struct Mutator {
    /// The source of random choices.
    pub random: Random,
}

impl Mutator {
    /// The same inputs for the same seed.
    pub fn new(seed: u64) -> Mutator {
        Mutator {
            random: Random::new(seed),
        }
    }

    /// One of the seeds with one to eight changes.
    pub fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.random.below(seeds.len())].clone();
        for _ in 0..=self.random.below(8) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let random = &mut self.random;
        let position = random.below(bytes.len());
        let number = NUMBERS[random.below(NUMBERS.len())];
        match random.below(10) {
            0 if !bytes.is_empty() => bytes[position] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[position] = random.below(1 << 32) as u8,
            2 => overwrite(bytes, position, &(number as u32).to_le_bytes()),
            3 => overwrite(bytes, position, &number.to_le_bytes()),
            4 => bytes.truncate(position),
            5 => {
                let end = (position + 1 + random.below(64)).min(bytes.len());
                bytes.drain(position..end);
            }
            6 => {
                let end = (position + 1 + random.below(256)).min(bytes.len());
                let copy = bytes[position..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            7 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let end = (from + 1 + random.below(512)).min(other.len());
                bytes.splice(position..position, other[from..end].iter().copied());
            }
            8 => {
                let word = WORDS[random.below(WORDS.len())];
                bytes.splice(position..position, word.bytes());
            }
            _ => {
                // Times and ids consist of digits.
                let digits = bytes
                    .iter_mut()
                    .skip(position)
                    .filter(|b| b.is_ascii_digit());
                for digit in digits.take(1 + random.below(4)) {
                    *digit = b'0' + (random.below(1 << 32) % 10) as u8;
                }
            }
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(with) {
        *to = *from;
    }
}
