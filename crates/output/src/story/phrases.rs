//! The sentences for the steps of a call, in every voice. They are written only here.
//!
//! `{who}` means the part of the step by that name, `{Who}` for the same with a capital, and
//! `{who:answers|answer}` for the form of a word that goes with how many the part is of. What stands in
//! brackets is left out if a part in it is empty.

use calltrace_model::call::{
    Direction, FaultCode, Lookup, MessageAction, Outcome, RequestResult, TransferResult,
};

/// The voice in which a call is described. Sentences of a terminal are below one another and begin with the
/// person; those of a page are in a list and begin with the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The outputs of the shell, in English.
    Terminal,
    /// Pages in English.
    English,
    /// Pages in Russian: in the present tense, the only one that does not ask for anybody's gender.
    Russian,
}

/// The same in each voice, in the order of [`Voice`].
pub(super) type Phrase = [&'static str; 3];

/// What a phrase may name.
pub(super) struct PhrasePart {
    pub(super) name: &'static str,
    /// Its text; `None` if there is none.
    pub(super) text: Option<String>,
    /// Its number, for the form of words; 1 if it is empty.
    pub(super) count: usize,
}

/// The phrase with its parts inserted. Signs in the parts have no special meaning.
pub(super) fn phrase_text(phrase: &Phrase, voice: Voice, parts: &[PhrasePart]) -> String {
    filled(phrase[voice as usize], parts).0
}

/// The text, and whether all parts in it are there.
fn filled(phrase: &str, parts: &[PhrasePart]) -> (String, bool) {
    let (mut text, mut is_whole, mut rest) = (String::new(), true, phrase);
    while let Some(at) = rest.find(['{', '[']) {
        let is_optional = rest[at..].starts_with('[');
        let end = rest.find(if is_optional { ']' } else { '}' });
        let end = end.expect("what a constant opens it closes");
        let inside = &rest[at + 1..end];
        text += &rest[..at];
        if is_optional {
            let (inside, is_there) = filled(inside, parts);
            text += if is_there { &inside } else { "" };
        } else {
            let part = part_said(inside, parts);
            is_whole &= part.is_some();
            text += &part.unwrap_or_default();
        }
        rest = &rest[end + 1..];
    }
    (text + rest, is_whole)
}

fn part_said(inside: &str, parts: &[PhrasePart]) -> Option<String> {
    let (name, forms) = inside.split_once(':').unwrap_or((inside, ""));
    let mut parts = parts.iter();
    let part = parts.find(|part| part.name.eq_ignore_ascii_case(name));
    let part = part.expect("phrases name parts of their step alone");
    let text = part.text.as_deref()?;
    Some(match name.starts_with(char::is_uppercase) {
        _ if !forms.is_empty() => {
            form(part.count, &forms.split('|').collect::<Vec<_>>()).to_owned()
        }
        true => capital(text),
        false => text.to_owned(),
    })
}

/// The form of a word that goes with a number. English has two, Russian three: 1 звонок, 2 звонка,
/// 5 звонков.
pub fn form<'f>(n: usize, forms: &[&'f str]) -> &'f str {
    forms[match (forms.len(), n % 10, n % 100) {
        (2, ..) => usize::from(n != 1),
        (_, _, 11..=14) => 2,
        (_, 1, _) => 0,
        (_, 2..=4, _) => 1,
        _ => 2,
    }]
}

/// `1 chat`, `3 chats`.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", form(n, &[one, many]))
}

/// With its first letter as a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    first.map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The other side, in the middle of a sentence.
pub(super) fn client(direction: Direction) -> &'static Phrase {
    match direction {
        Direction::Internal => &["{callee}", "the caller", "собеседник"],
        _ => &CLIENT,
    }
}

pub(super) const CLIENT: Phrase = ["the client", "the client", "клиент"];

