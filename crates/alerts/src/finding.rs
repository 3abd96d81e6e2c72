//! A finding: which rule it breaks, where, since when, and the figures that show it.

use chrono::{DateTime, Utc};

use calltrace_store::tree::EnterpriseName;

/// The kinds of rules. The names in [`RuleKind::name`] are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKind {
    /// The share of missed calls is far above that of the same hours of past weeks.
    MissedShare,
    /// An enterprise from which calls usually come at this hour has none.
    Silent,
    /// A client was not called back in time after a missed call.
    NotCalledBack,
    /// Calls have no hangup after hours.
    NoHangup,
    /// The share of calls with a fault is too high.
    CallFaults,
    /// The share of failed requests to a host is too high.
    FailedRequests,
    /// Requests to a host take too long.
    SlowRequests,
    /// The service that names come from is away, its cache is empty, or its last refresh is old.
    NameService,
    /// Events that a host sent have not arrived.
    MissingEvents,
    /// A problem that `calltrace doctor` reports.
    Doctor,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertSeverity {
    /// Worth looking at today.
    Warning,
    /// Clients or events are being lost now.
    Critical,
}

/// What a finding is about, apart from its enterprise. Names in [`ScopePart::kind`] are stable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopePart {
    /// A host to which requests are made, with its port.
    Host(String),
    /// A kind of fault of calls, as in `faults[]`.
    Fault(String),
    /// The outside number of a client, digits only.
    Client(String),
    /// A source of names, and what is wrong with it.
    Service(String),
    /// A host with journals, as the settings name it.
    Sender(String),
    /// A code of `calltrace doctor`.
    Code(String),
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The enterprise; `None` for the tree as a whole.
    pub enterprise: Option<EnterpriseName>,
    /// The part of it; `None` for the whole enterprise.
    pub part: Option<ScopePart>,
}

/// The value of a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum FigureValue {
    /// A number of calls, requests or events.
    Count(u64),
    /// A part of a whole, 0 to 1.
    Share(f64),
    /// How many times as much as usual.
    Factor(f64),
    /// A length of time (milliseconds).
    Millis(i64),
    /// Text; it may come from a log.
    Text(String),
    /// An outside number, digits only, which a channel may have to mask.
    Phone(String),
}

/// A figure under a name that is stable.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingFigure {
    /// The name in JSON, such as `missed`.
    pub name: &'static str,
    /// The value.
    pub value: FigureValue,
}

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckFinding {
    /// The name of the check in the settings.
    pub rule: String,
    /// The kind of rule that it applies.
    pub kind: RuleKind,
    /// How much it matters.
    pub severity: AlertSeverity,
    /// What it is about.
    pub scope: Scope,
    /// Since when the rule is broken.
    pub since: DateTime<Utc>,
    /// What was counted and measured, in the order in which it is shown.
    pub figures: Vec<FindingFigure>,
    /// Addresses of pages of calls that show it, valid for one day; empty without a public address of the pages.
    pub links: Vec<String>,
}

impl RuleKind {
    /// All kinds, in the order in which findings are listed.
    pub const ALL: [RuleKind; 10] = [
        RuleKind::MissedShare,
        RuleKind::Silent,
        RuleKind::NotCalledBack,
        RuleKind::NoHangup,
        RuleKind::CallFaults,
        RuleKind::FailedRequests,
        RuleKind::SlowRequests,
        RuleKind::NameService,
        RuleKind::MissingEvents,
        RuleKind::Doctor,
    ];

    /// The name in settings, JSON and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            RuleKind::MissedShare => "missed_share",
            RuleKind::Silent => "silent",
            RuleKind::NotCalledBack => "not_called_back",
            RuleKind::NoHangup => "no_hangup",
            RuleKind::CallFaults => "call_faults",
            RuleKind::FailedRequests => "failed_requests",
            RuleKind::SlowRequests => "slow_requests",
            RuleKind::NameService => "name_service",
            RuleKind::MissingEvents => "missing_events",
            RuleKind::Doctor => "doctor",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<RuleKind> {
        RuleKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl AlertSeverity {
    /// The name in JSON and in labels.
    pub const fn name(self) -> &'static str {
        match self {
            AlertSeverity::Warning => "warning",
            AlertSeverity::Critical => "critical",
        }
    }
}

impl ScopePart {
    /// What kind of part it is, as in JSON and in labels.
    pub fn kind(&self) -> &'static str {
        match self {
            ScopePart::Host(_) => "host",
            ScopePart::Fault(_) => "fault",
            ScopePart::Client(_) => "client",
            ScopePart::Service(_) => "service",
            ScopePart::Sender(_) => "sender",
            ScopePart::Code(_) => "code",
        }
    }

