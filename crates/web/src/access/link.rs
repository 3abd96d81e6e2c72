//! Signed links, which open one call until a given moment, for people who must not have the enterprise's
//! token.
//!
//! ```text
//! /call/{enterprise}/{unique_id}?exp={exp}&sig={sig}
//! sig = base64url without padding of HMAC-SHA256(secret, "/call/{enterprise}/{unique_id}?exp={exp}")
//! ```
//!
//! `exp` is Unix time in seconds, in plain decimal digits; the link opens its call up to and including that
//! second. The signed text is the path as written above: decoded, without the address of the site and without
//! a folder that a proxy may have put before it, then `?exp=` and the digits. The key is the secret's bytes.
//! Only the id can hold a character that an address has to escape, and the link percent-encodes it. No id
//! holds a slash and `exp` is digits to its end, so no two calls have the same text to sign.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::AccessRefusal;
use crate::request::in_path;
use calltrace_directory::Secret;
use calltrace_store::tree::EnterpriseName;

/// The longest time that a link is valid.
pub const VALID_FOR_MAX: Duration = Duration::from_secs(400 * 86_400);

/// How far the clock of the signer may be ahead of this one (seconds).
const AHEAD_MAX: u64 = 300;

/// Path and query that open one call up to the second `expires` (Unix time).
///
/// `unique_id` must be an id that an address can name, as
/// [`is_addressable`](calltrace_model::record::id::is_addressable) says.
pub fn signed_path(
    secret: &Secret,
    enterprise: &EnterpriseName,
    unique_id: &str,
    expires: u64,
) -> String {
    let message = message(enterprise, unique_id, expires);
    let tag = mac(secret, &message).finalize().into_bytes();
    let (unique_id, tag) = (in_path(unique_id), URL_SAFE_NO_PAD.encode(tag));
    format!("/call/{enterprise}/{unique_id}?exp={expires}&sig={tag}")
}

/// Checks a signed request at the second `now` (Unix time): the call it is for, and the two parameters as
/// they were sent. Only a request with a right signature gets the answer that the link has expired.
pub(super) fn judged(
    secret: &Secret,
    (enterprise, unique_id): (&EnterpriseName, &str),
    (expires, signature): (&str, &str),
    now: u64,
) -> Result<(), AccessRefusal> {
    let signature = URL_SAFE_NO_PAD.decode(signature);
    let (Some(expires), Ok(signature)) = (plain_number(expires), signature) else {
        return Err(AccessRefusal::Closed);
    };
    let message = message(enterprise, unique_id, expires);
    let is_wrong = mac(secret, &message).verify_slice(&signature).is_err();
    match expires {
        _ if is_wrong => Err(AccessRefusal::Closed),
        _ if expires > now + VALID_FOR_MAX.as_secs() + AHEAD_MAX => Err(AccessRefusal::Closed),
        _ if expires < now => Err(AccessRefusal::Expired),
        _ => Ok(()),
    }
}

fn message(enterprise: &EnterpriseName, unique_id: &str, expires: u64) -> String {
    format!("/call/{enterprise}/{unique_id}?exp={expires}")
}

fn mac(secret: &Secret, message: &str) -> Hmac<Sha256> {
    let keyed = Hmac::<Sha256>::new_from_slice(secret.bytes());
    keyed
        .expect("a key of any length will do")
        .chain_update(message.as_bytes())
}