pub(super) fn called(direction: Direction, is_known: bool, rings: bool) -> &'static Phrase {
    match (direction, is_known, rings) {
        (Direction::Incoming, ..) => &[
            "{from} calls[ over line {line}][; {rung} {rung:rings|ring}]",
            "The client calls: {from}[, {line}][; ringing: {rung}]",
            "Звонит клиент: {from}[, {line}][; вызываем: {rung}]",
        ],
        (Direction::Outgoing, true, _) => &[
            "{from} calls {callee}[ over line {line}]",
            "{from} calls {callee}[, {line}]",
            "Звонит {from}, вызываем: {callee}[, {line}]",
        ],
        (Direction::Outgoing, false, _) => &[
            "{from} calls {callee}[ over line {line}]",
            "{from} calls {callee}[, {line}]",
            "Исходящий звонок, вызываем: {callee}[, {line}]",
        ],
        (Direction::Internal, _, true) => &[
            "{from} calls {rung}",
            "A colleague calls: {from}; ringing: {rung}",
            "Звонит коллега: {from}; вызываем: {rung}",
        ],
        (Direction::Internal, _, false) => &[
            "{from} calls[ over line {line}]",
            "A colleague calls: {from}",
            "Звонит коллега: {from}",
        ],
        (Direction::Unknown, ..) => &[
            "{from} calls[ over line {line}][; {rung} {rung:rings|ring}]",
            "{from} calls[, {line}][; ringing: {rung}]",
            "Звонит {from}[, {line}][; вызываем: {rung}]",
        ],
    }
}

pub(super) const RANG: Phrase = [
    "{who} {who:rings|ring}",
    "Ringing: {who}",
    "Вызываем: {who}",
];

pub(super) const RANG_BY: Phrase = [
    "{by} calls {who}",
    "{by} calls {who}",
    "{by} вызывает: {who}",
];

pub(super) const ANSWERED: Phrase = [
    "{by} {by:answers|answer}[ after {after}]",
    "{By} {by:answers|answer}[ after {after}]",
    "{by:Отвечает|Отвечают} {by}[ через {after}]",
];

pub(super) const HELD: Phrase = [
    "{by} {by:puts|put} {client} on hold[ and {by:calls|call} {rung}][ ({lasted})]",
    "On hold: {client}[ for {lasted}][; {by} calls {rung}]",
    "На удержании: {client}[ {lasted}][; {by} вызывает: {rung}]",
];

pub(super) const HANDED_OVER: Phrase = [
    "{by} {by:hands|hand} {client} on to {to}, who {to:rings|ring}[ ({lasted})]",
    "{by} hands the call on to {to}; {client} waits[ {lasted}]",
    "{by} переводит звонок, вызываем: {to}; {client} ждёт[ {lasted}]",
];

pub(super) const CONSULTED: Phrase = [
    "{by} talks to {with}[ ({lasted})]",
    "{by} and {with} talk between themselves[ for {lasted}]",
    "{by} и {with} говорят между собой[, {lasted}]",
];

pub(super) fn transferred(result: TransferResult) -> &'static Phrase {
    match result {
        TransferResult::Completed => &[
            "transferred to {to}",
            "Transferred: {by} → {to}",
            "Звонок переведён: {by} → {to}",
        ],
        TransferResult::Refused => &[
            "{to} does not take the call, {by} does",
            "Transfer not taken: {by} → {to}",
            "Перевод не состоялся: {by} → {to}",
        ],
        TransferResult::NotAnswered => &[
            "{to} does not answer the transfer",
            "Transfer not answered: {by} → {to}",
            "Перевод без ответа: {by} → {to}",
        ],
    }
}

pub(super) const RESUMED: Phrase = [
    "{who} {who:talks|talk} to {client} again",
    "The talk goes on: {who}",
    "Разговор продолжается: {who}",
];

pub(super) const JOINED: Phrase = [
    "{who} {who:joins|join}",
    "Joins the talk: {who}",
    "К разговору присоединяется: {who}",
];

pub(super) const LEFT: Phrase = [
    "{who} {who:leaves|leave}",
    "Leaves the talk: {who}",
    "Из разговора выходит: {who}",
];

