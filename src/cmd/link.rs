//! `calltrace link ENTERPRISE UNIQUE_ID`

use super::Exit;
use super::serve::runtime;
use super::talk::{Out, say};
use super::target::check_id;
use super::wall_clock::wall_clock;
use crate::cli::{Global, LinkArgs};
use crate::settings::Settings;
use calltrace_directory::{Config, Directory, Secret, Unavailable};
use calltrace_model::record::id;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_web::signed_path;

pub(super) fn run(global: &Global, args: &LinkArgs) -> Result<Exit, Error> {
    let settings = Settings::load(global.config.as_deref())?;
    check_id(&args.unique_id)?;
    if !id::is_addressable(&args.unique_id) {
        let message = format!(
            "{:?} has no page, because it can't be a part of an address",
            args.unique_id
        );
        return Err(Error::Usage(message));
    }
    let (enterprise, secret) = secret(&settings.directory, &args.enterprise, global.quiet)?;
    let expires = wall_clock().unix_seconds() + args.valid_for.as_secs();
    let path = signed_path(&secret, &enterprise, &args.unique_id, expires);
    let link = args.front(&settings.serve).join(&path);
    Out::stdout(global.color).bytes(|out| writeln!(out, "{link}"))?;
    Ok(Exit::Found)
}

/// The typed enterprise, by its number, otherwise by its name or Token, and the secret that opens its pages.
fn secret(config: &Config, typed: &str, quiet: bool) -> Result<(EnterpriseName, Secret), Error> {
    let nowhere = |enterprise: &EnterpriseName, what: &str| {
        Error::Usage(format!(
            "{what}; add secret = \"...\" to the settings, under [enterprises.{enterprise}], or name the \
             database that has it under [postgres]"
        ))
    };
    let number = EnterpriseName::new(typed);
    let (enterprise, known) = runtime(1)?.block_on(async {
        let (directory, warnings) = Directory::open(config)?;
        if !quiet {
            warnings.iter().for_each(|warning| say(warning));
        }
        let unavailable = |error: Unavailable| Error::Directory(error.into());
        let ask = async |number: &EnterpriseName| {
            let known = directory.enterprise(number).await;
            known.map_err(unavailable)
        };
        let known = match &number {
            Some(number) => ask(number).await?,
            None => None,
        };
        if known.is_some() {
            return Ok((number, known));
        }
        match directory
            .numbers(typed)
            .await
            .map_err(unavailable)?
            .as_slice()
        {
            [one] => Ok((Some(one.clone()), ask(one).await?)),
            _ => Ok((number, None)),
        }
    })?;
    let enterprise = enterprise.ok_or_else(|| {
        Error::Usage(format!(
            "{typed:?} is not an enterprise; an enterprise has the name of its folder, such as 0367"
        ))
    })?;
    let known = known
        .ok_or_else(|| nowhere(&enterprise, &format!("no secret is known for {enterprise}")))?;
    let secret = known
        .secret
        .ok_or_else(|| nowhere(&enterprise, &format!("{enterprise} has no secret")))?;
    Ok((enterprise, secret))
}
