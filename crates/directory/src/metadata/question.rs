//! One question to the metadata service: its address, and the name in its answer.
//!
//! When the service knows no name it makes one up from the id. Such a text is dropped: a page has its own words for
//! it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value;

use super::super::{NameQuery, Names};
use super::CachedAnswer;
use calltrace_store::tree::EnterpriseName;

/// Characters that a part of a path may hold unencoded.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// No real id is longer (bytes). A longer one was made up by a sender of events.
const ID_BYTES_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ServiceQuestion {
    kind: NameKind,
    enterprise: EnterpriseName,
    id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum NameKind {
    Extension,
    Line,
    Client,
}

impl ServiceQuestion {
    /// The questions of a page. Ids that cannot be part of an address are not asked for.
    pub(super) fn all(number: &EnterpriseName, wanted: &NameQuery) -> Vec<ServiceQuestion> {
        let kinds = [
            (NameKind::Extension, &wanted.extensions),
            (NameKind::Line, &wanted.lines),
            (NameKind::Client, &wanted.clients),
        ];
        let pairs = kinds.into_iter();
        let pairs = pairs.flat_map(|(kind, ids)| ids.iter().map(move |id| (kind, id)));
        pairs
            .filter(|(_, id)| {
                // Dots alone mean folders, in any encoding.
                let folder = id.bytes().all(|b| b == b'.');
                !folder && id.len() <= ID_BYTES_MAX
            })
            .map(|(kind, id)| ServiceQuestion {
                kind,
                enterprise: number.clone(),
                id: id.clone(),
            })
            .collect()
    }

    /// The address of the question. `base` ends with `/`.
    pub(super) fn url(&self, base: &Url) -> Url {
        let id = utf8_percent_encode(&self.id, IN_PATH);
        let path = match self.kind {
            NameKind::Extension => format!("metadata/{}/manager/{id}", self.enterprise),
            NameKind::Line => format!("metadata/{}/line/{id}", self.enterprise),
            NameKind::Client => format!("customer-name/{}/{id}", self.enterprise),
        };
        base.join(&path).expect("a relative path of safe signs")
    }

    /// The name in an answer; `None` if the service has none.
    pub(super) fn name(&self, answer: &Value) -> Option<String> {
        let (fields, invented): (&[&str], _) = match self.kind {
            NameKind::Extension => (&["full_name", "short_name"], format!("Доб.{}", self.id)),
            NameKind::Line => (&["name"], format!("Линия{}", self.id)),
            NameKind::Client => (&["name"], "Неизвестный".to_owned()),
        };
        let names = fields
            .iter()
            .filter_map(|field| answer.get(field)?.as_str());
        let mut names = names.filter(|name| {
            let bare: String = name.split_whitespace().collect();
            !bare.is_empty() && bare != invented
        });
        names.next().map(str::to_owned)
    }

    /// Stores the name of an answer in `names`. Returns whether the question was answered.
    pub(super) fn put(&self, known: &CachedAnswer, names: &mut Names) -> bool {
        let into = match self.kind {
            NameKind::Extension => &mut names.extensions,
            NameKind::Line => &mut names.lines,
            NameKind::Client => &mut names.clients,
        };
        if let CachedAnswer::Name(name) = known {
            into.insert(self.id.clone(), name.clone());
        }
        !matches!(known, CachedAnswer::Failed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(kind: NameKind, id: &str) -> ServiceQuestion {
        ServiceQuestion {
            kind,
            enterprise: EnterpriseName::new("0367").expect("a name"),
            id: id.to_owned(),
        }
    }

    #[test]
    fn an_id_never_leaves_its_place_in_the_address() {
        let base = Url::parse("http://localhost:8020/api/").expect("an address");
        for (id, place) in [
            ("151", "151"),
            ("../x", "%2E%2E%2Fx"),
            ("a?b#c%d", "a%3Fb%23c%25d"),
            ("я", "%D1%8F"),
        ] {
            let url = question(NameKind::Extension, id).url(&base);
            let path = format!("/api/metadata/0367/manager/{place}");
            assert_eq!(
                (url.path(), url.query(), url.fragment()),
                (&*path, None, None)
            );
            assert_eq!(url.host_str(), Some("localhost"));
        }
        let wanted = NameQuery {
            lines: ["", ".", "..", "1"].map(str::to_owned).into(),
            extensions: ["1".repeat(65)].into(),
            ..NameQuery::default()
        };
        let asked = ServiceQuestion::all(&EnterpriseName::new("0367").expect("a name"), &wanted);
        assert_eq!(asked, [question(NameKind::Line, "1")]);
    }

    #[test]
    fn a_name_made_up_of_the_id_is_none() {
        let manager = question(NameKind::Extension, "151");
        let name = |answer| manager.name(&answer);
        assert_eq!(
            name(json!({"full_name": "Анна Ким", "short_name": "Анна"})),
            Some("Анна Ким".into())
        );
        assert_eq!(
            name(json!({"full_name": "Доб.151", "short_name": "Анна"})),
            Some("Анна".into())
        );
        assert_eq!(
            name(json!({"full_name": " ", "short_name": "Доб. 151"})),
            None
        );
        assert_eq!(name(json!({"full_name": null})), None);
        assert_eq!(name(json!(["full_name"])), None);
        let line = question(NameKind::Line, "0001363");
        assert_eq!(line.name(&json!({"name": "Линия 0001363"})), None);
        assert_eq!(
            line.name(&json!({"name": "Линия 1"})),
            Some("Линия 1".into())
        );
        let client = question(NameKind::Client, "375290000000");
        assert_eq!(client.name(&json!({"name": "Неизвестный"})), None);
        assert_eq!(client.name(&json!({"name": 7})), None);
    }
}
