//! Steps of a call in Russian: in the present tense, the only one that does not ask for anybody's gender.

use super::{Words, capital, stage_of};
use calltrace_model::call::{
    Direction, Lookup, MessageAction, Outcome, RequestResult, Step, StepEvent, TransferResult,
};

impl Words<'_> {
    pub(super) fn russian(&self, step: &Step) -> String {
        let client = match self.summary.direction {
            Direction::Internal => "собеседник",
            _ => "клиент",
        };
        match &step.event {
            StepEvent::Called {
                direction,
                from,
                line,
                rings,
            } => {
                let over = self.over(line);
                let rings = match rings.as_slice() {
                    _ if *direction == Direction::Outgoing => String::new(),
                    [] => String::new(),
                    rings => format!("; вызываем: {}", self.rung(rings)),
                };
                match direction {
                    Direction::Incoming => {
                        format!("Звонит клиент: {}{over}{rings}", self.who(from))
                    }
                    Direction::Outgoing => {
                        let client = self.who(&self.summary.client);
                        match from.as_str() {
                            "" => format!("Исходящий звонок, вызываем: {client}{over}"),
                            from => format!("Звонит {}, вызываем: {client}{over}", self.who(from)),
                        }
                    }
                    Direction::Internal => format!("Звонит коллега: {}{rings}", self.who(from)),
                    Direction::Unknown => format!("Звонит {}{over}{rings}", self.who(from)),
                }
            }
            StepEvent::Rang { who, by: None } => format!("Вызываем: {}", self.rung(who)),
            StepEvent::Rang { who, by: Some(by) } => {
                format!("{} вызывает: {}", self.who(by), self.rung(who))
            }
            StepEvent::Answered { by, after } => {
                let verb = if by.len() > 1 {
                    "Отвечают"
                } else {
                    "Отвечает"
                };
                format!(
                    "{verb} {}{}",
                    self.subject(by),
                    self.lasting(" через ", self.waited(*after))
                )
            }
            StepEvent::Held { by, calls, lasted } => {
                let lasted = self.lasting(" ", *lasted);
                match (by.as_slice(), calls.as_slice()) {
                    (_, []) | ([], _) => format!("На удержании: {client}{lasted}"),
                    (by, calls) => format!(
                        "На удержании: {client}{lasted}; {} вызывает: {}",
                        self.all(by.iter()),
                        self.rung(calls)
                    ),
                }
            }
            StepEvent::HandedOver { by, to, lasted } => format!(
                "{} переводит звонок, вызываем: {}; {client} ждёт{}",
                self.all(by.iter()),
                self.rung(to),
                self.lasting(" ", *lasted)
            ),
            StepEvent::Consulted { by, with, lasted } => format!(
                "{} и {} говорят между собой{}",
                self.who(by),
                self.who(with),
                self.lasting(", ", *lasted)
            ),
            StepEvent::Transferred { result, by, to, .. } => {
                let way = format!("{} → {}", self.who(by), self.who(to));
                match result {
                    TransferResult::Completed => format!("Звонок переведён: {way}"),
                    TransferResult::Refused => format!("Перевод не состоялся: {way}"),
                    TransferResult::NotAnswered => format!("Перевод без ответа: {way}"),
                }
            }
            StepEvent::Resumed { with } => {
                format!("Разговор продолжается: {}", self.all(with.iter()))
            }
            StepEvent::Joined { who } => {
                format!("К разговору присоединяется: {}", self.all(who.iter()))
            }
            StepEvent::Left { who } => format!("Из разговора выходит: {}", self.all(who.iter())),
            StepEvent::Messages {
                action,
                stage,
                chats,
                replaces,
                cut,
            } => {
                let done = match action {
                    MessageAction::Send if *replaces => "отправлено вместо прежнего",
                    MessageAction::Send => "отправлено",
                    MessageAction::Edit => "изменено",
                    MessageAction::Delete => "удалено",
                    MessageAction::Other => "неизвестное действие",
                };
                let cut = if *cut {
                    " (текст в журнале обрезан)"
                } else {
                    ""
                };
                format!(
                    "Telegram: {} {done}: {}{cut}",
                    stage_of(self.language, stage),
                    self.chats(chats)
                )
            }
            StepEvent::Requests { lookup, result } => {
                let n = step.records.len();
                let times = if n > 1 {
                    format!(" ({n})")
                } else {
                    String::new()
                };
                match (lookup, result) {
                    (Some(Lookup::Found), _) => format!("Запрос имени{times}: имя найдено"),
                    (Some(Lookup::Empty), _) => format!("Запрос имени{times}: имя не найдено"),
                    (Some(Lookup::Failed), _) => format!("Запрос имени{times}: ошибка"),
                    (None, RequestResult::Good) => {
                        format!("Запрос к другой системе{times}: выполнен")
                    }
                    (None, RequestResult::Failed) => {
                        format!("Запрос к другой системе{times}: ошибка")
                    }
                    (None, RequestResult::Unknown) => {
                        format!("Запрос к другой системе{times}: результат неизвестен")
                    }
                }
            }
            StepEvent::Queries => self.language.count(
                step.records.len(),
                [
                    "запрос к базе данных",
                    "запроса к базе данных",
                    "запросов к базе данных",
                ],
                ["", ""],
            ),
            StepEvent::Ended {
                by,
                outcome,
                talked,
                held,
                waited,
            } => {
                let ended = match by.as_deref() {
                    Some(by) => {
                        format!("{} кладёт трубку", capital(&self.subject(&[by.to_owned()])))
                    }
                    None => "Звонок завершён".to_owned(),
                };
                match outcome {
                    Outcome::Busy => format!("{ended}: занято"),
                    outcome if outcome.is_unanswered() => {
                        format!(
                            "{ended}: нет ответа{}",
                            self.lasting(", ожидание ", *waited)
                        )
                    }
                    _ => self.with_lengths(ended, *talked, *held),
                }
            }
            StepEvent::Unfinished {
                outcome: Outcome::InProgress,
            } => "Звонок ещё идёт".to_owned(),
            StepEvent::Unfinished { .. } => "Конца звонка в журнале нет".to_owned(),
        }
    }
}
