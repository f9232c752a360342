//! The logistic function and its integral, exact to rounding at both ends.

use super::ln_add_exp;

/// `1 / (1 + e^-u)`.
pub fn sigmoid(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

/// `ln(1 + e^u)`, the integral of [`sigmoid`].
pub fn softplus(u: f64) -> f64 {
    ln_add_exp(0.0, u)
}

/// `softplus(u) - softplus(u - step)` for `step >= 0`, however short the step is.
pub fn softplus_fall(u: f64, step: f64) -> f64 {
    if step <= 1.0 {
        -(sigmoid(u) * (-step).exp_m1()).ln_1p()
    } else {
        -ln_add_exp(-softplus(u), -softplus(-u) - step)
    }
}

/// `softplus(u) - u sigmoid(u)`, the entropy in nats of a coin that shows heads with probability
/// `sigmoid(u)`.
pub fn entropy(u: f64) -> f64 {
    let far = (-u.abs()).exp();
    if far == 0.0 { 0.0 } else { far.ln_1p() + u.abs() * far / (1.0 + far) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_exact() {
        assert_eq!((softplus(-800.0), softplus(800.0)), (0.0, 800.0));
        assert_eq!((sigmoid(-800.0), sigmoid(800.0)), (0.0, 1.0));
        approx::assert_relative_eq!(softplus(-40.0), (-40f64).exp(), max_relative = 1e-14);
        for u in [f64::NEG_INFINITY, f64::INFINITY] {
            assert_eq!(entropy(u), 0.0);
        }
    }

    #[test]
    fn falls_keep_their_digits() {
        for u in [-30.0f64, -1.0, 0.5, 30.0] {
            approx::assert_relative_eq!(
                softplus_fall(u, 1e-15),
                1e-15 * sigmoid(u),
                max_relative = 1e-9
            );
            approx::assert_relative_eq!(
                softplus_fall(u, 2.0),
                softplus(u) - softplus(u - 2.0),
                max_relative = 1e-12
            );
            approx::assert_relative_eq!(entropy(u), softplus(u) - u * sigmoid(u), epsilon = 1e-13);
        }
        assert_eq!(softplus_fall(3.0, f64::INFINITY), softplus(3.0));
    }
}
