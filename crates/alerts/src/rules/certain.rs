//! Bounds of a share that was counted from a few calls: the score interval of Wilson.

/// Standard deviations. Chance alone puts a share of 20 calls above its bound in one of 100,000 cases.
pub(super) const CERTAIN: f64 = 4.5;

/// Standard deviations for the usual share, which is known from many calls.
pub(super) const LIKELY: f64 = 2.0;

/// The share that is certainly reached: `part` of `all` were counted. 0 if none were.
pub(super) fn at_least(part: u32, all: u32) -> f64 {
    wilson(part, all, -CERTAIN)
}

/// The share that is hardly exceeded; 1 for nothing counted.
pub(super) fn at_most(part: u32, all: u32) -> f64 {
    wilson(part, all, LIKELY)
}

/// The share itself; 0 for nothing counted.
pub(super) fn share(part: u32, all: u32) -> f64 {
    match all {
        0 => 0.0,
        _ => f64::from(part) / f64::from(all),
    }
}

/// One bound of the interval, `deviations` away from the middle.
fn wilson(part: u32, all: u32, deviations: f64) -> f64 {
    if all == 0 {
        return if deviations < 0.0 { 0.0 } else { 1.0 };
    }
    let (n, p, square) = (f64::from(all), share(part, all), deviations * deviations);
    let spread = (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
    ((p + square / (2.0 * n) + deviations * spread) / (1.0 + square / n)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_wilson() {
        let near = |got: f64, want: f64| assert!((got - want).abs() < 5e-4, "{got} {want}");
        // Published for 95 percent: 10 of 20 give 0.299 to 0.701, 0 of 10 give 0 to 0.278.
        near(wilson(10, 20, -1.96), 0.2993);
        near(wilson(10, 20, 1.96), 0.7007);
        near(wilson(0, 10, -1.96), 0.0);
        near(wilson(0, 10, 1.96), 0.2775);
        near(at_least(0, 0), 0.0);
        near(at_most(0, 0), 1.0);
        assert!(at_least(12, 20) < 0.2 && at_least(14, 20) > 0.2);
    }
}
