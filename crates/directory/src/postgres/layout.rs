//! The tables and columns of the database, and the statements that they allow.
//!
//! Schemas differ between installations: Telegram names are in one of two tables, and columns come and go. A missing
//! table costs only its own names. The statements consist of words of this file only; a value from a log is always a
//! parameter. Ids are compared as text, because a column may be a number in one installation and text in another. These
//! tables have one row per person, so no index is missed.

use std::collections::{BTreeMap, BTreeSet};

/// The columns of the tables in `$1`.
pub(super) const COLUMNS: &str = "\
    SELECT table_name::text, column_name::text FROM information_schema.columns \
    WHERE table_schema::text = ANY (current_schemas(false)::text[]) AND table_name::text = ANY ($1::text[])";

/// The tables that are used.
pub(super) const TABLES: [&str; 8] = [
    "enterprises",
    "calls",
    "call_events",
    "telegram_users",
    "users",
    "user_internal_phones",
    "gsm_lines",
    "sip_unit",
];

/// The statements that this database allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// `$1` a number -> title, secret, whether it is active.
    pub(super) enterprise: Option<String>,
    /// `$1` a name or a Token -> numbers.
    pub(super) numbers: Option<String>,
    /// `$1` ids, `$2` a number -> the ids that are the owner's chat.
    pub(super) owners: Option<String>,
    /// Ids -> names and e-mails of chats, the better source first.
    pub(super) chats: Vec<NameLookup>,
    /// Ids -> names of extensions.
    pub(super) extensions: Option<NameLookup>,
    /// Ids -> names of lines, the better source first.
    pub(super) lines: Vec<NameLookup>,
    /// Ids of calls -> addresses and `uuid_token`s of recordings.
    pub(super) recordings: Option<NameLookup>,
    /// `$1`, `$2` first and last time (milliseconds since 1970 UTC), `$3` Tokens, `$4` how many rows at most -> id,
    /// time, type, source and body of events, in the order of time.
    pub(super) events: Option<String>,
}

/// `$1` ids -> an id and a name per row, and a third value if there is one: for a chat its e-mail, which serves as its
/// name when no table has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameLookup {
    pub(super) text: String,
    /// Whether there is a `$2`, the enterprise's number.
    pub(super) of_enterprise: bool,
}

impl Layout {
    /// Builds it from pairs of a table and a column.
    pub(super) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Layout {
        let mut columns = TableColumns::default();
        for (table, column) in pairs {
            columns.0.entry(table).or_default().insert(column);
        }
        let chats = [telegram_users(&columns), users(&columns)];
        let lines = ["gsm_lines", "sip_unit"].map(|table| lines(&columns, table));
        Layout {
            enterprise: enterprise(&columns),
            numbers: numbers(&columns),
            owners: owners(&columns),
            chats: chats.into_iter().flatten().collect(),
            extensions: extensions(&columns),
            lines: lines.into_iter().flatten().collect(),
            recordings: recordings(&columns),
            events: events(&columns),
        }
    }
}

#[derive(Default)]
struct TableColumns(BTreeMap<String, BTreeSet<String>>);

impl TableColumns {
    fn has(&self, table: &str, column: &str) -> bool {
        let columns = self.0.get(table);
        columns.is_some_and(|columns| columns.contains(column))
    }

    /// The first and last name of a row of `table`, joined.
    fn full_name(&self, table: &str) -> Option<String> {
        let parts = ["first_name", "last_name"];
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|part| self.has(table, part))
            .map(|part| format!("{table}.{part}"))
            .collect();
        (!parts.is_empty()).then(|| format!("concat_ws(' ', {})", parts.join(", ")))
    }

    /// A column of a row of `table` as text; NULL if the column does not exist.
    fn text(&self, table: &str, column: &str) -> String {
        match self.has(table, column) {
            true => format!("btrim({table}.{column}::text)"),
            false => "NULL::text".to_owned(),
        }
    }

    /// The name and the e-mail of a row of `table`, if it has at least one of them.
    fn name_and_email(&self, table: &str) -> Option<String> {
        let name = self.full_name(table);
        (name.is_some() || self.has(table, "email")).then(|| {
            let name = name.unwrap_or_else(|| "NULL::text".to_owned());
            format!("{name}, {}", self.text(table, "email"))
        })
    }

    /// A condition that the row of `table` belongs to the enterprise.
    fn scope(&self, table: &str) -> Option<String> {
        let scope = || format!(" AND {table}.enterprise_number::text = $2::text");
        self.has(table, "enterprise_number").then(scope)
    }
}

