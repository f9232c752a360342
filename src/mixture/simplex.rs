//! The least value of a smooth function of shares: `lower <= p <= upper`, `sum p = 1`.

use crate::numeric::roots::falling_root;

/// Steps of a search, and the distance that one must move to go on.
const STEPS: usize = 400;
const STILL: f64 = 1e-9;

/// The nearest shares within bounds, the sum of the lower ones at most 1 and of the upper ones at
/// least 1.
pub(super) fn projected(values: &[f64], lower: &[f64], upper: &[f64]) -> Vec<f64> {
    let at = |shift: f64| {
        values
            .iter()
            .zip(lower.iter().zip(upper))
            .map(move |(value, (&lo, &hi))| (value - shift).clamp(lo, hi))
    };
    let largest = values.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
    let root = falling_root(|shift| at(shift).sum::<f64>() - 1.0, -largest - 1.0, largest + 1.0);
    at(root.right).collect()
}

/// A local minimum near a start by projected gradients: its shares and value. `f` gives a value and
/// its gradient.
pub(super) fn minimise(
    f: impl Fn(&[f64]) -> (f64, Vec<f64>),
    start: &[f64],
    lower: &[f64],
    upper: &[f64],
) -> (Vec<f64>, f64) {
    let mut at = projected(start, lower, upper);
    let (mut value, mut gradient) = f(&at);
    let mut length = 0.1 / gradient.iter().fold(1e-12_f64, |most, slope| most.max(slope.abs()));
    for _ in 0..STEPS {
        let steepest: Vec<f64> =
            at.iter().zip(&gradient).map(|(share, slope)| share - length * slope).collect();
        let next = projected(&steepest, lower, upper);
        let moved: f64 = next.iter().zip(&at).map(|(next, at)| (next - at).powi(2)).sum();
        if moved.sqrt() < STILL {
            break;
        }
        let (lower_value, slopes) = f(&next);
        if lower_value <= value - 1e-4 * moved / length {
            (at, value, gradient) = (next, lower_value, slopes);
            length *= 2.0;
        } else {
            length *= 0.4;
        }
    }
    (at, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_shares_meet_bounds_and_sum() {
        let found = projected(&[0.9, 0.4, -0.2], &[0.0, 0.3, 0.1], &[0.5, 1.0, 1.0]);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // 0.5 is the upper bound of the first, 0.1 the lower one of the last
        for (found, expected) in found.iter().zip([0.5, 0.4, 0.1]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_sum_of_powers_has_its_known_minimum() {
        // the minimum of sum a_i / p_i has shares as the roots of a
        let scales = [1.0, 4.0, 9.0];
        let f = |p: &[f64]| {
            let value = p.iter().zip(scales).map(|(p, a)| a / p).sum();
            (value, p.iter().zip(scales).map(|(p, a)| -a / (p * p)).collect())
        };
        let (found, _) = minimise(f, &[0.8, 0.1, 0.1], &[1e-3; 3], &[1.0; 3]);
        for (found, root) in found.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - root / 6.0).abs() < 1e-5, "{found}");
        }
        // where a bound holds, the others share what is left in the same proportions
        let (found, _) = minimise(f, &[1.0 / 3.0; 3], &[1e-3; 3], &[1.0, 1.0, 0.4]);
        for (found, expected) in found.iter().zip([0.2, 0.4, 0.4]) {
            assert!((found - expected).abs() < 1e-5, "{found}");
        }
    }
}
