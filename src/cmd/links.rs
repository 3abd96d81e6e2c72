//! Links from an id on the terminal to the page of its call (OSC 8), each valid for one call and one day.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;

use super::App;
use super::talk::Out;
use calltrace_directory::Secret;
use calltrace_model::record::id;
use calltrace_store::tree::EnterpriseName;
use calltrace_web::{PublicUrl, signed_path};

/// Validity of a link (seconds).
const VALID_SECONDS: u64 = 86_400;

/// Terminals that support OSC 8, by `TERM_PROGRAM`.
const PROGRAMS: [&str; 7] = [
    "Hyper",
    "WezTerm",
    "ghostty",
    "iTerm.app",
    "rio",
    "vscode",
    "zed",
];
/// Terminals that support OSC 8, by `TERM`.
const TERMS: [&str; 9] = [
    "alacritty",
    "alacritty-direct",
    "contour",
    "foot",
    "foot-extra",
    "wezterm",
    "xterm-ghostty",
    "xterm-kitty",
    "xterm-rio",
];
/// The first version of VTE (GNOME's terminals) with reliable links, in the notation of `VTE_VERSION`.
const VTE_SINCE: u32 = 5004;

/// Whether the terminal is known to support OSC 8; others might show the address as text. `tmux` and `screen` do not
/// say whether they pass links on, so inside them the answer is no.
fn is_known(variable: impl Fn(&str) -> Option<String>) -> bool {
    let says = |name: &str, known: &[&str]| {
        variable(name).is_some_and(|value| known.contains(&value.as_str()))
    };
    let within = variable("TMUX").is_some() || variable("STY").is_some();
    let vte = variable("VTE_VERSION").and_then(|version| version.parse().ok());
    let is_there = |name| variable(name).is_some_and(|value| !value.is_empty());
    !within
        && (says("TERM_PROGRAM", &PROGRAMS)
            || says("TERM", &TERMS)
            || vte.is_some_and(|version: u32| version >= VTE_SINCE)
            || is_there("WT_SESSION"))
}

/// Makes links to the pages of calls.
pub(super) struct Links<'d> {
    app: &'d App,
    front: Option<PublicUrl>,
    secrets: RefCell<HashMap<EnterpriseName, Option<Secret>>>,
}

impl<'d> Links<'d> {
    /// Links for the output `out`. No links are made for a terminal that is not known to support them, for a
    /// pager other than a `less` that passes them on, or without `serve.public_url`.
    pub(super) fn of(app: &'d App, out: &Out) -> Links<'d> {
        let settings = &app.settings;
        let is_wanted = settings.hyperlinks && out.has_style_on_terminal();
        let variable = |name: &str| env::var(name).ok();
        let is_understood = is_wanted && is_known(variable) && out.passes_links();
        let front = || front(app);
        Links {
            app,
            front: is_understood.then(front).flatten(),
            secrets: RefCell::default(),
        }
    }

    /// Links for messages and programs. No links are made without `serve.public_url`.
    pub(super) fn for_messages(app: &'d App) -> Links<'d> {
        Links {
            app,
            front: front(app),
            secrets: RefCell::default(),
        }
    }

    /// The address of a call's page, valid for a day; `None` if there is no page or the secret can't be read.
    pub(super) fn address(&self, enterprise: &EnterpriseName, unique_id: &str) -> Option<String> {
        let front = self.front.as_ref()?;
        if !id::is_addressable(unique_id) {
            return None;
        }
        let mut secrets = self.secrets.borrow_mut();
        let secret = secrets
            .entry(enterprise.clone())
            .or_insert_with(|| self.app.book()?.secret(enterprise));
        let expires = self.app.now.unix_seconds() + VALID_SECONDS;
        let path = signed_path(secret.as_ref()?, enterprise, unique_id, expires);
        Some(front.join(&path))
    }
}

/// The address at which users reach the pages, if it is set.
fn front(app: &App) -> Option<PublicUrl> {
    let set = env::var("CALLTRACE_PUBLIC_URL").ok();
    let set = set.and_then(|url| PublicUrl::parse(&url).ok());
    set.or_else(|| app.settings.serve.public_url.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terminals_that_are_known_get_links() {
        let known = |set: &[(&str, &str)]| {
            is_known(|name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(known(&[("TERM", "xterm-kitty")]));
        assert!(known(&[
            ("TERM", "xterm-256color"),
            ("VTE_VERSION", "6800")
        ]));
        assert!(known(&[("TERM_PROGRAM", "WezTerm")]));
        assert!(known(&[("WT_SESSION", "1f")]));
        assert!(!known(&[]));
        assert!(!known(&[("TERM", "xterm-256color")]));
        assert!(!known(&[("VTE_VERSION", "4601")]));
        assert!(!known(&[("VTE_VERSION", "6800"), ("TMUX", "/tmp/tmux-0")]));
        assert!(!known(&[("TERM", "screen"), ("STY", "1.pts")]));
    }
}
