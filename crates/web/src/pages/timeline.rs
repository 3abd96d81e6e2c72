//! All records of a call in order, folded.

use maud::{Markup, PreEscaped, html};

use super::entries::{TimelineEntry, entries, life_of};
use super::people::PageNames;
use super::story::{recovered, stage_of};
use super::technical::bridges_of;
use super::{CallPage, PageContext, events, message_text, shortened, shown};
use calltrace_engine::TracedCall;
use calltrace_model::call::{Fact, MessageAction, MessageLife, RequestResult};
use calltrace_model::record::{Body, Http, Record, RecoveryMark, Stamp, json};
use calltrace_model::{redact, sanitise};

/// The largest number of entries on one page; a link leads to the others.
pub(super) const ENTRIES_MAX: usize = 500;

/// The largest size of the records on one page (bytes); a link leads to the others.
const PAGE_BYTES_MAX: usize = 384 << 10;

/// A laid out body that is longer than this is shown on one line (bytes).
const LAID_OUT_BYTES_MAX: usize = 64 << 10;

/// A body up to this size is laid out (bytes); of a longer one only the beginning is shown, as it is.
const BODY_BYTES_MAX: usize = 16 << 10;

/// The length of that beginning (characters).
const BODY_CHARS_MAX: usize = 4000;

/// The longest shown message text, URL or unparsed line (characters).
const TEXT_CHARS_MAX: usize = 1500;

/// The number of chats that one entry names; a program in a loop may send to one for ever.
const LIVES_MAX: usize = 50;

/// The data that entries are shown with.
struct TimelinePage<'p> {
    context: &'p PageContext,
    page: &'p CallPage<'p>,
    people: &'p PageNames<'p>,
    bridges: Vec<&'p [u8]>,
    lives: Vec<MessageLife>,
}

/// The entries of a call, and which of them this page shows.
pub(super) struct ShownEntries {
    all: Vec<TimelineEntry>,
    from: usize,
    upto: usize,
}

impl ShownEntries {
    pub(super) fn of(page: &CallPage<'_>) -> ShownEntries {
        let all = entries(page.call);
        let from = page.from.min(all.len());
        let upto = from + fitting(&all[from..], page.call);
        ShownEntries { all, from, upto }
    }

    /// Returns the id of the entry on this page that shows a record.
    pub(super) fn anchor(&self, record: usize) -> Option<String> {
        let mut entries = self.all[self.from..self.upto].iter();
        let entry = entries.find(|entry| entry.holds(record))?;
        Some(anchor(entry))
    }
}

fn anchor(entry: &TimelineEntry) -> String {
    format!("r{}", entry.first())
}

/// Renders the records, folded on the first page.
pub(super) fn timeline(
    context: &PageContext,
    page: &CallPage<'_>,
    people: &PageNames<'_>,
    it: &ShownEntries,
) -> Markup {
    let l = context.language;
    let ShownEntries { all, from, upto } = it;
    let (from, upto) = (*from, *upto);
    let shown = TimelinePage {
        context,
        page,
        people,
        bridges: bridges_of(&page.call.facts),
        lives: MessageLife::all(&page.call.facts),
    };
    let mut day = None;
    html! {
        details.timeline open[page.from > 0] {
            summary { h2 { (l.of("Все записи", "All records")) " (" (l.number(page.call.lines.len())) ")" } }
            @if from > 0 {
                p.pages { a href={ (page.query) "&from=" (from.saturating_sub(ENTRIES_MAX)) } { "← " (l.of("предыдущие", "earlier ones")) } }
            }
            ol start=(from + 1) {
                @for entry in &all[from..upto] {
                    @let at = page.call.lines[entry.first()].at;
                    @let date = context.clock.moment(at).date_naive();
                    @if day.replace(date).is_some_and(|before| before != date) {
                        li.day { (l.day(date)) }
                    }
                    (shown.entry(entry))
                }
            }
            @if upto < all.len() {
                p.pages { a href={ (page.query) "&from=" (upto) } {
                    (l.of("показать следующие после ", "show those after ")) (upto) (l.of(" из ", " of ")) (all.len()) " →"
                } }
            }
        }
    }
}

/// Returns how many of the entries fit on a page; at least one.
fn fitting(entries: &[TimelineEntry], call: &TracedCall) -> usize {
    let mut bytes = 0;
    let shown = |at: &usize| call.lines[*at].text.len().min(2 * BODY_BYTES_MAX);
    let fits = entries.iter().take(ENTRIES_MAX).take_while(|entry| {
        let before = bytes;
        bytes += match entry {
            TimelineEntry::One(at) => shown(at),
            TimelineEntry::Messages { lines, .. } => lines.iter().take(LIVES_MAX).map(shown).sum(),
        };
        before == 0 || bytes <= PAGE_BYTES_MAX
    });
    fits.count()
}

