//! `[[check]]`: the settings of a check, key by key, and the check made of them.

use calltrace_alerts::{Check, CheckHours, Limit, Limits, RuleKind};
use calltrace_model::call::FaultCode;
use calltrace_model::record::Zone;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

use super::Settings;

/// The settings of one check.
#[derive(Debug, Clone, Default)]
pub(super) struct CheckSettings {
    pub(super) rule: Option<RuleKind>,
    pub(super) enterprises: Vec<EnterpriseName>,
    pub(super) hours: Option<CheckHours>,
    pub(super) timezone: Option<Zone>,
    pub(super) after: Option<i64>,
    pub(super) calls: Option<u32>,
    pub(super) percent: Option<u32>,
    pub(super) times: Option<u32>,
    pub(super) over: Option<i64>,
    pub(super) faults: Option<Vec<FaultCode>>,
}

impl CheckSettings {
    /// The check, with defaults for missing settings. An error is the rest of a sentence that begins with its table.
    fn check(&self, name: &str, zone: Zone) -> Result<Check, String> {
        let kind = self
            .rule
            .ok_or("has no rule; add a line such as rule = \"missed_share\"")?;
        let set = [
            (Limit::After, self.after.is_some()),
            (Limit::Calls, self.calls.is_some()),
            (Limit::Percent, self.percent.is_some()),
            (Limit::Times, self.times.is_some()),
            (Limit::Over, self.over.is_some()),
            (Limit::Faults, self.faults.is_some()),
        ];
        let odd = set
            .iter()
            .find(|(limit, is_set)| *is_set && !kind.limits().contains(limit));
        if let Some((limit, _)) = odd {
            let known: Vec<&str> = kind.limits().iter().map(|limit| limit.name()).collect();
            let known = match known.as_slice() {
                [] => "it has no thresholds".to_owned(),
                known => format!("its thresholds are {}", known.join(", ")),
            };
            return Err(format!(
                "has {}, which the rule {} does not use; {known}",
                limit.name(),
                kind.name()
            ));
        }
        let usual = Limits::usual(kind);
        Ok(Check {
            name: name.to_owned(),
            kind,
            enterprises: self.enterprises.clone(),
            hours: self.hours.clone(),
            zone: self.timezone.unwrap_or(zone),
            limits: Limits {
                after_millis: self.after.unwrap_or(usual.after_millis),
                calls: self.calls.unwrap_or(usual.calls),
                percent: self.percent.unwrap_or(usual.percent),
                times: self.times.unwrap_or(usual.times),
                over_millis: self.over.unwrap_or(usual.over_millis),
                faults: self.faults.clone().unwrap_or(usual.faults),
            },
        })
    }
}

impl Settings {
    /// The checks, by name; each rule once with its usual thresholds if the settings have none. `zone` is the zone of
    /// checks without one.
    ///
    /// # Errors
    /// A check without a rule, or with a threshold that its rule does not use.
    pub fn checks(&self, zone: Zone) -> Result<Vec<Check>, Error> {
        if self.check_settings.is_empty() {
            return Ok(Check::all_usual(zone));
        }
        let check = |(name, said): (&String, &CheckSettings)| {
            said.check(name, zone).map_err(|wrong| {
                let mut lines = self.origins.all();
                let of_check = lines.find(|(at, _)| at[0] == "check" && at[1] == *name);
                let place =
                    of_check.map(|(_, said)| format!("{}:{}: ", said.path.display(), said.line));
                Error::Usage(format!(
                    "{}[[check]] {name} {wrong}",
                    place.unwrap_or_default()
                ))
            })
        };
        self.check_settings.iter().map(check).collect()
    }
}
