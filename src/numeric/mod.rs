//! Numerics that know no language: roots, least squares, quantiles, generators and resampling.

#[cfg(test)]
pub mod differences;
pub mod dual;
pub mod geometry;
pub mod least_squares;
pub mod logistic;
pub mod newton;
pub mod quantiles;
pub mod random;
pub mod roots;

/// `ln(e^a + e^b)` without overflow; `-inf` stands for a term of 0.
pub fn ln_add_exp(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if small == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::ln_add_exp;

    #[test]
    fn logarithms_add_where_powers_overflow() {
        approx::assert_relative_eq!(ln_add_exp(0.0, 0.0), 2f64.ln());
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, 3.0), 3.0);
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        approx::assert_relative_eq!(ln_add_exp(1000.0, 1000.0), 1000.0 + 2f64.ln());
    }
}