impl TimelinePage<'_> {
    fn entry(&self, entry: &TimelineEntry) -> Markup {
        match entry {
            TimelineEntry::One(at) => self.record(*at),
            TimelineEntry::Messages { action, lines } => self.messages(*action, lines),
        }
    }

    fn time(&self, at: Stamp) -> Markup {
        let clock = &self.context.clock;
        let offset = at.since(self.page.call.summary.first);
        html! {
            div.t {
                time datetime=(clock.rfc3339(at)) {
                    (clock.time(at))
                    small { (clock.moment(at).format("%.3f").to_string()) }
                }
                @if offset > 0 { span.off { "+" (self.context.language.duration(offset)) } }
            }
        }
    }

    /// Shows one record that is not a Telegram message.
    fn record(&self, at: usize) -> Markup {
        let (line, fact) = (&self.page.call.lines[at], &self.page.call.facts[at]);
        let record = Record::parse(&line.text);
        let l = self.context.language;
        let (class, kind, what, bodies) = match &record.body {
            Body::Ast(ast) => {
                let (mark, what, is_minor) =
                    events::event(self.context, self.people, &self.bridges, ast, fact);
                let class = if is_minor { "e ast minor" } else { "e ast" };
                let bodies = vec![(l.of("Событие", "Event"), ast.json)];
                (class, mark, what, bodies)
            }
            Body::Http(http) => (
                "e http",
                "🌐",
                self.request(http, fact),
                vec![
                    (l.of("Запрос", "Request"), http.request),
                    (l.of("Ответ", "Response"), http.response),
                ],
            ),
            Body::Sql(sql) => (
                "e sql",
                "💾",
                html! { (l.of("Запрос к базе: ", "Database: ")) code { (shortened(sql.query_type, 60)) " " (shortened(sql.table, 120)) } (self.took(sql.params)) },
                vec![
                    (l.of("Параметры", "Parameters"), sql.params),
                    (l.of("Результат", "Result"), sql.result),
                ],
            ),
            Body::Tg(_) | Body::Unparsed => (
                "e odd",
                "❔",
                html! { (l.of("Строка неизвестного вида: ", "A line of no known kind: ")) code { (shortened(&line.text, TEXT_CHARS_MAX)) } },
                Vec::new(),
            ),
        };
        let bodies: Vec<(&str, &[u8])> = bodies
            .into_iter()
            .filter(|(_, body)| !matches!(*body, b"" | b"{}"))
            .collect();
        html! {
            li id=(anchor(&TimelineEntry::One(at))) class=(class) {
                (self.time(line.at))
                div.what {
                    @let head = html! {
                        span.kind aria-hidden="true" { (kind) } (what)
                        @if let Some(mark) = RecoveryMark::of(&record).filter(|_| fact.recovered) {
                            " " span.leg { "· " (recovered(l)) ": " code { (shortened(mark.from.as_bytes(), 60)) } }
                        }
                    };
                    @if bodies.is_empty() { (head) } @else {
                        details {
                            summary { (head) }
                            @if !fact.uid().is_empty() { p.leg { "UniqueId " code { (shown(fact.uid())) } } }
                            @for (name, bytes) in &bodies { (body(self.context, name, bytes)) }
                        }
                    }
                }
            }
        }
    }

    fn request(&self, http: &Http<'_>, fact: &Fact) -> Markup {
        let good = fact.request_result() != Some(RequestResult::Failed);
        html! {
            (shortened(http.method, 20)) " " code { (shortened(http.url, TEXT_CHARS_MAX)) } " "
            @if good { span { "→ " code { (shortened(http.status, 20)) } } }
            @else { span.fail { "→ ✕ " code { (shortened(http.status, 40)) } } }
            (self.took(http.request))
        }
    }

    /// Shows how long a request took, if its writer logged it.
    fn took(&self, body: &[u8]) -> Markup {
        let mut fields = json::Fields::new(body);
        let stated = fields.find(|(key, _)| *key == b"_duration_ms");
        let stated = stated.map(|(_, value)| value.text().into_owned());
        let millis = stated.and_then(|text| std::str::from_utf8(&text).ok()?.parse::<f64>().ok());
        let millis = millis.filter(|millis| (0.0..=86_400_000.0).contains(millis));
        let l = self.context.language;
        html! {
            @if let Some(millis) = millis {
                " " span.leg { "· " @if millis < 1000.0 { (millis.round()) "\u{a0}" (l.of("мс", "ms")) } @else { (l.duration(millis as i64)) } }
            }
        }
    }

    /// Shows the same operation with the same message in one or several chats.
    fn messages(&self, action: MessageAction, lines: &[usize]) -> Markup {
        let call = self.page.call;
        let first = &call.lines[lines[0]];
        let record = Record::parse(&first.text);
        let Body::Tg(tg) = &record.body else {
            return html! {};
        };
        let facts: Vec<&Fact> = lines.iter().map(|at| &call.facts[*at]).collect();
        let text = message_text(tg.text, TEXT_CHARS_MAX);
        let head = html! {
            span.kind aria-hidden="true" { (if action == MessageAction::Delete { "🗑" } else { "💬" }) }
            (self.op(action, tg.action, &facts)) " "
            span.leg { "· " (stage_of(self.context.language, &String::from_utf8_lossy(tg.msg_type))) }
            @if action == MessageAction::Send { " " span.leg { "· " (self.fate(&facts)) } }
        };
        html! {
            li id={ "r" (lines[0]) } class={ "e tg" (if action == MessageAction::Delete { " minor" } else { "" }) } {
                (self.time(first.at))
                div.what {
                    details.messages {
                        summary { (head) }
                        ul.lives {
                            @for fact in facts.iter().take(LIVES_MAX) { li { (self.life(fact)) } }
                            @if facts.len() > LIVES_MAX {
                                li { (self.context.language.more(facts.len() - LIVES_MAX)) }
                            }
                        }
                    }
                    @if !text.is_empty() { p.text { bdi { (text) } } }
                }
            }
        }
    }

    /// Draws `Отправлено: Анна Сидорова` or `Отправлено в 5 чатов`.
    fn op(&self, action: MessageAction, name: &[u8], facts: &[&Fact]) -> Markup {
        let l = self.context.language;
        let done = match action {
            MessageAction::Send => l.text("Отправлено", "Sent"),
            MessageAction::Edit => l.text("Изменено", "Edited"),
            MessageAction::Delete => l.text("Удалено", "Deleted"),
            MessageAction::Other => shortened(name, 40),
        };
        match facts {
            [only] => {
                let chat = String::from_utf8_lossy(only.chat());
                html! { (done) ": " (self.people.chat(self.context, &chat)) }
            }
            many => html! {
                (done) ": " (l.count(many.len(), ["чат", "чата", "чатов"], ["chat", "chats"]))
            },
        }
    }

    /// Says what became of the sent messages, all chats together.
    fn fate(&self, facts: &[&Fact]) -> String {
        let l = self.context.language;
        let lives: Vec<&MessageLife> = facts
            .iter()
            .filter_map(|fact| life_of(fact, &self.lives))
            .collect();
        let lasted: Vec<i64> = lives.iter().filter_map(|life| lifetime(life)).collect();
        let standing = facts.len() - lasted.len();
        let longest = lasted.iter().max().map(|millis| l.duration(*millis));
        match (standing, longest) {
            (_, None) => l.text("стоит", "standing"),
            (0, Some(after)) => format!("{} {after}", l.of("удалено через", "deleted after")),
            (standing, Some(_)) => l.of(
                format!("удалено {}, стоит {standing}", lasted.len()),
                format!("{} deleted, {standing} standing", lasted.len()),
            ),
        }
    }

    /// Shows the part of one chat: the person, and how long the message stood there.
    fn life(&self, fact: &Fact) -> Markup {
        let l = self.context.language;
        let chat = String::from_utf8_lossy(fact.chat());
        let life = life_of(fact, &self.lives);
        let fate = match life {
            None => l.text("отправки в журнале нет", "its sending is not in the log"),
            Some(life) => match lifetime(life) {
                Some(millis) => format!("{} {}", l.of("прожило", "lived"), l.duration(millis)),
                None => l.text("стоит", "standing"),
            },
        };
        let edits = life.map_or(0, |life| life.edits.len());
        html! {
            (self.people.chat(self.context, &chat))
            @if self.people.names.chats.contains_key(&*chat) { " " span.leg { (shortened(fact.chat(), 40)) } }
            " · " (l.of("сообщение ", "message ")) code { (shortened(fact.message(), 40)) }
            " · " (fate)
            @if edits > 0 { " · " (l.of("изменено раз: ", "edited, times: ")) (edits) }
        }
    }
}