    /// The part of this kind and name; `None` for an unknown kind.
    pub(crate) fn of(kind: &str, value: &str) -> Option<ScopePart> {
        let all = [
            ScopePart::Host,
            ScopePart::Fault,
            ScopePart::Client,
            ScopePart::Service,
            ScopePart::Sender,
            ScopePart::Code,
        ];
        let mut all = all.into_iter().map(|make| make(value.to_owned()));
        all.find(|part| part.kind() == kind)
    }

    /// Its name.
    pub fn value(&self) -> &str {
        match self {
            ScopePart::Host(value)
            | ScopePart::Fault(value)
            | ScopePart::Client(value)
            | ScopePart::Service(value)
            | ScopePart::Sender(value)
            | ScopePart::Code(value) => value,
        }
    }
}

/// What the value of a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureType {
    Count,
    Share,
    Factor,
    Millis,
    Text,
    Phone,
}

impl FindingFigure {
    /// All figures: the name, what its value is, and what it means.
    pub const ALL: &[(&str, FigureType, &str)] = &[
        ("missed", FigureType::Count, "missed calls"),
        ("calls", FigureType::Count, "calls that were counted"),
        (
            "share",
            FigureType::Share,
            "the counted part of all, 0 to 1",
        ),
        (
            "usual_share",
            FigureType::Share,
            "the same part on comparable days",
        ),
        (
            "times_usual",
            FigureType::Factor,
            "how many times the usual share it is",
        ),
        ("days", FigureType::Count, "comparable days"),
        ("silent", FigureType::Millis, "how long no call came"),
        (
            "usual_calls",
            FigureType::Count,
            "calls that come in this time on comparable days",
        ),
        ("client", FigureType::Phone, "the number of the client"),
        (
            "waiting",
            FigureType::Millis,
            "how long ago the first missed call came",
        ),
        (
            "oldest",
            FigureType::Millis,
            "how long ago the oldest call began",
        ),
        ("faulty", FigureType::Count, "calls with the fault"),
        ("failed", FigureType::Count, "requests that failed"),
        (
            "slow",
            FigureType::Count,
            "requests that took longer than `over`",
        ),
        ("requests", FigureType::Count, "requests that were counted"),
        ("over", FigureType::Millis, "the threshold of slow requests"),
        (
            "within",
            FigureType::Millis,
            "the time in which calls were counted",
        ),
        ("missing", FigureType::Count, "events that did not arrive"),
        ("events", FigureType::Count, "events that were counted"),
        (
            "unread",
            FigureType::Millis,
            "how long ago journals were last compared",
        ),
        ("reason", FigureType::Text, "what is wrong, in English"),
    ];

    /// The name as a constant, and the type; `None` if no figure has this name.
    pub fn known(name: &str) -> Option<(&'static str, FigureType)> {
        let known = FindingFigure::ALL
            .iter()
            .find(|(known, _, _)| *known == name);
        known.map(|(known, of, _)| (*known, *of))
    }
}

impl CheckFinding {
    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<&FigureValue> {
        let figure = self.figures.iter().find(|figure| figure.name == name);
        figure.map(|figure| &figure.value)
    }

    /// The identity of the finding, the same in each run in which it is found: check, enterprise and part. It may hold
    /// the number of a client.
    pub fn key(&self) -> String {
        CheckFinding::key_of(&self.rule, &self.scope)
    }

    /// The key of a finding of this check about a scope.
    pub(crate) fn key_of(rule: &str, scope: &Scope) -> String {
        let enterprise = scope.enterprise.as_ref();
        let enterprise = enterprise.map_or("*", EnterpriseName::as_str);
        match &scope.part {
            None => format!("{rule}/{enterprise}"),
            Some(part) => format!("{rule}/{enterprise}/{}/{}", part.kind(), part.value()),
        }
    }
}
