//! The closed set of forms: names, formulas, and the shape that each is.

use super::LawError;
use super::joint::AtTotal;
use super::shape::{Broken, Rectified, Shape, Shifted, Sigmoid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The closed set of forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `alpha (gamma X)^-beta`.
    Metric,
    /// `B X^-beta`.
    Power,
    /// `E + B X^-beta`.
    PowerFloor,
    /// `E + B (X + D0)^-beta`.
    Offset,
    /// `E + B / (Dl + X^beta)`.
    Rectified,
    /// `E + B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)`.
    Bnsl,
    /// `(L - E) / (L0 - L)^a = B X^-c`.
    M4,
    /// The joint law of a language in models of one total ([`AtTotal`]); no form of a curve.
    Joint,
}

/// What a parameter is, whatever it is called in its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The loss that no amount of data removes.
    Floor,
    /// A factor, or a loss at some amount.
    Scale,
    /// The exponent that holds for much data.
    Exponent,
    /// The exponent before the bend.
    First,
    /// The amount at which the law bends; with `Offset`, 0 is no bend.
    Turn,
    Offset,
    /// A mixture of the amount at which the law bends and its exponent; with `Transition`, 0 is no
    /// bend.
    MixedTurn,
    Transition,
    /// Over how many decades a break goes.
    Width,
    /// How the law leaves its start.
    Bend,
}

impl Role {
    /// Whether such a parameter may be 0; all others are above it.
    pub(super) fn may_vanish(self) -> bool {
        matches!(self, Role::Floor | Role::Offset | Role::Transition | Role::First)
    }
}

/// Name in files and flags, formula, and the parameters with what they are.
struct About {
    name: &'static str,
    formula: &'static str,
    parameters: &'static [&'static str],
    roles: &'static [Role],
}

impl Form {
    /// All forms of curves.
    pub const ALL: [Form; 7] = [
        Form::Metric,
        Form::Power,
        Form::PowerFloor,
        Form::Offset,
        Form::Rectified,
        Form::Bnsl,
        Form::M4,
    ];

    /// Most parameters of a form of curves.
    pub const MOST_PARAMETERS: usize = 6;

    fn about(self) -> About {
        use Role::{
            Bend, Exponent, First, Floor, MixedTurn, Offset, Scale, Transition, Turn, Width,
        };
        let about = |name, formula, parameters, roles| About { name, formula, parameters, roles };
        match self {
            Form::Metric => about(
                "metric",
                "alpha (gamma X)^-beta",
                &["alpha", "gamma", "beta"],
                &[Scale, Scale, Exponent],
            ),
            Form::Power => about("power", "B X^-beta", &["scale", "exponent"], &[Scale, Exponent]),
            Form::PowerFloor => about(
                "power_floor",
                "E + B X^-beta",
                &["irreducible", "scale", "exponent"],
                &[Floor, Scale, Exponent],
            ),
            Form::Offset => about(
                "offset",
                "E + B (X + D0)^-beta",
                &["irreducible", "scale", "exponent", "offset"],
                &[Floor, Scale, Exponent, Offset],
            ),
            Form::Rectified => about(
                "rectified",
                "E + B / (Dl + X^beta)",
                &["irreducible", "scale", "exponent", "transition"],
                &[Floor, Scale, Exponent, Transition],
            ),
            Form::Bnsl => about(
                "bnsl",
                "E + B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)",
                &["irreducible", "scale", "exponent", "exponent_after", "break", "width"],
                &[Floor, Scale, First, Exponent, Turn, Width],
            ),
            Form::M4 => about(
                "m4",
                "(L - E) / (L0 - L)^a = B X^-c",
                &["irreducible", "start", "scale", "exponent", "bend"],
                &[Floor, Scale, MixedTurn, Exponent, Bend],
            ),
            Form::Joint => about(
                "joint",
                "L(X, T - X), the joint law in models of T pairs",
                &AtTotal::NAMES,
                &[],
            ),
        }
    }