fn lifetime(life: &MessageLife) -> Option<i64> {
    Some(life.deleted?.since(life.sent?))
}

/// Shows a body, folded with its entry: laid out and without secrets; of a very long one only the beginning.
fn body(context: &PageContext, name: &str, bytes: &[u8]) -> Markup {
    let l = context.language;
    let text = if bytes.len() <= BODY_BYTES_MAX {
        let value = redact::body(bytes);
        let laid = match &value {
            // A body that its writer cut is not JSON; its text is shown as it is.
            serde_json::Value::Object(fields)
                if fields.len() == 1 && fields.contains_key("raw") =>
            {
                fields["raw"].as_str().map(str::to_owned)
            }
            _ => None,
        };
        let laid = laid.unwrap_or_else(|| laid_out(&value));
        let lines: Vec<String> = laid
            .lines()
            .map(|line| sanitise::sanitise(line.as_bytes()).into_owned())
            .collect();
        lines.join("\n")
    } else {
        shortened(bytes, BODY_CHARS_MAX)
    };
    html! {
        p.leg {
            (name)
            @if bytes.len() > BODY_BYTES_MAX {
                " · " (l.of("показано начало; всего ", "only its beginning; in all ")) (l.number(bytes.len() / 1024)) " KiB"
            }
        }
        // A line break right after the tag would be swallowed.
        pre tabindex="0" { (PreEscaped("\n")) (text) }
    }
}

/// Deeply nested values grow many times over when each has its own line.
fn laid_out(value: &serde_json::Value) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    match pretty.len() <= LAID_OUT_BYTES_MAX {
        true => pretty,
        false => value.to_string(),
    }
}
