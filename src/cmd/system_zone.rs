//! The time zone of this process: `TZ` as the C library reads it, otherwise the system's zone.

use std::env;
use std::fs;
use std::path::Path;

use calltrace_model::record::Zone;

use crate::settings::values::parse_zone;

/// The zone of `TZ`, or UTC if its value is unknown, as in other programs; without `TZ` the system's zone, or UTC
/// if that is unknown.
pub(super) fn system_zone() -> Zone {
    let system_wide = || Zone::named(&iana_time_zone::get_timezone().ok()?);
    let zone = match env::var("TZ") {
        Ok(typed) => read(&typed, links),
        Err(_) => system_wide(),
    };
    zone.unwrap_or(Zone::UTC)
}

/// The warning about a `TZ` that names no zone.
pub(super) fn wrong_tz() -> Option<String> {
    let typed = env::var("TZ").ok()?;
    if read(&typed, links).is_some() {
        return None;
    }
    let why = parse_zone(&typed).err();
    let why = why.unwrap_or_else(|| format!("{typed:?} is not a POSIX rule; --tz accepts it"));
    Some(format!("TZ: {why} (times are shown in UTC)"))
}

/// The zone of a value of `TZ`: a name, a zone file, or a POSIX rule, in which offsets count westwards.
/// `links` resolves the symbolic links of a path.
fn read(typed: &str, links: impl Fn(&str) -> Option<String>) -> Option<Zone> {
    let typed = typed.strip_prefix(':').unwrap_or(typed);
    if typed.is_empty() {
        return Some(Zone::UTC);
    }
    if typed.starts_with('/') {
        let of_file = |path: &str| {
            let (_, name) = path.split_once("/zoneinfo/")?;
            let plain = name.strip_prefix("posix/").unwrap_or(name);
            Zone::named(plain)
        };
        return of_file(typed).or_else(|| of_file(&links(typed)?));
    }
    Zone::named(typed).or_else(|| Zone::posix(typed))
}

fn links(path: &str) -> Option<String> {
    let real = fs::canonicalize(Path::new(path)).ok()?;
    real.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_tz_has_the_meaning_of_the_c_library() {
        let links = |path: &str| {
            let is_link = path == "/etc/localtime";
            is_link.then(|| "/usr/share/zoneinfo/Europe/Minsk".to_owned())
        };
        for (typed, name) in [
            ("Europe/Minsk", Some("Europe/Minsk")),
            (":Europe/Minsk", Some("Europe/Minsk")),
            ("/usr/share/zoneinfo/Europe/Minsk", Some("Europe/Minsk")),
            (":/usr/share/zoneinfo/posix/UTC", Some("UTC")),
            ("/etc/localtime", Some("Europe/Minsk")),
            ("MSK-3", Some("UTC+03:00")),
            ("<+03>-3", Some("UTC+03:00")),
            ("GMT-3", Some("UTC+03:00")),
            ("UTC+3", Some("UTC-03:00")),
            ("EST5EDT", Some("EST5EDT")),
            ("", Some("UTC")),
            ("Europe/Minks", None),
            ("+03:00", None),
            ("/nowhere", None),
        ] {
            assert_eq!(read(typed, links).map(Zone::name), name, "{typed}");
        }
    }
}