fn enterprise(columns: &TableColumns) -> Option<String> {
    let has = |column| columns.has("enterprises", column);
    if !has("number") {
        return None;
    }
    let text = |column: &'static str| match has(column) {
        true => format!("{column}::text"),
        false => "NULL::text".to_owned(),
    };
    // `is_enabled` is used only if `active` does not exist. With both, it says whether the bot runs, and a bot that
    // was switched off must not close the pages of old calls.
    let active = match ["active", "is_enabled"]
        .into_iter()
        .find(|column| has(column))
    {
        Some(column) => format!("coalesce({column}::boolean, true)"),
        None => "true".to_owned(),
    };
    let (title, secret) = (text("name"), text("secret"));
    Some(format!(
        "SELECT {title}, {secret}, {active} FROM enterprises WHERE number::text = $1::text LIMIT 1"
    ))
}

/// `name2` holds the Token of events. Tokens are compared with their case.
fn numbers(columns: &TableColumns) -> Option<String> {
    let has = |column| columns.has("enterprises", column);
    let conditions = [
        ("name", "lower(btrim(name::text)) = lower(btrim($1::text))"),
        ("name2", "btrim(name2::text) = btrim($1::text)"),
    ];
    let conditions: Vec<_> = conditions
        .into_iter()
        .filter_map(|(column, condition)| has(column).then_some(condition))
        .collect();
    (has("number") && !conditions.is_empty()).then(|| {
        let any = conditions.join(" OR ");
        format!("SELECT number::text FROM enterprises WHERE {any} ORDER BY 1 LIMIT 10")
    })
}

fn owners(columns: &TableColumns) -> Option<String> {
    let both = ["number", "chat_id"].map(|column| columns.has("enterprises", column));
    both.iter().all(|has| *has).then(|| {
        "SELECT btrim(chat_id::text), NULL::text FROM enterprises \
         WHERE btrim(chat_id::text) = ANY ($1::text[]) AND number::text = $2::text"
            .to_owned()
    })
}

/// A chat has one row here, even if it belongs to several enterprises, so there is no condition on the enterprise.
fn telegram_users(columns: &TableColumns) -> Option<NameLookup> {
    let name = columns.name_and_email("telegram_users")?;
    columns.has("telegram_users", "tg_id").then(|| NameLookup {
        text: format!(
            "SELECT tg_id::text, {name} FROM telegram_users \
             WHERE tg_id::text = ANY ($1::text[]) ORDER BY 1, 2"
        ),
        of_enterprise: false,
    })
}

fn users(columns: &TableColumns) -> Option<NameLookup> {
    let name = columns.name_and_email("users")?;
    let scope = columns.scope("users");
    columns.has("users", "telegram_tg_id").then(|| NameLookup {
        text: format!(
            "SELECT telegram_tg_id::text, {name} FROM users \
             WHERE telegram_tg_id::text = ANY ($1::text[]){} ORDER BY 1, 2",
            scope.as_deref().unwrap_or_default()
        ),
        of_enterprise: scope.is_some(),
    })
}

/// Every enterprise has an extension 151. Without a column for the enterprise a row cannot be assigned to one.
fn extensions(columns: &TableColumns) -> Option<NameLookup> {
    let name = columns.full_name("users")?;
    let phones = "user_internal_phones";
    let scope = columns.scope(phones).or_else(|| columns.scope("users"))?;
    let keys = columns.has("users", "id")
        && columns.has(phones, "user_id")
        && columns.has(phones, "phone_number");
    keys.then(|| NameLookup {
        text: format!(
            "SELECT {phones}.phone_number::text, {name} \
             FROM {phones} JOIN users ON users.id = {phones}.user_id \
             WHERE {phones}.phone_number::text = ANY ($1::text[]){scope} ORDER BY 1, 2"
        ),
        of_enterprise: true,
    })
}

