//! Recognises programs that fetch a link before a person does (messengers that draw previews, search engines)
//! by their User-Agent. Pure.
//!
//! Messengers open links in browsers of their own and add their name to the User-Agent. Those requests come
//! from people.

/// Parts of robots' names. No browser has them in its User-Agent.
const NAMES: [&str; 18] = [
    "telegrambot",
    "twitterbot",
    "facebookexternalhit",
    "facebookcatalog",
    "slackbot",
    "slack-imgproxy",
    "discordbot",
    "linkedinbot",
    "vkshare",
    "skypeuripreview",
    "googlebot",
    "bingbot",
    "yandexbot",
    "applebot",
    "crawler",
    "spider",
    "preview",
    "+http",
];

/// Names of messengers that are robots only if the User-Agent begins with the name. In the messengers' own
/// browsers the name comes after the browser's name.
const BEGINNINGS: [&str; 2] = ["whatsapp/", "viber"];

/// Whether a `User-Agent` is that of a robot. An empty one counts as that of a person.
pub(crate) fn is_robot(user_agent: &str) -> bool {
    let name = user_agent.trim().to_ascii_lowercase();
    NAMES.iter().any(|robot| name.contains(robot))
        || BEGINNINGS.iter().any(|robot| name.starts_with(robot))
        || is_some_bot(&name)
}

/// Matches `SomeBot/1.0` and `some-bot`, but not Cubot, which makes telephones.
fn is_some_bot(name: &str) -> bool {
    let ends = name.match_indices("bot").filter(|(at, _)| {
        let after = name[at + 3..].chars().next();
        after.is_none_or(|c| !c.is_alphanumeric())
    });
    let mut words = ends.filter_map(|(at, bot)| {
        let up_to = &name[..at + bot.len()];
        up_to.rsplit(|c: char| !c.is_alphanumeric()).next()
    });
    words.any(|word| word != "cubot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_known_by_their_names() {
        for robot in [
            "TelegramBot (like TwitterBot)",
            "Twitterbot/1.0",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "WhatsApp/2.23.20.0 A",
            "Viber/13.3.0.4",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
            "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
            "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605.1.15 (Applebot/0.1)",
            "Baiduspider",
            "acme-crawler",
            "SomeBot",
            "some bot",
            "TELEGRAMBOT",
        ] {
            assert!(is_robot(robot), "{robot}");
        }
    }

    #[test]
    fn browsers_inside_messengers_are_people() {
        for person in [
            "",
            "Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 Telegram-Android/10.14.5 (Samsung SM-A546E; Android 14; SDK 34; AVERAGE)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36 Viber/21.0.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 WhatsApp/2.22",
            "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/100.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Linux; U; Android 9; CUBOT/X19) AppleWebKit/537.36 Chrome/100.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "curl/8.5.0",
            "Robotics Phone 1",
        ] {
            assert!(!is_robot(person), "{person}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_breaks_the_matcher(name in "\\PC{0,40}(bot|BOT|Bot)?\\PC{0,10}") {
            let _ = is_robot(&name);
        }
    }
}
