//! One question to the metadata service: its address, and the name in its answer.
//!
//! Where the service knows no name it makes one up of the id. Such a text is no name: a page says
//! it in its own words.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value;

use super::super::{Names, Wanted};
use super::Known;
use calltrace_store::tree::EnterpriseName;

/// Signs that stand in a part of a path as they are.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Nobody's id is longer (bytes); what is, is an invention of somebody who sends events.
const ID_BYTES_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    kind: Kind,
    enterprise: EnterpriseName,
    id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Extension,
    Line,
    Client,
}

impl Question {
    /// Those of a page. Ids that can't stand in an address are not asked for.
    pub(super) fn all(number: &EnterpriseName, wanted: &Wanted) -> Vec<Question> {
        let kinds = [
            (Kind::Extension, &wanted.extensions),
            (Kind::Line, &wanted.lines),
            (Kind::Client, &wanted.clients),
        ];
        let pairs = kinds.into_iter();
        let pairs = pairs.flat_map(|(kind, ids)| ids.iter().map(move |id| (kind, id)));
        pairs
            .filter(|(_, id)| {
                // Dots alone mean folders, however they are encoded.
                let folder = id.bytes().all(|b| b == b'.');
                !folder && id.len() <= ID_BYTES_MAX
            })
            .map(|(kind, id)| Question {
                kind,
                enterprise: number.clone(),
                id: id.clone(),
            })
            .collect()
    }

    /// Where it is asked; `base` ends with `/`.
    pub(super) fn url(&self, base: &Url) -> Url {
        let id = utf8_percent_encode(&self.id, IN_PATH);
        let path = match self.kind {
            Kind::Extension => format!("metadata/{}/manager/{id}", self.enterprise),
            Kind::Line => format!("metadata/{}/line/{id}", self.enterprise),
            Kind::Client => format!("customer-name/{}/{id}", self.enterprise),
        };
        base.join(&path).expect("a relative path of safe signs")
    }

    /// The name in an answer; `None` where the service has none.
    pub(super) fn name(&self, answer: &Value) -> Option<String> {
        let (fields, invented): (&[&str], _) = match self.kind {
            Kind::Extension => (&["full_name", "short_name"], format!("Доб.{}", self.id)),
            Kind::Line => (&["name"], format!("Линия{}", self.id)),
            Kind::Client => (&["name"], "Неизвестный".to_owned()),
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

    /// Puts a name where it belongs. Gives back whether the question was answered at all.
    pub(super) fn put(&self, known: &Known, names: &mut Names) -> bool {
        let into = match self.kind {
            Kind::Extension => &mut names.extensions,
            Kind::Line => &mut names.lines,
            Kind::Client => &mut names.clients,
        };
        if let Known::Name(name) = known {
            into.insert(self.id.clone(), name.clone());
        }
        !matches!(known, Known::Failed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(kind: Kind, id: &str) -> Question {
        Question {
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
            let url = question(Kind::Extension, id).url(&base);
            let path = format!("/api/metadata/0367/manager/{place}");
            assert_eq!(
                (url.path(), url.query(), url.fragment()),
                (&*path, None, None)
            );
            assert_eq!(url.host_str(), Some("localhost"));
        }
        let wanted = Wanted {
            lines: ["", ".", "..", "1"].map(str::to_owned).into(),
            extensions: ["1".repeat(65)].into(),
            ..Wanted::default()
        };
        let asked = Question::all(&EnterpriseName::new("0367").expect("a name"), &wanted);
        assert_eq!(asked, [question(Kind::Line, "1")]);
    }

    #[test]
    fn a_name_made_up_of_the_id_is_none() {
        let manager = question(Kind::Extension, "151");
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
        let line = question(Kind::Line, "0001363");
        assert_eq!(line.name(&json!({"name": "Линия 0001363"})), None);
        assert_eq!(
            line.name(&json!({"name": "Линия 1"})),
            Some("Линия 1".into())
        );
        let client = question(Kind::Client, "375290000000");
        assert_eq!(client.name(&json!({"name": "Неизвестный"})), None);
        assert_eq!(client.name(&json!({"name": 7})), None);
    }
}
