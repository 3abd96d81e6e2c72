//! The tables and columns of the database, and the statements that write to them.
//!
//! Schemas differ between installations: columns come and go, and a column may be a number in one and text in
//! another. Every value is sent as text and cast to the type of its column. A statement consists of words of this
//! file and names of types.

use std::collections::BTreeMap;

use calltrace_directory::SourceError;
use calltrace_directory::database::{Session, text};

/// Returns the columns of the tables in `$1`, which are looked up in the search path. Types have no length, so that the
/// database refuses a text that is too long instead of cutting it.
const COLUMNS: &str = "\
    SELECT named.name, attribute.attname::text, format_type(attribute.atttypid, NULL) \
    FROM unnest($1::text[]) AS named (name) \
    JOIN pg_attribute AS attribute ON attribute.attrelid = to_regclass(named.name) \
    WHERE attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''";

/// Columns of `calls` that are written, in the order of the parameters.
pub(super) const CALLS: [&str; 18] = [
    "unique_id",
    "enterprise_id",
    "asterisk_host",
    "data_source",
    "token",
    "phone_number",
    "trunk",
    "main_extension",
    "extensions_count",
    "call_type",
    "call_status",
    "timestamp",
    "start_time",
    "end_time",
    "duration",
    "received_timestamp",
    "raw_data",
    "extra_data",
];

/// Columns of `call_participants` and the values written to them, from `fresh` (the call) and `one` (an extension and
/// its index). Their parameters follow those of `calls`.
const PARTICIPANTS: [(&str, &str); 6] = [
    ("call_id", "fresh.id::text"),
    ("extension", "one.extension"),
    ("ring_order", "one.place::text"),
    ("participant_status", "$20::text"),
    ("dial_start", "$21::text"),
    ("hangup_time", "$22::text"),
];

/// The table with one row per enterprise and host.
const STATE: &str = "download_sync";

/// The statements that this database allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statements {
    /// `$1` UniqueIds -> those that exist.
    pub(super) known: String,
    /// `$1` to `$18` as in [`CALLS`], `$19` extensions, `$20` to `$22` as in [`PARTICIPANTS`] -> the number of
    /// inserted calls: 0 or 1.
    pub(super) insert: String,
    /// The statements for the state of hosts.
    pub(super) state: Option<StateStatements>,
}

/// Statements for `download_sync`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StateStatements {
    /// `$1` enterprise, `$2` host: adds a row if there is none.
    pub(super) begin: String,
    /// `$1`, `$2`, `$3` now, `$4` when it succeeded, `$5` when it failed, `$6` new, `$7` errors, `$8` message.
    pub(super) update: String,
    /// -> enterprise, host, last success, total, errors, message.
    pub(super) list: String,
}

impl Statements {
    /// Reads the columns of the database.
    ///
    /// # Errors
    /// When the database does not answer, or has no table `calls` with a column `unique_id`.
    pub(super) async fn of(session: &Session) -> Result<Statements, SourceError> {
        let names: &[&str] = &["calls", "call_participants", STATE];
        let rows = session.rows(COLUMNS, &[&names]).await?;
        let mut columns = ColumnTypes::default();
        for row in rows {
            let [table, column, kind] = [text(&row, 0)?, text(&row, 1)?, text(&row, 2)?];
            let at = (table.unwrap_or_default(), column.unwrap_or_default());
            columns.0.insert(at, kind.unwrap_or_default());
        }
        columns.statements().ok_or_else(|| {
            let what = "it has no table calls with a column unique_id";
            SourceError::Wrong(what.to_owned())
        })
    }
}

/// Types of columns, by table and name.
#[derive(Debug, Default)]
struct ColumnTypes(BTreeMap<(String, String), String>);

impl ColumnTypes {
    fn kind(&self, table: &str, column: &str) -> Option<&str> {
        let kind = self.0.get(&(table.to_owned(), column.to_owned()));
        kind.map(String::as_str)
    }

    /// A text value cast to the type of a column; `None` if the column does not exist.
    fn cast(&self, table: &str, column: &str, value: &str) -> Option<String> {
        let kind = self.kind(table, column)?;
        Some(format!("CAST({value} AS {kind})"))
    }

    fn statements(&self) -> Option<Statements> {
        self.kind("calls", "unique_id")?;
        let has_state = ["enterprise_id", "asterisk_host"];
        let has_state = has_state.map(|column| self.kind(STATE, column).is_some());
        Some(Statements {
            known: "SELECT unique_id::text FROM calls WHERE unique_id = ANY ($1::text[])"
                .to_owned(),
            insert: self.insert(),
            state: (has_state == [true, true]).then(|| self.state()),
        })
    }

    /// One statement for a call and its participants, so that a row costs one round trip. It contains all parameters,
    /// also those of columns that do not exist.
    fn insert(&self) -> String {
        let (mut names, mut values, mut unused) = (Vec::new(), Vec::new(), Vec::new());
        for (at, column) in CALLS.iter().enumerate() {
            let value = format!("${}::text", at + 1);
            match self.cast("calls", column, &value) {
                Some(cast) => {
                    names.push(format!("\"{column}\""));
                    values.push(cast);
                }
                None => unused.push(value),
            }
        }
        let (names, values) = (names.join(", "), values.join(", "));
        let has_id = self.kind("calls", "id").is_some();
        let returned = if has_id { "id" } else { "unique_id" };
        let mut steps = format!(
            "WITH fresh AS (INSERT INTO calls ({names}) VALUES ({values}) \
             ON CONFLICT (unique_id) DO NOTHING RETURNING {returned})"
        );
        let needed = ["call_id", "extension"];
        let needed = needed.map(|column| self.kind("call_participants", column).is_some());
        match has_id && needed == [true, true] {
            true => steps.push_str(&self.participants(&mut unused)),
            false => unused.extend((19..=22).map(parameter)),
        }
        let unused = match unused.is_empty() {
            true => String::new(),
            false => format!(" WHERE coalesce({}, '') IS NOT NULL", unused.join(", ")),
        };
        format!("{steps} SELECT count(*)::text FROM fresh{unused}")
    }

