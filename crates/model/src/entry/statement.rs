//! Finds the verb and the table of an SQL query by its words, without parsing it fully. Pure.

/// The longest verb and the longest table name that are accepted (bytes).
const VERB_BYTES_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 128;

/// The number of words of a query that are read.
const WORDS_MAX: usize = 2000;

/// The first word in capitals: `SELECT`; `OTHER` if the query begins with no verb.
pub(super) fn verb(query: &str) -> String {
    let words = words(query);
    let is_verb = |word: &&String| {
        word.len() <= VERB_BYTES_MAX && word.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let first = words.iter().find(|word| *word != "(").filter(is_verb);
    first.map_or_else(|| "OTHER".to_owned(), |word| word.to_ascii_uppercase())
}

/// The first name after `FROM`, `INTO`, `UPDATE`, `JOIN` or `TABLE`; `unknown` if there is none.
pub(super) fn table(query: &str) -> String {
    let (before, between) = (
        ["from", "into", "update", "join", "table"],
        ["only", "if", "not", "exists", "lateral"],
    );
    let is_one_of = |words: &[&str], word: &str| words.iter().any(|w| word.eq_ignore_ascii_case(w));
    let words = words(query);
    let named = words.iter().enumerate().find_map(|(at, word)| {
        let mut rest = words[at + 1..].iter();
        let name = is_one_of(&before, word)
            .then(|| rest.find(|word| !is_one_of(&between, word)))
            .flatten()?;
        let name = name.replace('"', "");
        is_name(&name).then_some(name)
    });
    named.unwrap_or_else(|| "unknown".to_owned())
}

fn is_name(word: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    (1..=NAME_BYTES_MAX).contains(&word.len()) && word.bytes().all(fits)
}

/// Words and brackets, without literals and comments.
fn words(query: &str) -> Vec<String> {
    let (mut words, mut word, mut rest) = (Vec::new(), String::new(), query);
    while let Some(c) = rest.chars().next().filter(|_| words.len() < WORDS_MAX) {
        let end = |found: Option<usize>, bytes: usize| found.map_or(rest.len(), |at| at + bytes);
        let (skipped, is_bracket) = match c {
            '\'' => (1 + end(rest[1..].find('\''), 1).min(rest.len() - 1), false),
            '-' if rest.starts_with("--") => (end(rest.find('\n'), 1), false),
            '/' if rest.starts_with("/*") => (end(rest.find("*/"), 2), false),
            '(' | ')' => (1, true),
            c if c.is_whitespace() || matches!(c, ',' | ';') => (c.len_utf8(), false),
            c => {
                word.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        words.push(std::mem::take(&mut word));
        if is_bracket {
            words.push(c.to_string());
        }
        rest = &rest[skipped..];
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verb_and_table_are_found_after_their_keywords() {
        for (query, parsed) in [
            (
                "SELECT a->'x' FROM call_events WHERE b = $1",
                ("SELECT", "call_events"),
            ),
            (
                "  insert into public.calls (a) values ('from x')",
                ("INSERT", "public.calls"),
            ),
            ("update only \"users\" set a = 1", ("UPDATE", "users")),
            (
                "delete from calls where a = 'it''s from b'",
                ("DELETE", "calls"),
            ),
            ("-- from a\nselect 1 /* from b */ from c", ("SELECT", "c")),
            ("(select 1 from (select 2 from deep) x)", ("SELECT", "deep")),
            ("create table if not exists t (a int)", ("CREATE", "t")),
            ("SELECT now()", ("SELECT", "unknown")),
            ("", ("OTHER", "unknown")),
            ("12|34\nfrom a|b", ("OTHER", "unknown")),
            ("select 'never closed from a", ("SELECT", "unknown")),
        ] {
            assert_eq!(
                (verb(query).as_str(), table(query).as_str()),
                parsed,
                "{query}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_statement_can_split_a_line(query in "(select |from |'|--|/\\*|\\*/|[(),;|\n\"x]|\\PC){0,30}") {
            for parsed in [verb(&query), table(&query)] {
                let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
                proptest::prop_assert!(!parsed.is_empty() && parsed.bytes().all(fits));
            }
        }
    }
}
