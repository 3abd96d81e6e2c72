//! Names of a call's parties, as far as they are known, for output in the shell.

use std::collections::BTreeMap;

use super::number::phone;
use calltrace_model::record::phone::same_number;
use calltrace_model::sanitise::sanitise;

/// A name is cut after this many characters.
const NAME_CHARS_MAX: usize = 60;

/// Names by number or id, as the log writes it.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Names of extensions.
    pub extensions: BTreeMap<String, String>,
    /// Names of outside numbers, which have digits only.
    pub clients: BTreeMap<String, String>,
    /// Names of lines.
    pub lines: BTreeMap<String, String>,
    /// Names of Telegram chats.
    pub chats: BTreeMap<String, String>,
}

impl People {
    /// The name of an extension or an outside number, safe to show; `None` if it is not known.
    pub fn name(&self, party: &str) -> Option<String> {
        let digits = party.trim_start_matches('+');
        let known = self
            .extensions
            .get(party)
            .or_else(|| self.clients.get(digits));
        let same = || {
            let mut clients = self.clients.iter();
            let found =
                clients.find(|(number, _)| same_number(number.as_bytes(), party.as_bytes()));
            found.map(|(_, name)| name)
        };
        known.or_else(same).map(|name| shown(name))
    }

    /// `151`, or `Анна Сидорова (151)`; `somebody` for an empty party.
    pub fn party(&self, party: &str) -> String {
        match (party, self.name(party)) {
            ("", _) => "somebody".to_owned(),
            (_, Some(name)) => format!("{name} ({})", phone(party)),
            (_, None) => phone(party),
        }
    }

    /// A line, by its name if it is known.
    pub(super) fn line(&self, line: &str) -> String {
        named(&self.lines, line)
    }

    /// A chat, by its person's name if it is known.
    pub(super) fn chat(&self, chat: &str) -> String {
        named(&self.chats, chat)
    }
}

fn named(names: &BTreeMap<String, String>, id: &str) -> String {
    match names.get(id) {
        Some(name) => format!("{} ({})", shown(name), shown(id)),
        None => shown(id),
    }
}

fn shown(text: &str) -> String {
    let cut: String = text.chars().take(NAME_CHARS_MAX).collect();
    let mark = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{mark}", sanitise(cut.as_bytes()))
}
