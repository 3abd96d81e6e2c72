//! `calltrace` without a subcommand: an overview of the subcommands, the logs and the settings.

use std::fs;
use std::io::{self, Write};

use super::Exit;
use super::root::{Root, here, is_there, is_tree};
use super::talk::Out;
use crate::cli::{Global, subcommands};
use crate::settings::Settings;
use calltrace_store::error::{Error, reason};
use calltrace_store::tree::{EnterpriseName, Tree};

/// Maximum number of enterprises that are named; the others are counted.
const NAMED_MAX: usize = 5;

pub(super) fn run(global: &Global) -> Result<Exit, Error> {
    let settings = Settings::load(global.config.as_deref())?;
    let root = Root::of(global, &settings);
    let enterprises = Tree::open(root.path).and_then(|tree| tree.enterprises());
    let enterprises = enterprises.unwrap_or_default();
    Out::stdout(global.color).styled(|out| {
        ops(out, enterprises.first())?;
        writeln!(out, "\nlogs      {}", logs(&root, &enterprises))?;
        for (path, state) in &settings.files {
            writeln!(out, "settings  {}, {}", path.display(), state.as_str())?;
        }
        writeln!(
            out,
            "\ncalltrace SUBCOMMAND --help explains a subcommand, calltrace config shows each\n\
             setting, and calltrace doctor checks the logs."
        )
    })?;
    Ok(Exit::Found)
}

/// Prints examples and the list of subcommands.
fn ops(out: &mut dyn Write, enterprise: Option<&EnterpriseName>) -> io::Result<()> {
    let number = enterprise.map_or("0367", EnterpriseName::as_str);
    writeln!(
        out,
        "calltrace reads the event logs of telephony hosts.\n\n\
         \x20 calltrace search {number} --since -1d      the calls since this time yesterday\n\
         \x20 calltrace trace {number} UNIQUE_ID         one of these calls in steps\n\
         \x20 calltrace tail {number} --follow           what happens now\n"
    )?;
    let mut subcommands = subcommands().into_iter();
    subcommands.try_for_each(|(name, about)| writeln!(out, "  {name:<8}{about}"))
}

/// `call_tracer in /srv: 4 enterprises (0113, 0367, ...)`
fn logs(root: &Root<'_>, enterprises: &[EnterpriseName]) -> String {
    if !is_there(root.path) {
        return root.missing();
    }
    if let Err(error) = root.open() {
        return error.to_string();
    }
    let message = match fs::read_dir(root.path) {
        Err(error) => format!(": {}", reason(&error)),
        Ok(_) if !is_tree(root.path) => ", without any log file yet".to_owned(),
        Ok(_) => format!(": {}", named(enterprises)),
    };
    let path = here().join(root.path);
    format!("{} ({}){message}", path.display(), root.origin())
}

fn named(enterprises: &[EnterpriseName]) -> String {
    let names: Vec<&str> = enterprises.iter().map(EnterpriseName::as_str).collect();
    match names.len() {
        0 => "it holds no enterprise, which is a folder named with letters, digits, _ and -"
            .to_owned(),
        1..=NAMED_MAX => names.join(", "),
        more => {
            let rest = more - NAMED_MAX;
            format!("{} and {rest} more", names[..NAMED_MAX].join(", "))
        }
    }
}
