//! Parsers of values from files and options. An error is a hint that follows the name of the setting.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use calltrace_alerts::RuleKind;
use calltrace_archive::CredentialSource;
use calltrace_model::call::FaultCode;
use calltrace_model::record::Zone;
use calltrace_upkeep::rotate::Mode;
use calltrace_web::pages::Language;

/// The nearest of `known` to `typed`, if it is near enough to have been meant.
fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let typed = typed.to_lowercase();
    let most = (typed.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&name.to_lowercase(), &typed), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// The error about a name that is not one of `known`.
pub(crate) fn one_of(typed: &str, what: &str, known: &[&str]) -> String {
    format!("no {what} {typed:?}; {}", meant(typed, known))
}

/// The nearest known name as a question, or a list of all known names.
pub(super) fn meant(typed: &str, known: &[&str]) -> String {
    match nearest(typed, known.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", known.join(", ")),
    }
}

/// A zone by name, or by how far its clocks are ahead of UTC: `GMT+3`, `UTC+3`, `+03:00`.
pub(crate) fn parse_zone(typed: &str) -> Result<Zone, String> {
    if let Some(zone) = Zone::named(typed).or_else(|| zone_of_offset(typed)) {
        return Ok(zone);
    }
    let place = typed.replace(' ', "_");
    let city = |name: &str| name.rsplit('/').next().map(str::to_owned);
    let by_city =
        Zone::names().find(|name| city(name).is_some_and(|city| city.eq_ignore_ascii_case(&place)));
    let near = by_city.or_else(|| nearest(typed, Zone::names()));
    let hint = match near {
        Some(name) => format!("did you mean {name}?"),
        None => "zones are written like Europe/Minsk, UTC or +03:00".to_owned(),
    };
    Err(format!("no time zone {typed:?}; {hint}"))
}

/// The zone of an offset: `+3`, `-03:30`, `+0300`, `GMT+3`, `UTC+3`; at most 14 hours.
fn zone_of_offset(typed: &str) -> Option<Zone> {
    const HOURS_MAX: i32 = 14;
    let upper = typed.trim().to_ascii_uppercase();
    let offset = ["UTC", "GMT"]
        .iter()
        .find_map(|name| upper.strip_prefix(name));
    let offset = offset.unwrap_or(&upper).trim_start();
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-" | "\u{2212}", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(both), _) => both,
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => (digits, "00"),
    };
    let number = |digits: &str, lengths: std::ops::RangeInclusive<usize>| {
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        let fits = is_number && lengths.contains(&digits.len());
        fits.then(|| digits.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours, 1..=2)?, number(minutes, 2..=2)?);
    let all = hours * 60 + minutes;
    let fits = minutes < 60 && all <= HOURS_MAX * 60;
    fits.then(|| Zone::fixed(sign * all * 60)).flatten()
}

/// Milliseconds from `90`, `90s`, `1m30s`, `2h`.
pub(crate) fn parse_duration(typed: &str) -> Result<i64, String> {
    millis(typed).ok_or_else(|| "a length of time is seconds or like 90s, 1m30s, 2h".to_owned())
}

/// A length of time as a [`Duration`].
pub(crate) fn parse_length(typed: &str) -> Result<Duration, String> {
    let millis = parse_duration(typed)?;
    Ok(Duration::from_millis(
        u64::try_from(millis).expect("digits have no sign"),
    ))
}

/// An interval from a minute to a day, or `off` for never.
pub(crate) fn parse_interval(typed: &str) -> Result<Option<Duration>, String> {
    let range = Duration::from_secs(60)..=Duration::from_secs(86_400);
    match typed {
        "off" => Ok(None),
        _ => match parse_length(typed).ok().filter(|it| range.contains(it)) {
            Some(interval) => Ok(Some(interval)),
            None => Err("it is from 1m to 24h, such as 5min, or off".to_owned()),
        },
    }
}

/// How long until a finding is told again: 5 minutes to 7 days, or `off` for never.
pub(crate) fn parse_repeat(typed: &str) -> Result<Option<Duration>, String> {
    let range = Duration::from_secs(300)..=Duration::from_secs(7 * 86_400);
    match typed {
        "off" => Ok(None),
        _ => match parse_length(typed).ok().filter(|it| range.contains(it)) {
            Some(repeat) => Ok(Some(repeat)),
            None => Err("it is from 5m to 7d, such as 4h, or off".to_owned()),
        },
    }
}

