//! `calltrace link ENTERPRISE UNIQUE_ID`

use super::Exit;
use super::serve::runtime;
use super::talk::{Out, say};
use super::trace::check_id;
use super::wall_clock::wall_clock;
use crate::cli::{Global, LinkArgs};
use crate::settings::Settings;
use calltrace_directory::{Config, Directory, Secret};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_web::signed_path;

pub(super) fn run(global: &Global, args: &LinkArgs) -> Result<Exit, Error> {
    let settings = Settings::load(global.config.as_deref())?;
    check_id(&args.unique_id)?;
    let typed = &args.enterprise;
    let enterprise = EnterpriseName::new(typed).ok_or_else(|| {
        Error::Usage(format!(
            "{typed:?} is no enterprise; its name is that of its folder, such as 0367"
        ))
    })?;
    let secret = secret(&settings.directory, &enterprise, global.quiet)?;
    let expires = wall_clock().unix_seconds() + args.valid_for.as_secs();
    let path = signed_path(&secret, &enterprise, &args.unique_id, expires);
    let link = args.front(&settings.serve).join(&path);
    Out::stdout(global.color).bytes(|out| writeln!(out, "{link}"))?;
    Ok(Exit::Found)
}

fn secret(config: &Config, enterprise: &EnterpriseName, quiet: bool) -> Result<Secret, Error> {
    let nowhere = |what: &str| {
        Error::Usage(format!(
            "{what}; put one into the settings, as secret = \"...\" under \
             [enterprises.{enterprise}], or name the database that has it under [postgres]"
        ))
    };
    let known = runtime(1)?.block_on(async {
        let (directory, warnings) = Directory::open(config)?;
        if !quiet {
            warnings.iter().for_each(|warning| say(warning));
        }
        let known = directory.enterprise(enterprise).await;
        known.map_err(|error| Error::Directory(error.into()))
    })?;
    let known = known.ok_or_else(|| nowhere(&format!("no secret is known for {enterprise}")))?;
    known
        .secret
        .ok_or_else(|| nowhere(&format!("{enterprise} has no secret")))
}
