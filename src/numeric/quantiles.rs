//! Quantiles of a sample.

/// Quantile `p` in [0, 1] of rising values, linear between order statistics (Hyndman and Fan 1996,
/// type 7, as in R and NumPy). Infinite values are allowed; of an empty sample it is NaN.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = p.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = position - below as f64;
    // inf - inf and 0 inf have no value
    if a == b || part == 0.0 { a } else { a + part * (b - a) }
}

/// Ends of the central interval that holds `level` of the values, which are sorted in place.
pub fn central(values: &mut [f64], level: f64) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    (quantile(values, tail), quantile(values, 1.0 - tail))
}

/// The same around a value, which stands for an end that is no number: a point without draws.
pub fn around(value: f64, draws: &mut [f64], level: f64) -> (f64, f64) {
    let (lo, hi) = central(draws, level);
    let end = |end: f64| if end.is_nan() { value } else { end };
    (end(lo), end(hi))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles() {
        // numpy.quantile([1, 2, 4, 8], [0, .25, .5, .9, 1]) = [1, 1.75, 3, 6.8, 8]
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (p, expected) in [(0.0, 1.0), (0.25, 1.75), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)] {
            approx::assert_relative_eq!(quantile(&sorted, p), expected, max_relative = 1e-15);
        }
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(quantile(&[1.0, f64::INFINITY], 0.0), 1.0);
        assert_eq!(quantile(&[f64::NEG_INFINITY, 1.0, 2.0], 0.5), 1.0);
        assert_eq!(quantile(&[1.0, f64::INFINITY, f64::INFINITY], 0.9), f64::INFINITY);
    }

    #[test]
    fn central_interval_of_an_unsorted_sample() {
        let (lo, hi) = central(&mut [8.0, 1.0, 4.0, 2.0], 0.5);
        approx::assert_relative_eq!(lo, 1.75);
        approx::assert_relative_eq!(hi, 5.0);
        assert_eq!(around(3.0, &mut [8.0, 1.0, 4.0, 2.0], 0.5), (lo, hi));
        assert_eq!(around(3.0, &mut [], 0.5), (3.0, 3.0));
    }
}