/// Milliseconds that something must last: 5 minutes to 7 days.
pub(crate) fn parse_after(typed: &str) -> Result<i64, String> {
    let after = millis(typed).filter(|after| (300_000..=7 * 86_400_000).contains(after));
    after.ok_or_else(|| "it is from 5m to 7d, such as 60m or 4h".to_owned())
}

/// Milliseconds that a request may take: up to 10 minutes.
pub(crate) fn parse_over(typed: &str) -> Result<i64, String> {
    let over = millis(typed).filter(|over| (1..=600_000).contains(over));
    over.ok_or_else(|| "it is from 1s to 10m, such as 5s".to_owned())
}

pub(crate) fn parse_rule(typed: &str) -> Result<RuleKind, String> {
    let known = RuleKind::ALL.map(RuleKind::name);
    RuleKind::named(typed).ok_or_else(|| one_of(typed, "rule", &known))
}

pub(crate) fn parse_fault_code(typed: &str) -> Result<FaultCode, String> {
    let found = FaultCode::ALL.into_iter().find(|code| code.name() == typed);
    found.ok_or_else(|| one_of(typed, "fault", &FaultCode::ALL.map(FaultCode::name)))
}

/// Milliseconds of a length of time in units of w, d, h, m (or min), s; bare digits are seconds. `None` if it is not a
/// length of time, or longer than a thousand years.
pub(crate) fn millis(typed: &str) -> Option<i64> {
    if typed.is_empty() {
        return None;
    }
    if typed.bytes().all(|b| b.is_ascii_digit()) {
        return bounded(typed.parse::<i64>().ok()?.checked_mul(1000)?);
    }
    let mut total = 0i64;
    let mut rest = typed;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|&end| end > 0)?;
        let number: i64 = rest[..end].parse().ok()?;
        let after = &rest[end..];
        let next = after.find(|c: char| c.is_ascii_digit());
        let (unit, next) = after.split_at(next.unwrap_or(after.len()));
        let unit = match unit {
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = next;
    }
    bounded(total)
}

fn bounded(millis: i64) -> Option<i64> {
    (millis <= 1000 * 366 * 86_400_000).then_some(millis)
}

pub(crate) fn parse_mode(typed: &str) -> Result<Mode, String> {
    let modes = [Mode::Auto, Mode::Archive, Mode::Rename, Mode::Collapse];
    let known = modes.map(Mode::as_str);
    let found = modes.into_iter().find(|mode| mode.as_str() == typed);
    found.ok_or_else(|| one_of(typed, "mode", &known))
}

/// Whole days, at least one: `14d`, `2w`.
pub(crate) fn parse_days(typed: &str) -> Result<u32, String> {
    const DAY_MILLIS: i64 = 86_400_000;
    let has_unit = typed.ends_with(['d', 'w']);
    let days = millis(typed)
        .filter(|millis| has_unit && millis % DAY_MILLIS == 0)
        .and_then(|millis| u32::try_from(millis / DAY_MILLIS).ok());
    match days {
        Some(0) => Err("it is at least one day: 1d".to_owned()),
        Some(days) => Ok(days),
        None => Err("it is whole days, such as 14d or 2w".to_owned()),
    }
}

/// Bytes: a number with B, KB, MB, GB (thousands), KiB, MiB, GiB or K, M, G (1024s).
pub(crate) fn parse_size(typed: &str) -> Result<u64, String> {
    let hint = || "a size is bytes or like 500MB, 64MiB, 2G".to_owned();
    let text = typed.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return Err(hint()),
    };
    let number: u64 = number.parse().map_err(|_| hint())?;
    number
        .checked_mul(factor)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(hint)
}

/// A size in bytes, or `0` for none.
pub(crate) fn parse_size_or_none(typed: &str) -> Result<u64, String> {
    match typed.trim() {
        "0" => Ok(0),
        size => parse_size(size),
    }
}

/// `127.0.0.1:8026`, `[::1]:8026`, or a port alone.
pub(crate) fn parse_listen(typed: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = typed.trim_start_matches(':').parse() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let with_name = typed.replacen("localhost:", "127.0.0.1:", 1);
    with_name.parse().map_err(|_| {
        "an address to listen on is like 127.0.0.1:8026, [::1]:8026 or 0.0.0.0:8026".to_owned()
    })
}

/// An IP address of a list; `None` means an item that is not a text.
pub(crate) fn parse_host(typed: Option<&str>) -> Result<IpAddr, String> {
    let address = typed.and_then(|text| text.parse().ok());
    // A text with other characters may contain a password, so it is not shown.
    let is_word = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let shown = typed.filter(is_word);
    let shown = shown.map_or("one of them".to_owned(), |text| format!("{text:?}"));
    address.ok_or_else(|| format!("{shown} is not an IP address such as \"10.0.0.5\""))
}

