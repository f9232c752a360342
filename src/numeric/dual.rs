//! Numbers that carry derivatives, so that a formula is written once and its derivatives are exact.
//!
//! ```text
//! f(u):   value f(u),   first f'(u) u',   second f'(u) u'' + f''(u) u'^2
//! ```
//!
//! [`Gradient`] carries the first derivatives in several parameters, [`Jet`] the first and second
//! in one. Plain `f64` carries none.

use super::logistic::{sigmoid, softplus};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// What a formula needs of a number.
pub trait Real:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A number that does not change.
    fn constant(value: f64) -> Self;

    /// The number itself.
    fn value(self) -> f64;

    /// A function of the number, from its value and derivatives there.
    fn lift(self, value: f64, first: f64, second: f64) -> Self;

    /// `e^u`.
    fn exp(self) -> Self {
        let value = self.value().exp();
        self.lift(value, value, value)
    }

    /// `ln u`.
    fn ln(self) -> Self {
        let u = self.value();
        self.lift(u.ln(), 1.0 / u, -1.0 / (u * u))
    }

    /// `ln(1 + e^u)`.
    fn softplus(self) -> Self {
        let u = self.value();
        self.lift(softplus(u), sigmoid(u), sigmoid(u) * sigmoid(-u))
    }

    /// The number times a constant.
    fn times(self, factor: f64) -> Self {
        self.lift(factor * self.value(), factor, 0.0)
    }

    /// The number plus a constant.
    fn plus(self, term: f64) -> Self {
        self.lift(self.value() + term, 1.0, 0.0)
    }
}

impl Real for f64 {
    fn constant(value: f64) -> Self {
        value
    }

    fn value(self) -> f64 {
        self
    }

    fn lift(self, value: f64, _: f64, _: f64) -> Self {
        value
    }
}

/// A number with its derivatives in `N` parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gradient<const N: usize> {
    /// The number.
    pub value: f64,
    /// First derivatives.
    pub by: [f64; N],
}

impl<const N: usize> Gradient<N> {
    /// Parameter number `at`.
    pub fn parameter(value: f64, at: usize) -> Self {
        Gradient { value, by: std::array::from_fn(|j| f64::from(u8::from(j == at))) }
    }

    fn combined(value: f64, (a, by_a): (Self, f64), (b, by_b): (Self, f64)) -> Self {
        Gradient { value, by: std::array::from_fn(|j| by_a * a.by[j] + by_b * b.by[j]) }
    }
}

impl<const N: usize> Real for Gradient<N> {
    fn constant(value: f64) -> Self {
        Gradient { value, by: [0.0; N] }
    }

    fn value(self) -> f64 {
        self.value
    }

    fn lift(self, value: f64, first: f64, _: f64) -> Self {
        Gradient { value, by: self.by.map(|by| first * by) }
    }
}

impl<const N: usize> Add for Gradient<N> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Gradient::combined(self.value + other.value, (self, 1.0), (other, 1.0))
    }
}

impl<const N: usize> Sub for Gradient<N> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Gradient::combined(self.value - other.value, (self, 1.0), (other, -1.0))
    }
}

impl<const N: usize> Mul for Gradient<N> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Gradient::combined(self.value * other.value, (self, other.value), (other, self.value))
    }
}

impl<const N: usize> Div for Gradient<N> {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        Gradient::combined(quotient, (self, 1.0 / other.value), (other, -quotient / other.value))
    }
}

impl<const N: usize> Neg for Gradient<N> {
    type Output = Self;

    fn neg(self) -> Self {
        self.times(-1.0)
    }
}

/// A number with its first and second derivative in one variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jet {
    /// The number.
    pub value: f64,
    /// First derivative.
    pub first: f64,
    /// Second derivative.
    pub second: f64,
}

impl Jet {
    /// A variable that moves by `first` for each unit.
    pub fn variable(value: f64, first: f64) -> Self {
        Jet { value, first, second: 0.0 }
    }
}

impl Real for Jet {
    fn constant(value: f64) -> Self {
        Jet { value, first: 0.0, second: 0.0 }
    }

    fn value(self) -> f64 {
        self.value
    }

    fn lift(self, value: f64, first: f64, second: f64) -> Self {
        Jet {
            value,
            first: first * self.first,
            second: first * self.second + second * self.first * self.first,
        }
    }
}

impl Add for Jet {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Jet {
            value: self.value + other.value,
            first: self.first + other.first,
            second: self.second + other.second,
        }
    }
}

impl Sub for Jet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Jet {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Jet {
            value: self.value * other.value,
            first: self.first * other.value + self.value * other.first,
            second: self.second * other.value
                + 2.0 * self.first * other.first
                + self.value * other.second,
        }
    }
}

impl Div for Jet {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let u = other.value;
        self * other.lift(1.0 / u, -1.0 / (u * u), 2.0 / (u * u * u))
    }
}

impl Neg for Jet {
    type Output = Self;

    fn neg(self) -> Self {
        self.times(-1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;

    /// A formula that uses every operation.
    fn formula<T: Real>(x: T, y: T) -> T {
        ((x * y).ln() - (y.times(0.3) / x).softplus()).exp().plus(2.0) / -(x + y)
    }

    #[test]
    fn derivatives_agree_with_differences() {
        let (x, y) = (1.7, 0.6);
        let found = formula(Gradient::<2>::parameter(x, 0), Gradient::parameter(y, 1));
        approx::assert_relative_eq!(found.value, formula(x, y));
        approx::assert_relative_eq!(
            found.by[0],
            derivative(|x| formula(x, y), x, 1e-2),
            max_relative = 1e-8
        );
        approx::assert_relative_eq!(
            found.by[1],
            derivative(|y| formula(x, y), y, 1e-2),
            max_relative = 1e-8
        );
        let along = |t: f64| formula(Jet::variable(x + t, 1.0), Jet::variable(y - 2.0 * t, -2.0));
        approx::assert_relative_eq!(
            along(0.0).first,
            derivative(|t| along(t).value, 0.0, 1e-2),
            max_relative = 1e-7
        );
        approx::assert_relative_eq!(
            along(0.0).second,
            derivative(|t| along(t).first, 0.0, 1e-2),
            max_relative = 1e-7
        );
    }
}
