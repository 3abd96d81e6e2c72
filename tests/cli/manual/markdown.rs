//! A text in the Markdown of the manual (see `man`) -> a page in that of forges, which know no lists of
//! terms, and with links between pages.

use super::man::{Block, blocks};

/// The top of each page.
const MADE: &str =
    "<!-- Made by tests/cli/docs.rs from the command's help and man/text; not to be edited. -->";

/// The page of `name` in `section`; `known` are names and sections of all pages, for links.
pub(crate) fn page(name: &str, section: &str, text: &str, known: &[(String, String)]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut page = format!("{MADE}\n# {name}({section})\n");
    for block in blocks(&lines) {
        write(&mut page, &block, "");
    }
    linked(page, known)
}

/// The page that leads to the others; each with what its NAME says.
pub(crate) fn index(pages: &[(String, String, String)]) -> String {
    let line = |(name, section, says): &(String, String, String)| {
        format!("- [{name}({section})]({name}.{section}.md): {says}\n")
    };
    let list: String = pages.iter().map(line).collect();
    format!(
        "{MADE}\n# Reference\n\nThe manual pages, as `man calltrace` shows them.\n\n{list}\n\
         Back to [the documentation](../README.md).\n"
    )
}

/// Writes a block, each of its lines behind `indent`.
fn write(page: &mut String, block: &Block, indent: &str) {
    let inner = format!("{indent}  ");
    match block {
        Block::Head(head) => {
            let lower = head.to_lowercase();
            let (first, rest) = lower.split_at(1);
            page.push_str(&format!("\n## {}{rest}\n", first.to_uppercase()));
        }
        Block::Sub(head) => page.push_str(&format!("\n### {head}\n")),
        Block::Text(text) => page.push_str(&format!("\n{indent}{text}\n")),
        Block::Code(lines) => {
            page.push_str(&format!("\n{indent}```text\n"));
            for line in lines {
                page.push_str(&format!("{indent}{line}\n"));
            }
            page.push_str(&format!("{indent}```\n"));
        }
        Block::Term(term, body) => {
            page.push_str(&format!("\n{indent}- {term}\n"));
            body.iter().for_each(|block| write(page, block, &inner));
        }
        Block::Item(body) => {
            let mut item = String::new();
            body.iter()
                .for_each(|block| write(&mut item, block, &inner));
            let item = item.trim_start_matches('\n').trim_start();
            page.push_str(&format!("\n{indent}- {item}"));
        }
    }
}

/// `**calltrace-config**(5)` as a link.
fn linked(page: String, known: &[(String, String)]) -> String {
    known.iter().fold(page, |page, (name, section)| {
        let link = format!("[{name}({section})]({name}.{section}.md)");
        page.replace(&format!("**{name}**({section})"), &link)
    })
}