/// Reads digits as a program writes them: no sign and no leading zero, so that one number has one form.
fn plain_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text && text.len() <= 12).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_764_500_000;

    fn secret() -> Secret {
        Secret::new("s3cret").expect("it is right")
    }

    fn enterprise(name: &str) -> EnterpriseName {
        EnterpriseName::new(name).expect("it is right")
    }

    /// Returns the two parameters of a link.
    fn parameters(link: &str) -> (String, String) {
        let (_, query) = link.split_once("?exp=").expect("it is right");
        let (expires, signature) = query.split_once("&sig=").expect("it is right");
        (expires.to_owned(), signature.to_owned())
    }

    fn verdict(
        enterprise: &EnterpriseName,
        id: &str,
        expires: &str,
        signature: &str,
    ) -> Result<(), AccessRefusal> {
        judged(&secret(), (enterprise, id), (expires, signature), NOW)
    }

    /// The expected signature was computed by another implementation of the documented scheme.
    #[test]
    fn the_signature_is_the_documented_one() {
        let link = signed_path(
            &secret(),
            &enterprise("0367"),
            "1764493655.61",
            1_764_600_000,
        );
        assert_eq!(
            link,
            "/call/0367/1764493655.61?exp=1764600000&sig=1IybOzA5STSzhLNGzDu6vZ_xWq0AeKGXNr-Zk8A4z80"
        );
    }

    #[test]
    fn an_odd_id_is_signed_as_it_is_and_written_percent_encoded() {
        let ours = enterprise("0367");
        let id = "звонок 1?exp=9&sig=x";
        let link = signed_path(&secret(), &ours, id, NOW);
        let path = "/call/0367/%D0%B7%D0%B2%D0%BE%D0%BD%D0%BE%D0%BA%201%3Fexp%3D9%26sig%3Dx?exp=";
        assert!(link.starts_with(path), "{link}");
        let (expires, signature) = parameters(&link);
        assert_eq!(verdict(&ours, id, &expires, &signature), Ok(()));
        for other in ["звонок 1", "звонок 1?exp=9", "звонок%201?exp=9&sig=x"] {
            let got = verdict(&ours, other, &expires, &signature);
            assert_eq!(got, Err(AccessRefusal::Closed), "{other}");
        }
    }

    #[test]
    fn a_link_opens_its_own_call_and_no_other() {
        let ours = enterprise("0367");
        let (expires, signature) = parameters(&signed_path(&secret(), &ours, "1.1", NOW + 60));
        assert_eq!(verdict(&ours, "1.1", &expires, &signature), Ok(()));
        let later = (NOW + 61).to_string();
        let padded = format!("{signature}=");
        let zero = format!("0{expires}");
        let plus = format!("+{expires}");
        for (name, id, expires, signature) in [
            ("0367", "1.12", expires.as_str(), signature.as_str()),
            ("0367", "1.2", &expires, &signature),
            ("0103", "1.1", &expires, &signature),
            ("0367", "1.1", &later, &signature),
            ("0367", "1.1", &zero, &signature),
            ("0367", "1.1", &plus, &signature),
            ("0367", "1.1", "", &signature),
            ("0367", "1.1", "99999999999999999999999", &signature),
            ("0367", "1.1", &expires, &padded),
            ("0367", "1.1", &expires, &signature[1..]),
            ("0367", "1.1", &expires, &signature[..42]),
            ("0367", "1.1", &expires, ""),
        ] {
            let got = verdict(&enterprise(name), id, expires, signature);
            assert_eq!(
                got,
                Err(AccessRefusal::Closed),
                "{name} {id} {expires} {signature}"
            );
        }
    }

    #[test]
    fn a_link_opens_up_to_its_last_second() {
        let ours = enterprise("0367");
        let far = NOW + VALID_FOR_MAX.as_secs();
        for (expires, wanted) in [
            (0, Err(AccessRefusal::Expired)),
            (NOW - 1, Err(AccessRefusal::Expired)),
            (NOW, Ok(())),
            (far, Ok(())),
            (far + AHEAD_MAX + 1, Err(AccessRefusal::Closed)),
        ] {
            let link = signed_path(&secret(), &ours, "1.1", expires);
            let (expires, signature) = parameters(&link);
            assert_eq!(
                verdict(&ours, "1.1", &expires, &signature),
                wanted,
                "{expires}"
            );
        }
    }

    #[test]
    fn a_wrong_signature_is_not_told_that_the_link_has_expired() {
        let got = verdict(&enterprise("0367"), "1.1", "1", "AAAA");
        assert_eq!(got, Err(AccessRefusal::Closed));
    }
}
