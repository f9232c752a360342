//! Roots of one falling function.

/// Two points that hold a sign change: `f(left) > 0 >= f(right)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bracket {
    /// Where the function is still above 0.
    pub left: f64,
    /// Where it no longer is.
    pub right: f64,
}

/// Narrows a sign change of `f`, falling on `left..right`, to about 1e-15 of its ends, or until `f`
/// is 0 at one.
///
/// The function may jump: the bracket then closes on the jump, and the caller reads both sides of
/// it. Chandrupatla's method (1997): inverse quadratic interpolation where the last three values
/// are safe for it, bisection elsewhere. Where `f(left) <= 0` both ends are `left`; where
/// `f(right) > 0` both are `right`.
pub fn falling_root(f: impl Fn(f64) -> f64, left: f64, right: f64) -> Bracket {
    let (fl, fr) = (f(left), f(right));
    if fl <= 0.0 {
        return Bracket { left, right: left };
    }
    if fr > 0.0 {
        return Bracket { left: right, right };
    }
    // the newest point, the latest on the other side of the root, and the one that the newest
    // replaced
    let ((mut x1, mut f1), (mut x2, mut f2)) = ((right, fr), (left, fl));
    let mut part = 0.5;
    loop {
        let x = x1 + part * (x2 - x1);
        let fx = f(x);
        let (x3, f3) = if (fx > 0.0) == (f1 > 0.0) { (x1, f1) } else { (x2, f2) };
        if (fx > 0.0) != (f1 > 0.0) {
            (x2, f2) = (x1, f1);
        }
        (x1, f1) = (x, fx);
        let least = 5e-16 * x1.abs().max(x2.abs()) / (x2 - x1).abs();
        if least > 0.5 || f1 == 0.0 || f2 == 0.0 {
            let (left, right) = if f1 > 0.0 { (x1, x2) } else { (x2, x1) };
            return Bracket { left, right };
        }
        let (xi, phi) = ((x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2));
        let is_safe = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
        let inverse_quadratic = || {
            f1 / (f2 - f1) * f3 / (f2 - f3)
                + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
        };
        part = if is_safe { inverse_quadratic().clamp(least, 1.0 - least) } else { 0.5 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn smooth_roots_take_few_evaluations() {
        let calls = Cell::new(0);
        let bracket = falling_root(
            |x| {
                calls.set(calls.get() + 1);
                2.0 - x.exp()
            },
            -30.0,
            30.0,
        );
        approx::assert_relative_eq!(bracket.right, 2f64.ln(), max_relative = 1e-14);
        assert!(calls.get() < 20, "{} evaluations", calls.get());
    }

    #[test]
    fn jumps_are_bracketed() {
        let bracket = falling_root(|x| if x < 0.3 { 5.0 } else { -1.0 }, -1.0, 1.0);
        assert!(bracket.left < 0.3 && bracket.right >= 0.3 && bracket.right - bracket.left < 1e-14);
    }

    #[test]
    fn a_bracket_without_a_root_ends_at_the_nearer_end() {
        assert_eq!(falling_root(|x| -1.0 - x, 0.0, 1.0), Bracket { left: 0.0, right: 0.0 });
        assert_eq!(falling_root(|x| 9.0 - x, 0.0, 1.0), Bracket { left: 1.0, right: 1.0 });
    }
}
