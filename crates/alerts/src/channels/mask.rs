//! Numbers of clients in a notice, masked.

use std::borrow::Cow;

use crate::finding::{CheckFinding, FigureValue, ScopePart};
use crate::json::masked as masked_number;
use crate::notice::AlertNotice;

/// The notice as it is shown; with `mask_phones` it has only the last digits of clients' numbers, so that its texts hold no
/// more either.
pub(super) fn shown(notice: &AlertNotice, mask_phones: bool) -> Cow<'_, AlertNotice> {
    if !mask_phones {
        return Cow::Borrowed(notice);
    }
    let mut notice = notice.clone();
    let resolved = notice.resolved.iter_mut().map(|over| &mut over.finding);
    for finding in notice.firing.iter_mut().chain(resolved) {
        mask(finding);
    }
    Cow::Owned(notice)
}

fn mask(finding: &mut CheckFinding) {
    if let Some(ScopePart::Client(number)) = &mut finding.scope.part {
        *number = masked_number(number);
    }
    for figure in &mut finding.figures {
        if let FigureValue::Phone(number) = &mut figure.value {
            *number = masked_number(number);
        }
    }
}