    /// Name in files and flags.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// The formula, for people.
    pub fn formula(self) -> &'static str {
        self.about().formula
    }

    /// Names of the parameters: E is `irreducible`, B `scale`, beta, c0 and the c of `m4`
    /// `exponent`, D0 `offset` (pairs), Dl `transition` (pairs to the beta), the c of `bnsl`
    /// `exponent_after`, d `break` (pairs), f `width`, L0 `start`, a `bend`.
    pub fn parameter_names(self) -> &'static [&'static str] {
        self.about().parameters
    }

    /// What the parameters are, in the order of their names.
    pub(crate) fn roles(self) -> &'static [Role] {
        self.about().roles
    }

    /// The floor and the shape above it from the parameters, whose ranges hold.
    pub(super) fn parts(self, parameters: &[f64; Form::MOST_PARAMETERS]) -> (f64, Shape) {
        match (self, *parameters) {
            (Form::Metric, [alpha, gamma, beta, ..]) => (0.0, Shape::metric(alpha, gamma, beta)),
            (Form::Power, [scale, exponent, ..]) => (0.0, Shape::shifted(scale, exponent, 0.0)),
            // `power_floor` has a 0 in the place of the offset
            (Form::PowerFloor | Form::Offset, [floor, scale, exponent, offset, ..]) => {
                (floor, Shape::shifted(scale, exponent, offset))
            }
            (Form::Rectified, [floor, scale, exponent, transition, ..]) => {
                (floor, Shape::rectified(scale, exponent, transition))
            }
            (Form::Bnsl, [floor, scale, before, after, break_at, width]) => {
                (floor, Shape::Broken(Broken::new(scale.ln(), before, after, break_at.ln(), width)))
            }
            (Form::M4, [floor, start, scale, exponent, bend, _]) => {
                (floor, Shape::Sigmoid(Sigmoid::new(start - floor, scale.ln(), exponent, bend)))
            }
            // its numbers are more than a curve's, and stand in the shape
            (Form::Joint, _) => (0.0, Shape::Shifted(Shifted::natural(1.0, f64::NEG_INFINITY))),
        }
    }

    /// The shape with a scale of 1 from its natural parameters; those that it lacks are not read.
    /// `Joint`, which no curve is fitted to, is that of a language by itself far above its
    /// transition.
    pub(crate) fn natural(self, exponent: f64, ln_turn: f64, bend: f64, first: f64) -> Shape {
        match self {
            Form::Metric | Form::Power | Form::PowerFloor | Form::Joint => {
                Shape::Shifted(Shifted::natural(exponent, f64::NEG_INFINITY))
            }
            Form::Offset => Shape::Shifted(Shifted::natural(exponent, ln_turn)),
            Form::Rectified => Shape::Rectified(Rectified::natural(exponent, ln_turn)),
            Form::Bnsl => Shape::Broken(Broken::new(0.0, first, exponent, ln_turn, bend)),
            Form::M4 => Shape::Sigmoid(Sigmoid::natural(exponent, ln_turn, bend)),
        }
    }

    /// The parameters of a floor and a natural shape, whose amounts are in units of `e^ln_unit`
    /// pairs.
    pub(super) fn parameters(self, floor: f64, shape: &Shape, ln_unit: f64) -> Vec<f64> {
        let mut numbers = shape.numbers(ln_unit);
        match self {
            // gamma only scales alpha: with an alpha of the curve's own it is not identified, and
            // stands at 1
            Form::Metric => return vec![numbers[0], 1.0, numbers[1]],
            Form::Power => return numbers[..2].to_vec(),
            Form::Joint => return numbers,
            Form::PowerFloor => numbers.truncate(2),
            Form::M4 => numbers[0] += floor,
            Form::Offset | Form::Rectified | Form::Bnsl => {}
        }
        numbers.insert(0, floor);
        numbers
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Form {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        Form::ALL
            .into_iter()
            .find(|form| form.name() == text)
            .ok_or_else(|| LawError::Form { found: text.to_owned() })
    }
}
