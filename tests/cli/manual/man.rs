//! A text in a little Markdown -> a page in man(7).
//!
//! `# HEAD` and `## Sub`, paragraphs, fenced blocks, `- item`, and a term on one line with `: what it
//! is` on the next; what is indented below an item belongs to it. In a line `` `code` `` and
//! `**strong**` are bold, `*placeholder*` is italic, a backslash takes the meaning from a sign.

/// The longest line of a source that breaks where it likes (characters).
const LINE_CHARS_MAX: usize = 78;

/// The first line of a page.
pub(crate) struct Title<'t> {
    /// `calltrace-trace`
    pub(crate) name: &'t str,
    /// `1`
    pub(crate) section: &'t str,
    /// The day of the version; one that changed by itself would change the page.
    pub(crate) date: &'t str,
    /// The name and the version of the program.
    pub(crate) version: &'t str,
}

/// A part of a text.
pub(crate) enum Block {
    Head(String),
    Sub(String),
    Text(String),
    Code(Vec<String>),
    Term(String, Vec<Block>),
    Item(Vec<Block>),
}

/// `\%` within a word allows to part it there: behind `(` it has to stand before that.
fn closed_up(page: &str) -> String {
    let page = page.replace("(\\fB\\%", "\\%(\\fB");
    page.replace("(\\fI\\%", "\\%(\\fI")
}

/// The page.
pub(crate) fn page(title: &Title<'_>, text: &str) -> String {
    let Title {
        name,
        section,
        date,
        version,
    } = title;
    let mut page = format!(
        ".\\\" Made by tests/cli/docs.rs from the command's help and man/text; not to be edited.\n\
         .TH {} {section} {date} \"{version}\" \"calltrace\"\n.ad l\n",
        escape(&name.to_uppercase())
    );
    let lines: Vec<&str> = text.lines().collect();
    let mut opened = false;
    for block in blocks(&lines) {
        opened = write(&mut page, &block, opened);
    }
    closed_up(&page)
}

/// The parts of a text, in order.
pub(crate) fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let below = |mark: &str| lines.get(at + 1).is_some_and(|l| l.starts_with(mark));
        if line.trim().is_empty() {
            at += 1;
        } else if let Some(head) = line.strip_prefix("## ") {
            found.push(Block::Sub(head.to_owned()));
            at += 1;
        } else if let Some(head) = line.strip_prefix("# ") {
            found.push(Block::Head(head.to_owned()));
            at += 1;
        } else if line.starts_with("```") {
            let rest = &lines[at + 1..];
            let end = rest.iter().position(|l| l.starts_with("```"));
            let end = end.expect("a fenced block is closed");
            let code = rest[..end].iter().map(|l| (*l).to_owned()).collect();
            found.push(Block::Code(code));
            at += end + 2;
        } else if below(": ") {
            let (body, end) = indented(lines, at + 1);
            found.push(Block::Term(line.to_owned(), blocks(&body)));
            at = end;
        } else if line.starts_with("- ") {
            let (body, end) = indented(lines, at);
            found.push(Block::Item(blocks(&body)));
            at = end;
        } else {
            let rest = &lines[at..];
            let ends =
                |l: &&str| l.trim().is_empty() || l.starts_with("```") || l.starts_with("# ");
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            found.push(Block::Text(rest[..end].join(" ")));
            at += end;
        }
    }
    found
}

/// The lines of an item, without its mark and its indent, and the index of the first line after it. The line at
/// `from` begins with the mark, of two characters.
fn indented<'l>(lines: &[&'l str], from: usize) -> (Vec<&'l str>, usize) {
    let mut body = vec![&lines[from][2..]];
    let mut end = from + 1;
    for (at, line) in lines.iter().enumerate().skip(from + 1) {
        match line.strip_prefix("  ") {
            Some(line) => {
                body.resize(at - from, "");
                body.push(line);
                end = at + 1;
            }
            None if line.is_empty() => {}
            None => break,
        }
    }
    (body, end)
}

/// Writes a block. Returns whether the next one stands right below a heading.
fn write(page: &mut String, block: &Block, opened: bool) -> bool {
    match block {
        Block::Head(head) => page.push_str(&format!(".SH {}\n", escape(head))),
        Block::Sub(head) => page.push_str(&format!(".SS {}\n", inline(head))),
        Block::Text(text) => {
            page.push_str(if opened { "" } else { ".PP\n" });
            write_text(page, text);
        }
        Block::Code(lines) => {
            page.push_str(if opened { "" } else { ".PP\n" });
            page.push_str(".RS 4\n");
            write_code(page, lines);
            page.push_str(".RE\n");
        }
        Block::Term(term, body) => {
            page.push_str(&format!(".TP\n{}\n", guarded(&inline(term))));
            write_body(page, body);
        }
        Block::Item(body) => {
            page.push_str(".IP \\(bu 2\n");
            write_body(page, body);
        }
    }
    matches!(block, Block::Head(_) | Block::Sub(_))
}