/// What a Telegram message is about, by the stage of the call at which the bot sends it.
/// One that is none of these is called as `shown` says it.
pub fn stage(stage: &str, voice: Voice, shown: impl FnOnce() -> String) -> String {
    let phrase: Phrase = match stage {
        "start" => [
            "message about the call",
            "message about the start",
            "сообщение о начале звонка",
        ],
        "dial" => [
            "message about the ringing",
            "message about the ringing",
            "сообщение о вызове",
        ],
        "bridge" => [
            "message about the talk",
            "message about the talk",
            "сообщение о разговоре",
        ],
        "hangup" => ["final message", "final message", "итоговое сообщение"],
        _ => ["message", "message[ ({stage})]", "сообщение[ ({stage})]"],
    };
    let name = "stage";
    let text = (!stage.is_empty()).then(shown);
    let count = 1;
    phrase_text(&phrase, voice, &[PhrasePart { name, text, count }])
}

pub(super) fn messages(action: MessageAction, replaces: bool) -> &'static Phrase {
    match (action, replaces) {
        (MessageAction::Send, true) => &[
            "{stage} sent to {chats}, in place of the one before{cut}",
            "Telegram: {stage} sent in place of the one before: {chats}{cut}",
            "Telegram: {stage} отправлено вместо прежнего: {chats}{cut}",
        ],
        (MessageAction::Send, false) => &[
            "{stage} sent to {chats}{cut}",
            "Telegram: {stage} sent: {chats}{cut}",
            "Telegram: {stage} отправлено: {chats}{cut}",
        ],
        (MessageAction::Edit, _) => &[
            "{stage} changed in {chats}{cut}",
            "Telegram: {stage} edited: {chats}{cut}",
            "Telegram: {stage} изменено: {chats}{cut}",
        ],
        (MessageAction::Delete, _) => &[
            "{stage} deleted in {chats}{cut}",
            "Telegram: {stage} deleted: {chats}{cut}",
            "Telegram: {stage} удалено: {chats}{cut}",
        ],
        (MessageAction::Other, _) => &[
            "{stage} touched in {chats}{cut}",
            "Telegram: {stage} touched: {chats}{cut}",
            "Telegram: {stage} неизвестное действие: {chats}{cut}",
        ],
    }
}

/// The end of a sentence about a message.
pub(super) const CUT: Phrase = [
    " (cut in the log)",
    " (its text is cut in the log)",
    " (текст в журнале обрезан)",
];

pub(super) fn requests(lookup: Option<Lookup>, result: RequestResult) -> &'static Phrase {
    match (lookup, result) {
        (Some(Lookup::Found), _) => &[
            "{n} {n:name|names} looked up: found",
            "Name lookup[ ({times})]: found",
            "Запрос имени[ ({times})]: имя найдено",
        ],
        (Some(Lookup::Empty), _) => &[
            "{n} {n:name|names} looked up: none found",
            "Name lookup[ ({times})]: none found",
            "Запрос имени[ ({times})]: имя не найдено",
        ],
        (Some(Lookup::Failed), _) => &[
            "{n} name {n:lookup|lookups} failed[: {request}]",
            "Name lookup[ ({times})]: failed",
            "Запрос имени[ ({times})]: ошибка",
        ],
        (None, RequestResult::Good) => &[
            "{n} {n:request|requests} served",
            "Request to another system[ ({times})]: done",
            "Запрос к другой системе[ ({times})]: выполнен",
        ],
        (None, RequestResult::Failed) => &[
            "{n} {n:request|requests} failed[: {request}]",
            "Request to another system[ ({times})]: failed",
            "Запрос к другой системе[ ({times})]: ошибка",
        ],
        (None, RequestResult::Unknown) => &[
            "{n} {n:request|requests} of unknown result[: {request}]",
            "Request to another system[ ({times})]: result unknown",
            "Запрос к другой системе[ ({times})]: результат неизвестен",
        ],
    }
}

pub(super) const QUERIES: Phrase = [
    "{n} SQL {n:query|queries}",
    "{n}\u{a0}database {n:query|queries}",
    "{n}\u{a0}{n:запрос|запроса|запросов} к базе данных",
];

