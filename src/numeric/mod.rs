//! Numerics that know no language: roots, least squares, quantiles, generators and resampling.

pub mod akaike;
pub mod bfgs;
pub mod blocked;
#[cfg(test)]
pub mod differences;
pub mod dual;
pub mod geometry;
pub mod least_squares;
pub mod logistic;
pub mod newton;
pub mod quantiles;
pub mod random;
pub mod ranks;
pub mod roots;

/// `ln(e^a + e^b)` without overflow; `-inf` stands for a term of 0.
pub fn ln_add_exp(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if small == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// Whole amounts of shares whose sum is 1: down, and what is left of the total to the largest
/// remainders, ties by order.
pub fn largest_remainders(shares: &[f64], total: u64) -> Vec<u64> {
    let exact: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let mut amounts: Vec<u64> = exact.iter().map(|amount| amount.floor() as u64).collect();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let left = total.saturating_sub(amounts.iter().sum());
    order.iter().cycle().take(left as usize).for_each(|&at| amounts[at] += 1);
    amounts
}

/// `exp` of the scores, summing to 1; equal where none is finite.
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let of = |score: &f64| if most.is_finite() { (score - most).exp() } else { 1.0 };
    let sum: f64 = scores.iter().map(of).sum();
    scores.iter().map(|score| of(score) / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::{ln_add_exp, softmax};

    #[test]
    fn scores_become_weights_however_large_they_are() {
        let weights = softmax(&[1000.0, 1000.0 + 3f64.ln()]);
        approx::assert_relative_eq!(weights[0], 0.25, max_relative = 1e-12);
        approx::assert_relative_eq!(weights[1], 0.75, max_relative = 1e-12);
        assert_eq!(softmax(&[f64::NEG_INFINITY, 0.0]), [0.0, 1.0]);
        assert_eq!(softmax(&[f64::NEG_INFINITY; 2]), [0.5; 2]);
    }

    #[test]
    fn logarithms_add_where_powers_overflow() {
        approx::assert_relative_eq!(ln_add_exp(0.0, 0.0), 2f64.ln());
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, 3.0), 3.0);
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        approx::assert_relative_eq!(ln_add_exp(1000.0, 1000.0), 1000.0 + 2f64.ln());
    }
}