/// The log names a line by either of its two ids; `line_id` has priority.
fn lines(columns: &TableColumns, table: &'static str) -> Option<NameLookup> {
    let ids = ["line_id", "internal_id"];
    let mut ids = ids.into_iter().filter(|id| columns.has(table, id));
    let (first, second) = (ids.next()?, ids.next());
    let second = second.map_or(String::new(), |id| format!(", ({table}.{id}::text, 2)"));
    let scope = columns.scope(table);
    columns.has(table, "line_name").then(|| NameLookup {
        text: format!(
            "SELECT ids.id, {table}.line_name::text \
             FROM {table} CROSS JOIN LATERAL \
             (VALUES ({table}.{first}::text, 1){second}) AS ids (id, rank) \
             WHERE ids.id = ANY ($1::text[]){} ORDER BY ids.id, ids.rank, 2",
            scope.as_deref().unwrap_or_default()
        ),
        of_enterprise: scope.is_some(),
    })
}

/// The table is large, and its id has an index.
fn recordings(columns: &TableColumns) -> Option<NameLookup> {
    let has = |column| columns.has("calls", column);
    let is_there = has("unique_id") && (has("call_url") || has("uuid_token"));
    let of_enterprise = has("enterprise_id");
    let scope = match of_enterprise {
        true => " AND calls.enterprise_id::text = $2::text",
        false => "",
    };
    let values = ["call_url", "uuid_token"].map(|column| columns.text("calls", column));
    is_there.then(|| NameLookup {
        text: format!(
            "SELECT calls.unique_id::text, {} FROM calls \
             WHERE calls.unique_id::text = ANY ($1::text[]){scope} ORDER BY 1, 2, 3",
            values.join(", ")
        ),
        of_enterprise,
    })
}

/// A time without a zone is UTC. An event arrived when it was received; without a column for that, when it was
/// stored.
fn events(columns: &TableColumns) -> Option<String> {
    let has = |column| columns.has("call_events", column);
    let times = ["received_timestamp", "event_timestamp", "created_at"];
    let times: Vec<_> = times
        .into_iter()
        .filter(|time| has(time))
        .map(|time| format!("extract(epoch FROM {time})"))
        .collect();
    let id = if has("id") { "id::bigint" } else { "0::bigint" };
    let source = columns.text("call_events", "data_source");
    let is_there = has("event_type") && has("raw_data") && !times.is_empty();
    is_there.then(|| {
        format!(
            "SELECT id, at, event, source, body FROM (SELECT {id} AS id, \
             floor(coalesce({}) * 1000)::bigint AS at, event_type::text AS event, {source} AS source, \
             raw_data::text AS body, raw_data::jsonb ->> 'Token' AS token FROM call_events) AS seen \
             WHERE at BETWEEN $1::bigint AND $2::bigint \
             AND (token IS NULL OR cardinality($3::text[]) = 0 OR token = ANY ($3::text[])) \
             ORDER BY at, id LIMIT $4::bigint",
            times.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(tables: &[(&str, &str)]) -> Layout {
        let pairs = tables.iter().flat_map(|(table, columns)| {
            let columns = columns.split(' ');
            columns.map(|column| ((*table).to_owned(), column.to_owned()))
        });
        Layout::of(pairs)
    }

    #[test]
    fn a_missing_table_loses_only_its_own_names() {
        assert_eq!(layout(&[]), Layout::default());
        let some = layout(&[
            ("enterprises", "number name"),
            ("telegram_users", "id tg_id email"),
            ("users", "id first_name telegram_tg_id enterprise_number"),
            ("sip_unit", "line_name prefix"),
        ]);
        assert!(
            some.enterprise
                .is_some_and(|text| text.contains("NULL::text, true"))
        );
        let numbers = some.numbers.expect("enterprises have names");
        assert!(!numbers.contains("name2"), "{numbers}");
        assert_eq!((some.owners, some.extensions), (None, None));
        assert_eq!((some.chats.len(), some.lines.len()), (2, 0));
        assert!(
            some.chats[0]
                .text
                .contains("NULL::text, btrim(telegram_users.email")
        );
        assert!(some.chats[1].text.contains("FROM users"));
        assert_eq!(some.recordings, None);
    }

    #[test]
    fn extensions_without_a_person_are_not_asked_for() {
        let phones = ("user_internal_phones", "phone_number user_id");
        let nobodys = layout(&[phones, ("users", "id first_name last_name")]);
        assert_eq!(nobodys.extensions, None);
        let somebodys = layout(&[phones, ("users", "id first_name enterprise_number")]);
        assert!(somebodys.extensions.is_some());
    }
}