    /// Participants are added with a new call only, so none of them exists yet, with or without a unique constraint.
    fn participants(&self, unused: &mut Vec<String>) -> String {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (column, value) in PARTICIPANTS {
            match self.cast("call_participants", column, value) {
                Some(cast) => {
                    names.push(column);
                    values.push(cast);
                }
                None if value.starts_with('$') => unused.push(value.to_owned()),
                None => {}
            }
        }
        let (names, values) = (names.join(", "), values.join(", "));
        format!(
            ", taken AS (INSERT INTO call_participants ({names}) SELECT {values} \
             FROM fresh, unnest($19::text[]) WITH ORDINALITY AS one (extension, place) \
             ON CONFLICT DO NOTHING)"
        )
    }

    fn state(&self) -> StateStatements {
        let cast = |column: &str, value: &str| self.cast(STATE, column, value);
        let mine = "enterprise_id::text = $1::text AND asterisk_host::text = $2::text";
        let sums = |column: &str, value: &str| {
            cast(column, value).map(|value| format!("{column} = coalesce({column}, 0) + {value}"))
        };
        let kept = |column: &str, value: &str| {
            cast(column, value).map(|value| format!("{column} = coalesce({value}, {column})"))
        };
        let set = |column: &str, value: &str| {
            cast(column, value).map(|value| format!("{column} = {value}"))
        };
        let changes = [
            set("last_check_timestamp", "$3::text"),
            set("updated_at", "$3::text"),
            kept("last_successful_sync", "$4::text"),
            kept("last_failed_sync", "$5::text"),
            sums("total_downloaded_events", "$6::text"),
            sums("failed_events_count", "$7::text"),
            set("last_error_message", "$8::text"),
            // Parameters without a column need a type as well.
            Some("enterprise_id = enterprise_id".to_owned()),
        ];
        let changes: Vec<String> = changes.into_iter().flatten().collect();
        let types: Vec<String> = (3..=8).map(parameter).collect();
        let (enterprise, host) = (
            cast("enterprise_id", "$1::text"),
            cast("asterisk_host", "$2::text"),
        );
        let (enterprise, host) = (enterprise.unwrap_or_default(), host.unwrap_or_default());
        let column = |column: &str| match self.kind(STATE, column) {
            Some(_) => format!("{column}::text"),
            None => "NULL::text".to_owned(),
        };
        let listed = [
            "enterprise_id",
            "asterisk_host",
            "last_successful_sync",
            "total_downloaded_events",
            "failed_events_count",
            "last_error_message",
        ];
        StateStatements {
            begin: format!(
                "INSERT INTO {STATE} (enterprise_id, asterisk_host) SELECT {enterprise}, {host} \
                 WHERE NOT EXISTS (SELECT FROM {STATE} WHERE {mine}) ON CONFLICT DO NOTHING"
            ),
            update: format!(
                "UPDATE {STATE} SET {} WHERE {mine} AND coalesce({}, '') IS NOT NULL",
                changes.join(", "),
                types.join(", ")
            ),
            list: format!(
                "SELECT {} FROM {STATE} ORDER BY 1, 2",
                listed.map(column).join(", ")
            ),
        }
    }
}

/// A parameter and its type.
fn parameter(number: usize) -> String {
    match number {
        19 => "array_to_string($19::text[], '')".to_owned(),
        number => format!("${number}::text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(tables: &[(&str, &str)]) -> ColumnTypes {
        let mut columns = ColumnTypes::default();
        for (table, list) in tables {
            for column in list.split(' ') {
                let (column, kind) = column.split_once(':').unwrap_or((column, "text"));
                let at = ((*table).to_owned(), column.to_owned());
                columns.0.insert(at, kind.to_owned());
            }
        }
        columns
    }

    #[test]
    fn a_statement_names_only_columns_that_are_there() {
        let few = columns(&[("calls", "unique_id duration:integer")]);
        let statements = few.statements().expect("there are calls");
        assert!(
            statements
                .insert
                .contains("(\"unique_id\", \"duration\") VALUES (CAST($1::text AS text), CAST($15::text AS integer))"),
            "{}",
            statements.insert
        );
        assert!(!statements.insert.contains("call_participants"));
        // Each parameter has a type; the server could not infer it otherwise.
        for number in 1..=22 {
            assert!(
                statements.insert.contains(&format!("${number}::text")),
                "{number}"
            );
        }
        assert_eq!(statements.state, None);
        assert_eq!(columns(&[("calls", "id uuid")]).statements(), None);
    }

    #[test]
    fn participants_are_written_only_with_the_id_of_their_call() {
        let of = |calls: &str, participants: &str| {
            let all = columns(&[("calls", calls), ("call_participants", participants)]);
            let statements = all.statements().expect("there are calls");
            statements.insert.contains("INSERT INTO call_participants")
        };
        assert!(of("id:integer unique_id", "call_id:integer extension"));
        assert!(!of("unique_id", "call_id:integer extension"));
        assert!(!of("id:integer unique_id", "call_id:integer"));
    }
}