/// The body of a term or an item: its first text stands on the same line.
fn write_body(page: &mut String, body: &[Block]) {
    let mut nested = false;
    for (at, block) in body.iter().enumerate() {
        let is_list = matches!(block, Block::Term(..) | Block::Item(_));
        if is_list != nested {
            page.push_str(if is_list { ".RS\n" } else { ".RE\n" });
            nested = is_list;
        }
        match block {
            Block::Text(text) => {
                page.push_str(if at == 0 { "" } else { ".IP\n" });
                write_text(page, text);
            }
            Block::Code(lines) => {
                page.push_str(".IP\n");
                write_code(page, lines);
            }
            other => {
                write(page, other, false);
            }
        }
    }
    page.push_str(if nested { ".RE\n" } else { "" });
}

fn write_code(page: &mut String, lines: &[String]) {
    page.push_str(".EX\n");
    for line in lines {
        page.push_str(&guarded(&literal(line)));
        page.push('\n');
    }
    page.push_str(".EE\n");
}

fn write_text(page: &mut String, text: &str) {
    let mut line = String::new();
    for word in inline(text).split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > LINE_CHARS_MAX {
            page.push_str(&guarded(&line));
            page.push('\n');
            line.clear();
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    page.push_str(&guarded(&line));
    page.push('\n');
}

/// A line that begins with a full stop or a quote would be a request.
fn guarded(line: &str) -> String {
    match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line.to_owned(),
    }
}

/// A line with its marks made into fonts.
fn inline(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let marked = |mark: &str| {
            let (inside, after) = rest.strip_prefix(mark)?.split_once(mark)?;
            Some((inside, after))
        };
        if let Some((code, after)) = marked("`") {
            out.push_str(&format!("\\fB{}\\fR", unparted(&out, code)));
            rest = after;
        } else if let Some((strong, after)) = marked("**") {
            out.push_str(&format!("\\fB{}\\fR", unparted(&out, strong)));
            rest = after;
        } else if let Some((name, after)) = marked("*") {
            out.push_str(&format!("\\fI{}\\fR", unparted(&out, name)));
            rest = after;
        } else {
            let taken = match rest.strip_prefix('\\') {
                Some(sign) => &sign[..sign.chars().next().map_or(0, char::len_utf8)],
                None => &rest[..first.len_utf8()],
            };
            out.push_str(&escape(taken));
            rest = &rest[taken.len() + usize::from(first == '\\')..];
        }
    }
    out
}

/// Text to be typed as it stands: its hyphens are minus signs.
fn literal(text: &str) -> String {
    escape(text).replace('-', "\\-")
}

/// The same behind the text `before`, no word of it parted: `\%` forbids that at the beginning of a word
/// and allows it anywhere else.
fn unparted(before: &str, text: &str) -> String {
    let begins = before.is_empty() || before.ends_with([' ', '(', '[']);
    let word = |(at, word): (usize, &str)| match word.is_empty() || (at == 0 && !begins) {
        true => literal(word),
        false => format!("\\%{}", literal(word)),
    };
    let words = text.split(' ').enumerate().map(word);
    words.collect::<Vec<_>>().join(" ")
}

/// Signs that mean something to roff, or that it would make prettier than they are.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            ' '..='~' => out.push(c),
            other => out.push_str(&format!("\\[u{:04X}]", u32::from(other))),
        }
    }
    out
}

#[test]
fn every_mark_becomes_the_request_of_man_for_it() {
    let text = "# NAME\nit - does\n\n# OPTIONS\n**-n**, **--limit** *N*\n: At most `-1`.\n\n  Also.\n\n  \
                **a**\n  : b\n\n.dots\nand \\*stars\\*\n\n- one\n  two\n\n```\n.a \\ 'b' -c\n```\nafter\n";
    let title = Title {
        name: "it",
        section: "1",
        date: "2026-01-02",
        version: "it 1",
    };
    let page = page(&title, text);
    let body: Vec<&str> = page.lines().skip(1).collect();
    assert_eq!(
        body,
        [
            ".TH IT 1 2026-01-02 \"it 1\" \"calltrace\"",
            ".ad l",
            ".SH NAME",
            "it - does",
            ".SH OPTIONS",
            ".TP",
            "\\fB\\%\\-n\\fR, \\fB\\%\\-\\-limit\\fR \\fI\\%N\\fR",
            "At most \\fB\\%\\-1\\fR.",
            ".IP",
            "Also.",
            ".RS",
            ".TP",
            "\\fB\\%a\\fR",
            "b",
            ".RE",
            ".PP",
            "\\&.dots and *stars*",
            ".IP \\(bu 2",
            "one two",
            ".PP",
            ".RS 4",
            ".EX",
            "\\&.a \\e \\(aqb\\(aq \\-c",
            ".EE",
            ".RE",
            ".PP",
            "after",
        ]
    );
}