pub(crate) fn parse_language(typed: &str) -> Result<Language, String> {
    match typed {
        "ru" => Ok(Language::Russian),
        "en" => Ok(Language::English),
        _ => Err(one_of(typed, "language", &["ru", "en"])),
    }
}

/// Where the keys of object storage come from.
pub(crate) fn parse_credentials(typed: &str) -> Result<CredentialSource, String> {
    match typed {
        "files" => Ok(CredentialSource::Files),
        "instance" => Ok(CredentialSource::Instance),
        _ => Err(one_of(typed, "source of keys", &["files", "instance"])),
    }
}

/// A region of object storage.
pub(crate) fn parse_region(typed: &str) -> Result<String, String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    match !typed.is_empty() && typed.bytes().all(is_plain) {
        true => Ok(typed.to_owned()),
        false => Err("a region is like eu-central-1".to_owned()),
    }
}

/// Time limit of a request: 1 second to 10 minutes.
pub(crate) fn parse_timeout(typed: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(1)..=Duration::from_secs(600);
    let timeout = parse_length(typed).ok().filter(|it| range.contains(it));
    timeout.ok_or_else(|| "it is from 1s to 10m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(millis("90"), Some(90_000));
        assert_eq!(millis("1m30s"), Some(90_000));
        assert_eq!(millis("2h"), Some(7_200_000));
        assert_eq!(millis("1h5min"), Some(3_900_000));
        for bad in [
            "",
            "m",
            "1x",
            "1m-",
            "1mi",
            "1M",
            "s1",
            "99999999999999999999",
            "9999999999999d",
        ] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_error_names_the_nearest_known_zone() {
        for typed in ["minsk", "Europe/Minks"] {
            let hint = format!("no time zone {typed:?}; did you mean Europe/Minsk?");
            assert_eq!(parse_zone(typed), Err(hint));
        }
    }

    #[test]
    fn an_offset_makes_a_zone_that_is_ahead_of_utc_by_it() {
        for (typed, name) in [
            ("GMT+3", "UTC+03:00"),
            ("UTC+3", "UTC+03:00"),
            ("utc +03:00", "UTC+03:00"),
            ("+03:00", "UTC+03:00"),
            ("+0330", "UTC+03:30"),
            ("-3", "UTC-03:00"),
            ("UTC-11:30", "UTC-11:30"),
            ("GMT+0", "GMT+0"),
            ("+00", "UTC"),
            ("Etc/GMT+3", "Etc/GMT+3"),
        ] {
            assert_eq!(parse_zone(typed).map(Zone::name), Ok(name), "{typed}");
        }
        for none in [
            "", "+", "3", "UTC3", "+15", "+3:60", "+3:5", "+003", "MSK-3", "+ж",
        ] {
            assert!(parse_zone(none).is_err(), "{none}");
        }
    }

    #[test]
    fn sizes_and_days_are_read_with_their_units() {
        assert_eq!(parse_size("500MB"), Ok(500_000_000));
        assert_eq!(parse_size("64 MiB"), Ok(64 << 20));
        assert_eq!(parse_size("2g"), Ok(2 << 30));
        assert_eq!(parse_size("1024"), Ok(1024));
        for bad in ["", "MB", "0", "1.5GB", "1TBB", "99999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_days("14d"), Ok(14));
        assert_eq!(parse_days("2w"), Ok(14));
        assert_eq!(
            parse_days("0d"),
            Err("it is at least one day: 1d".to_owned())
        );
        for bad in ["14", "36h", "d", "1d12h", ""] {
            assert!(parse_days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_interval_is_a_minute_to_a_day_or_off() {
        assert_eq!(parse_interval("5min"), Ok(Some(Duration::from_secs(300))));
        assert_eq!(parse_interval("24h"), Ok(Some(Duration::from_secs(86_400))));
        assert_eq!(parse_interval("off"), Ok(None));
        for wrong in ["59s", "0", "25h", "", "never"] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_bare_port_means_this_host() {
        for typed in ["8027", ":8027", "127.0.0.1:8027", "localhost:8027"] {
            assert_eq!(
                parse_listen(typed),
                Ok("127.0.0.1:8027".parse().expect("it is right"))
            );
        }
        assert!(parse_listen("example.org:8027").is_err());
        assert!(parse_listen("127.0.0.1").is_err());
    }
}