pub(super) fn ended(outcome: Outcome) -> &'static Phrase {
    match outcome {
        Outcome::Missed => &[
            "the call ends[ after {waited}]: nobody answered",
            "{ended}: not answered[, waited {waited}]",
            "{ended}: нет ответа[, ожидание {waited}]",
        ],
        Outcome::NotReached => &[
            "the call ends[ after {waited}]: not reached",
            "{ended}: not answered[, waited {waited}]",
            "{ended}: нет ответа[, ожидание {waited}]",
        ],
        Outcome::Busy => &[
            "the call ends[ after {waited}]: busy",
            "{ended}: busy",
            "{ended}: занято",
        ],
        _ => &["{ended}[: {lengths}]"; 3],
    }
}

pub(super) const HUNG_UP: Phrase = ["{by} hangs up", "{By} hangs up", "{By} кладёт трубку"];

pub(super) const ENDED: Phrase = ["the call ends", "The call ends", "Звонок завершён"];

pub(super) const TALKED: Phrase = ["talked {lasted}", "talk {lasted}", "разговор {lasted}"];

pub(super) const ON_HOLD: Phrase = [
    "on hold {lasted}",
    "on hold {lasted}",
    "на удержании {lasted}",
];

pub(super) fn unfinished(outcome: Outcome) -> &'static Phrase {
    match outcome {
        Outcome::InProgress => &["the call goes on", "The call goes on", "Звонок ещё идёт"],
        _ => &[
            "no end was logged",
            "The end of the call is not in the log",
            "Конца звонка в журнале нет",
        ],
    }
}

/// What a fault means, as a clause.
pub fn fault(code: FaultCode, voice: Voice) -> &'static str {
    let phrase: Phrase = match code {
        FaultCode::MessageRepeated => [
            "a message was sent twice to one chat",
            "A message was sent to the same chat twice",
            "Сообщение отправлено в тот же чат ещё раз",
        ],
        FaultCode::MessageLeftStanding => [
            "a message of an earlier stage still stands after the end",
            "A message about the course of the call was left standing",
            "Сообщение о ходе звонка осталось неудалённым",
        ],
        FaultCode::MessageNotSent => [
            "a chat was told of the call and not of its end",
            "The final message was not sent",
            "Итоговое сообщение не отправлено",
        ],
        FaultCode::WrongNumber => [
            "a message holds a number that is none of the call's",
            "A message holds a number that is none of the call's",
            "В сообщении указан номер, которого в звонке не было",
        ],
        FaultCode::WrongDuration => [
            "a message states a length that is not that of the talk",
            "The duration in a message is not that of the talk",
            "Длительность в сообщении не совпадает с разговором",
        ],
        FaultCode::NameLookupFailed => [
            "a name could not be looked up",
            "A name could not be looked up",
            "Имя узнать не удалось",
        ],
        FaultCode::NameLookupEmpty => [
            "a lookup found no name",
            "A lookup found no name",
            "Имя в справочнике не найдено",
        ],
        FaultCode::RequestFailed => [
            "a request failed",
            "A request to another system failed",
            "Запрос к другой системе закончился ошибкой",
        ],
        FaultCode::NoEnd => [
            "no end was logged",
            "The end of the call is not in the log",
            "Конец звонка не записан в журнал",
        ],
        FaultCode::TextCut => [
            "the log holds only the beginning of a message",
            "The log holds only the beginning of a message",
            "Текст сообщения в журнале обрезан",
        ],
        FaultCode::ResponseCut => [
            "the log holds only the beginning of an answer",
            "The log holds only the beginning of an answer",
            "Ответ другой системы в журнале обрезан",
        ],
    };
    phrase[voice as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_log_is_not_read_as_a_phrase() {
        let part = |name, text: Option<&str>, count| PhrasePart {
            name,
            text: text.map(str::to_owned),
            count,
        };
        let by = part("by", Some("an {after} [x]"), 2);
        let silent = [by, part("after", None, 1)];
        assert_eq!(
            phrase_text(&ANSWERED, Voice::English, &silent),
            "An {after} [x] answer"
        );
        let both = [part("by", Some("151"), 1), part("after", Some("8 с"), 1)];
        assert_eq!(
            phrase_text(&ANSWERED, Voice::Russian, &both),
            "Отвечает 151 через 8 с"
        );
    }
}
