//! A strict reader of Prometheus's text format 0.0.4: it fails where a lenient reader would not.

use std::collections::{BTreeMap, BTreeSet};

/// A page of metrics: samples by name and labels, with their values as they were written.
pub(crate) struct Exposition(BTreeMap<(String, String), f64>);

impl Exposition {
    /// Reads a page.
    ///
    /// # Panics
    /// Panics where the page breaks the format: a family without HELP and TYPE before its samples, a
    /// family in two places, a sample that occurs twice, a wrong name, label or value, a histogram that
    /// does not add up, no newline at the end.
    pub(crate) fn read(text: &str) -> Exposition {
        assert!(text.ends_with('\n'), "no newline at the end");
        let mut reader = Reader::default();
        text.lines().for_each(|line| reader.line(line));
        reader.check_histograms();
        Exposition(reader.samples)
    }

    pub(crate) fn value(&self, name: &str, labels: &str) -> Option<f64> {
        self.0.get(&(name.to_owned(), labels.to_owned())).copied()
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|(_, labels)| labels.as_str())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Default)]
struct Reader {
    helped: Option<String>,
    /// Name and type of the current family.
    family: Option<(String, String)>,
    families: BTreeSet<String>,
    samples: BTreeMap<(String, String), f64>,
    /// The bounds and counts of each histogram, in order, by its labels without `le`.
    buckets: BTreeMap<(String, String), Vec<(f64, f64)>>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect("a text");
            assert!(is_name(name) && !text.is_empty(), "{line}");
            assert!(self.families.insert(name.to_owned()), "twice: {name}");
            self.helped = Some(name.to_owned());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(self.helped.as_deref(), Some(name), "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            self.family = Some((name.to_owned(), kind.to_owned()));
        } else {
            self.sample(line);
        }
    }

    fn sample(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}').expect("a closing brace")),
            None => (series, ""),
        };
        assert!(is_name(name), "{line}");
        let value: f64 = value.parse().expect("a number");
        let (family, kind) = self.family.as_ref().expect("a family");
        let part = name.strip_prefix(family.as_str()).expect("its own family");
        let parts: &[&str] = match kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(parts.contains(&part), "{line}");
        assert!(kind == "gauge" || value >= 0.0, "{line}");
        let pairs = pairs(labels);
        if part == "_bucket" {
            let (others, bound): (Vec<_>, Vec<_>) = pairs.iter().partition(|(key, _)| key != "le");
            let [(_, bound)] = bound.as_slice() else {
                panic!("one bound: {line}");
            };
            let bound = bound.replace("+Inf", "inf").parse().expect("a bound");
            let others: Vec<_> = others.iter().map(|(k, v)| format!("{k}=\"{v}\"")).collect();
            let key = (family.clone(), others.join(","));
            self.buckets.entry(key).or_default().push((bound, value));
        }
        let key = (name.to_owned(), labels.to_owned());
        assert!(self.samples.insert(key, value).is_none(), "twice: {line}");
    }

    fn check_histograms(&self) {
        for ((family, labels), buckets) in &self.buckets {
            let grows = |pair: &[(f64, f64)]| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1;
            assert!(buckets.windows(2).all(grows), "{family} {labels}");
            let (last, count) = *buckets.last().expect("a bucket");
            assert_eq!(last, f64::INFINITY, "{family} {labels}");
            let key = (format!("{family}_count"), labels.clone());
            assert_eq!(self.samples.get(&key), Some(&count), "{family} {labels}");
        }
    }
}

/// Splits labels and their values; the values of this program need no escape.
fn pairs(labels: &str) -> Vec<(String, String)> {
    let mut rest = labels;
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (key, more) = rest.split_once("=\"").expect("a value in quotes");
        let (value, more) = more.split_once('"').expect("its end");
        assert!(is_name(key) && !key.contains(':'), "{labels}");
        assert!(!value.contains('\\'), "{labels}");
        pairs.push((key.to_owned(), value.to_owned()));
        rest = more.strip_prefix(',').unwrap_or(more);
    }
    let keys: BTreeSet<_> = pairs.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), pairs.len(), "a label twice: {labels}");
    pairs
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(plain)
}
