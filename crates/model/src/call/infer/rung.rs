//! Joins legs that only rang to the dial that rang them.

use super::RecordGroup;
use crate::call::fact::{Event, Fact, local_target};
use crate::record::{Stamp, phone};

/// Dial() creates its channels, and then the host's script, which polls five times per second, logs the dial.
/// So a leg that rings is logged up to this long before its dial (milliseconds).
pub(super) const DIAL_LATE_MILLIS: i64 = 3_000;

/// The same script may read the dial before the leg in one round; the leg then follows within this time
/// (milliseconds).
const DIAL_EARLY_MILLIS: i64 = 300;

/// A queue or a hunt group rings further telephones for up to this long after the one dial that was logged
/// (milliseconds): it rings a member again after `timeout` and `retry`, 15 s and 5 s by default.
pub(super) const RINGS_ON_MILLIS: i64 = 30_000;

/// Finds the group that rings the part: it has a dial near the beginning of the part, for a number that the
/// part shows.
pub(super) fn rung_by<'f, K: Ord>(
    part: &RecordGroup<'_>,
    others: impl Iterator<Item = (K, RecordGroup<'f>)>,
) -> Option<(K, String)> {
    let (first, _) = part.profile.times?;
    let shown = ShownNumbers::of(part)?;
    let (_, _, main) = others
        .filter(|(_, m)| m.profile.dial && m.has_token_of(part) && may_dial_near(m, first))
        .filter_map(|(main, m)| {
            let near = |dial: &Fact| {
                let lead = first.since(dial.at);
                let at_once = (-DIAL_LATE_MILLIS..=DIAL_EARLY_MILLIS).contains(&lead);
                let lives = || m.profile.over.is_none_or(|over| over >= first);
                at_once || (DIAL_EARLY_MILLIS..=RINGS_ON_MILLIS).contains(&lead) && lives()
            };
            let dials = m.facts.iter().filter(|f| f.event == Event::Dial);
            let (rank, distance) = dials
                .filter(|dial| near(dial))
                .filter_map(|dial| Some((shown.rank(dial)?, first.since(dial.at).abs())))
                .min()?;
            m.rings_before(part).then_some((rank, distance, main))
        })
        .min()?;
    Some((
        main,
        "rings for the number of a dial at that moment".to_owned(),
    ))
}

/// Whether a record of the group can be a dial near this time: most groups are from another minute.
fn may_dial_near(main: &RecordGroup<'_>, at: Stamp) -> bool {
    main.profile.times.is_some_and(|(first, last)| {
        at.since(first) >= -DIAL_LATE_MILLIS && at.since(last) <= RINGS_ON_MILLIS
    })
}

/// The numbers that a part shows.
struct ShownNumbers<'f> {
    numbers: Vec<&'f [u8]>,
    /// The parties that its Local channel, or the line, was created to ring.
    targets: Vec<&'f [u8]>,
}

impl<'f> ShownNumbers<'f> {
    fn of(part: &RecordGroup<'f>) -> Option<ShownNumbers<'f>> {
        let mut shown = ShownNumbers {
            numbers: Vec::new(),
            targets: Vec::new(),
        };
        for fact in part.facts.iter().filter(|f| f.is_asterisk()) {
            let fields = [fact.caller(), fact.connected(), fact.exten(), fact.phone()];
            let fields = fields.into_iter().chain(fact.extensions());
            shown
                .numbers
                .extend(fields.filter(|field| !field.is_empty()));
            let target = local_target(fact.channel());
            let target = target.or_else(|| Some(fact.caller()).filter(|c| !c.is_empty()));
            shown.targets.extend(target.map(phone::digits_of));
        }
        shown.targets.retain(|target| !target.is_empty());
        (!shown.numbers.is_empty()).then_some(shown)
    }

    /// How well a dial fits, 0 best; `None` when the part shows no number of the dial. The caller's number
    /// and the dialled number together are more certain than either alone.
    fn rank(&self, dial: &Fact) -> Option<u8> {
        let same = |a: &[u8], b: &[u8]| {
            let (a, b) = (phone::digits_of(a), phone::digits_of(b));
            !a.is_empty() && phone::canonical(a) == phone::canonical(b)
        };
        let shows = self.numbers.iter().any(|n| same(n, dial.phone()));
        let by_target = dial
            .extensions()
            .any(|extension| self.targets.iter().any(|target| same(target, extension)));
        let by_number = dial
            .extensions()
            .any(|extension| self.numbers.iter().any(|n| same(n, extension)));
        match (shows, by_target, by_number) {
            (true, true, _) => Some(0),
            (true, _, true) => Some(1),
            (true, ..) => Some(3),
            (_, true, _) => Some(2),
            _ => None,
        }
    }
}
