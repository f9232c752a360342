//! Roots of one falling function.

/// Two points that hold a sign change: `f(left) > 0 >= f(right)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bracket {
    /// Where the function is still above 0.
    pub left: f64,
    /// Where it no longer is.
    pub right: f64,
}

/// Narrows a sign change of `f`, falling on `left..right`, until its ends are neighbours to about 1e-15 relative or `f(right)` is 0.
///
/// The function may jump: the bracket then closes on the jump, and the caller reads both sides of it.
/// Regula falsi with the Illinois weights (Dowell and Jarratt 1971), and a bisection wherever two steps did not halve the bracket.
/// Where `f(left) <= 0` both ends are `left`; where `f(right) > 0` both are `right`.
pub fn falling_root(f: impl Fn(f64) -> f64, left: f64, right: f64) -> Bracket {
    let (mut a, mut b) = (left, right);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa <= 0.0 {
        return Bracket { left: a, right: a };
    }
    if fb > 0.0 {
        return Bracket { left: b, right: b };
    }
    let mut two_ago = f64::INFINITY;
    let mut one_ago = f64::INFINITY;
    while b - a > 1e-15 * a.abs().max(b.abs()).max(1e-280) && fb != 0.0 {
        let secant = b - fb * (b - a) / (fb - fa);
        let middle = a + (b - a) / 2.0;
        let slow = b - a > two_ago / 2.0;
        let c = if !slow && a < secant && secant < b { secant } else { middle };
        if c <= a || c >= b {
            break;
        }
        (two_ago, one_ago) = (one_ago, b - a);
        let fc = f(c);
        if fc > 0.0 {
            (a, fa) = (c, fc);
            fb /= 2.0;
        } else {
            (b, fb) = (c, fc);
            fa /= 2.0;
        }
    }
    Bracket { left: a, right: b }
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
        assert!(calls.get() < 40, "{} evaluations", calls.get());
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
