//! Pages that say why there is nothing else to show, and what to do.

use maud::{Markup, html};

use super::frame::Frame;
use super::{Language, shortened};

/// The reason why there is nothing else to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A robot asked for a preview; the neutral page names no call and no enterprise.
    Preview,
    /// The token or signature opens nothing here; also for an enterprise that does not exist.
    NoAccess,
    /// The signed link has expired.
    Expired,
    /// There were too many wrong tries; holds the seconds to wait.
    TooManyTries(u64),
    /// No page has this path.
    NoSuchPage,
    /// The request is malformed: an id or enterprise that can't exist, a text that is too long, a
    /// parameter that can't be read.
    BadRequest,
    /// The method is not GET or HEAD.
    WrongMethod,
    /// No call has the id.
    NoSuchCall {
        /// The id asked for.
        id: String,
        /// The number of files that were searched.
        files: usize,
        /// All of them could be read.
        whole: bool,
    },
    /// Something that the page needs failed: the database, the logs, or the page itself.
    Trouble,
    /// The server is too busy.
    Busy,
}

/// Renders the page of a notice.
pub fn notice(language: Language, notice: &Notice) -> Markup {
    let (mark, title, lines) = words(language, notice);
    let frame = Frame {
        title,
        refresh: None,
        other_language: None,
    };
    frame.around(
        language,
        &html! {
            main.notice {
                p.mark aria-hidden="true" { (mark) }
                h1 { (title) }
                @for line in lines { p { (line) } }
            }
        },
    )
}

/// Returns a mark, the heading, and the paragraphs that say what to do.
fn words(l: Language, notice: &Notice) -> (&'static str, &'static str, Vec<String>) {
    let plain = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match notice {
        Notice::Preview => (
            "📞",
            l.of("Детали звонка", "Call details"),
            plain(&[l.of(
                "Откройте ссылку, чтобы увидеть страницу.",
                "Open the link to see the page.",
            )]),
        ),
        Notice::NoAccess => (
            "🔒",
            l.of("Нет доступа", "No access"),
            plain(&[
                l.of(
                    "Эта ссылка ничего не открывает: её адрес неполный или ключ изменился.",
                    "This link opens nothing: its address is incomplete, or the key has changed.",
                ),
                l.of(
                    "Откройте звонок кнопкой «Детали звонка» в последнем сообщении Telegram или попросите новую ссылку.",
                    "Open the call with the button in the latest Telegram message, or ask for a new link.",
                ),
            ]),
        ),
        Notice::Expired => (
            "⌛",
            l.of("Срок ссылки истёк", "The link has expired"),
            plain(&[l.of(
                "Ссылка была верной, но действовала только до определённого дня. Попросите новую.",
                "The link was right, but it was valid only until a certain day. Ask for a new one.",
            )]),
        ),
        Notice::TooManyTries(seconds) => (
            "✋",
            l.of("Слишком много попыток", "Too many tries"),
            vec![match l {
                Language::Russian => format!("С этого адреса слишком часто открывали неверные ссылки. Подождите {} и попробуйте снова.", wait(l, *seconds)),
                Language::English => format!("Wrong links were opened too often from this address. Wait {} and try again.", wait(l, *seconds)),
            }],
        ),
        Notice::NoSuchPage => (
            "🧭",
            l.of("Такой страницы нет", "No such page"),
            plain(&[l.of(
                "Проверьте адрес: страница звонка открывается по ссылке из сообщения Telegram.",
                "Check the address: the page of a call opens by the link in a Telegram message.",
            )]),
        ),
        Notice::BadRequest => (
            "🧩",
            l.of("Адрес не разобрать", "The address is not valid"),
            plain(&[l.of(
                "В адресе есть то, чего в нём быть не может. Откройте ссылку целиком, как она пришла.",
                "There is something in the address that can't be there. Open the whole link as it came.",
            )]),
        ),
        Notice::WrongMethod => (
            "🧭",
            l.of("Так страницу не открыть", "A page can't be opened that way"),
            plain(&[l.of("Страницы только читают.", "Pages can only be read.")]),
        ),
        Notice::NoSuchCall { id, files, whole } => (
            "🔎",
            l.of("Звонок не найден", "Call not found"),
            no_such_call(l, id, *files, *whole),
        ),
        Notice::Trouble => (
            "🛠",
            l.of("Сервис временно не отвечает", "The service has a problem"),
            plain(&[
                l.of(
                    "Со звонком всё в порядке, но показать его сейчас не получается. Попробуйте через минуту.",
                    "Nothing is wrong with the call, but it can't be shown at the moment. Try again in a minute.",
                ),
                l.of(
                    "Если не помогло, сообщите администратору время и адрес страницы без того, что стоит после знака «?».",
                    "If that does not help, tell the administrator the time, and the address without what follows the “?”.",
                ),
            ]),
        ),
        Notice::Busy => (
            "⏳",
            l.of("Слишком много запросов", "Too busy"),
            plain(&[l.of(
                "Сейчас сервис занят. Обновите страницу через несколько секунд.",
                "The service is busy right now. Load the page again in a few seconds.",
            )]),
        ),
    }
}

fn no_such_call(l: Language, id: &str, files: usize, whole: bool) -> Vec<String> {
    let id = shortened(id.as_bytes(), 60);
    let searched = l.count(files, ["файл", "файла", "файлов"], ["file", "files"]);
    let looked = match (files, whole) {
        (0, _) => l.of(
            "журнала этого предприятия на сервере нет".to_owned(),
            "there is no log of this enterprise on the server".to_owned(),
        ),
        (_, true) => l.of(
            format!("просмотрено: {searched}, все целиком"),
            format!("{searched} searched completely"),
        ),
        (_, false) => l.of(
            format!("просмотрено: {searched}, но не всё удалось прочитать: звонок может быть в непрочитанной части"),
            format!("{searched} searched, but not everything could be read: the call may be in a part that could not"),
        ),
    };
    vec![
        l.of(
            format!("В журнале нет звонка {id}; {looked}."),
            format!("The log holds no call {id}; {looked}."),
        ),
        l.of(
            "Журнал хранится ограниченное время (обычно 14 дней); более старые звонки удалены. Только что начатый звонок появится через несколько секунд.".to_owned(),
            "Logs are kept for a limited time (usually 14 days); older calls are gone. A call that has just begun appears within seconds.".to_owned(),
        ),
    ]
}

fn wait(l: Language, seconds: u64) -> String {
    let seconds = i64::try_from(seconds.clamp(1, 86_400)).unwrap_or(1);
    l.duration(seconds * 1000)
}
