//! Bars and shades of block characters.

use crate::style;

/// A bar of `calls`, `missed` of which are missed. The longest bar of the chart stands for `most` calls and has `width`
/// columns. Every number above 0 takes at least one column.
pub(super) fn bar(calls: usize, missed: usize, most: usize, width: usize) -> String {
    let missed_part = length(missed, most, width);
    let all = length(calls, most, width).max(missed_part + usize::from(calls > missed));
    let others = "█".repeat(all - missed_part);
    match missed_part {
        0 => others,
        part => format!("{others}{}", style::bad(&"▒".repeat(part))),
    }
}

/// The columns that `count` takes, if `most` takes `width` columns.
fn length(count: usize, most: usize, width: usize) -> usize {
    match most {
        0 => 0,
        most => ((2 * count * width + most) / (2 * most)).max(usize::from(count > 0)),
    }
}

/// Shades from few to many. No fact is shown by colour alone.
pub(super) const SHADES: [char; 4] = ['░', '▒', '▓', '█'];

/// The shade of `count`, which is at least 1 and at most `most`. The range is divided into four equal parts, and the
/// shade is that of the part: 0 for the lightest, 3 for the darkest.
pub fn shade(count: usize, most: usize) -> usize {
    (count * SHADES.len())
        .div_ceil(most.max(1))
        .clamp(1, SHADES.len())
        - 1
}

/// The smallest and the largest count with this shade; `None` if no count has it.
pub(super) fn range(at: usize, most: usize) -> Option<(usize, usize)> {
    let (least, last) = (at * most / SHADES.len() + 1, (at + 1) * most / SHADES.len());
    (least <= last).then_some((least, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_above_zero_has_a_column() {
        let plain = |calls, missed, most, width| {
            let bar = bar(calls, missed, most, width);
            bar.replace("\u{1b}[31m", "").replace("\u{1b}[39m", "")
        };
        assert_eq!(plain(0, 0, 0, 10), "");
        assert_eq!(plain(0, 0, 9, 10), "");
        assert_eq!(plain(1, 0, 1000, 10), "█");
        assert_eq!(plain(1000, 1, 1000, 10), "█████████▒");
        assert_eq!(plain(2, 1, 1000, 10), "█▒");
        assert_eq!(plain(10, 10, 10, 10), "▒▒▒▒▒▒▒▒▒▒");
        assert_eq!(plain(10, 5, 10, 10), "█████▒▒▒▒▒");
    }

    #[test]
    fn every_count_has_the_shade_of_its_range() {
        for most in 1..50 {
            for count in 1..=most {
                let at = shade(count, most);
                let (least, last) = range(at, most).expect("a number has it");
                assert!((least..=last).contains(&count), "{count} of {most}");
            }
        }
    }
}
