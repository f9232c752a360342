//! The weighted loss of one language as a function of the data `y` that it profits from, compact and in logarithms.
//!
//! ```text
//! shifted     w L(y) = w E + w A (y + D0)^-alpha       (metric: A = alpha gamma^-beta, E = D0 = 0; power: D0 = 0)
//! rectified   w L(y) = w E + w B / (Dl + y^beta)
//! any         w L(y) of a law that is concave nowhere, or from 0 up to one inflection
//! ```
//!
//! Losses are in nats per target token (or points of a metric), data in pairs. The part above the floor `w E` is called reducible; it is
//! what every function here is about, so that no digits are lost against the floor.

use super::envelope::Chord;
use crate::law::Law;
use crate::numeric::ln_add_exp;
use crate::numeric::roots::falling_root;

/// Range of `ln y` in which a law that has no closed inverse is inverted.
const LN_DATA: (f64, f64) = (-60.0, 300.0);

/// A checked law with its weight folded in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kernel {
    /// Weighted floor, `w E`.
    pub(super) floor: f64,
    /// `ln(w A)`; -inf for a language of weight 0.
    ln_scale: f64,
    /// `ln(w A alpha)`, which every marginal value needs.
    ln_front: f64,
    exponent: f64,
    shape: Shape,
    /// The straight part of a convex envelope below the law; absent for the law itself.
    pub(super) chord: Option<Chord>,
    /// How the law goes on below the data at which it is trusted; absent where it is trusted everywhere.
    below: Option<Below>,
}

/// `R(from) e^(rate (y - from))` below `from`, with the law's own slope there: finite and convex everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Below {
    from: f64,
    rate: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Shifted {
        offset: f64,
    },
    Rectified {
        ln_transition: f64,
    },
    /// A law that answers for itself.
    Any {
        law: Law,
    },
}

/// Value and derivatives of a reducible loss at one amount.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Jet {
    pub value: f64,
    /// First derivative, never above 0; -inf at a pole.
    pub slope: f64,
    pub curvature: f64,
}

impl Kernel {
    /// The kernel of a law of another module, unweighted; absent for a law that is convex first and concave then: its envelope is no chord
    /// from the lower bound.
    pub fn of(law: &Law) -> Option<Self> {
        let at = |name: &str| law.parameters().into_iter().find(|(found, _)| *found == name).map(|(_, value)| value);
        match law.form().name() {
            "metric" => Some(Kernel::metric(at("alpha")?, at("gamma")?, at("beta")?)),
            "power" => Some(Kernel::shifted(0.0, at("scale")?, at("exponent")?, 0.0)),
            "power_floor" => Some(Kernel::shifted(at("irreducible")?, at("scale")?, at("exponent")?, 0.0)),
            "offset" => Some(Kernel::shifted(at("irreducible")?, at("scale")?, at("exponent")?, at("offset")?)),
            "rectified" => Some(Kernel::rectified(at("irreducible")?, at("scale")?, at("exponent")?, at("transition")?)),
            _ if law.concave_range().is_some_and(|(from, _)| from > 0.0) => None,
            _ => Some(Kernel::new(law.irreducible(), 0.0, 1.0, Shape::Any { law: *law })),
        }
    }

    /// `alpha (gamma y)^-beta`.
    pub fn metric(alpha: f64, gamma: f64, beta: f64) -> Self {
        Kernel::new(0.0, alpha.ln() - beta * gamma.ln(), beta, Shape::Shifted { offset: 0.0 })
    }

    /// `floor + scale (y + offset)^-exponent`.
    pub fn shifted(floor: f64, scale: f64, exponent: f64, offset: f64) -> Self {
        Kernel::new(floor, scale.ln(), exponent, Shape::Shifted { offset })
    }

    /// `floor + scale / (transition + y^exponent)`.
    pub fn rectified(floor: f64, scale: f64, exponent: f64, transition: f64) -> Self {
        let shape = if transition > 0.0 { Shape::Rectified { ln_transition: transition.ln() } } else { Shape::Shifted { offset: 0.0 } };
        Kernel::new(floor, scale.ln(), exponent, shape)
    }

    fn new(floor: f64, ln_scale: f64, exponent: f64, shape: Shape) -> Self {
        Kernel { floor, ln_scale, ln_front: ln_scale + exponent.ln(), exponent, shape, chord: None, below: None }
    }

    /// The same law, which below some data, or below its inflection, goes on as an exponential: for data that transfer may push below 0.
    pub fn extended_below(self, from: f64) -> Self {
        if self.is_idle() {
            return self;
        }
        let from = from.max(self.inflection().unwrap_or(0.0));
        let Jet { value, slope, .. } = self.law_jet(from);
        Kernel { below: Some(Below { from, rate: slope / value }), ..self }
    }

    /// The exponential that holds at `y`, if one does.
    fn below(&self, y: f64) -> Option<Below> {
        self.below.filter(|below| y < below.from)
    }

    /// The same law times a weight; weight 0 leaves nothing of it, not even a pole.
    pub fn weighted(self, weight: f64) -> Self {
        Kernel { floor: weight * self.floor, ln_scale: self.ln_scale + weight.ln(), ln_front: self.ln_front + weight.ln(), ..self }
    }

    /// The same law with a chord below its concave part, or without one.
    pub(super) fn with_chord(self, chord: Option<Chord>) -> Self {
        Kernel { chord, ..self }
    }

    /// Whether the weight is 0.
    pub(super) fn is_idle(&self) -> bool {
        self.ln_scale == f64::NEG_INFINITY
    }

    /// Whether the loss is infinite without data.
    pub(super) fn has_pole(&self) -> bool {
        let pole = match self.shape {
            Shape::Any { law } => law.has_pole(),
            shape => shape == Shape::Shifted { offset: 0.0 },
        };
        !self.is_idle() && self.below.is_none() && pole
    }

    /// Whether the first pair is worth more than any price.
    pub(super) fn is_steep_at_zero(&self) -> bool {
        let bends = match self.shape {
            Shape::Rectified { .. } => self.exponent < 1.0,
            Shape::Any { law } => law.ln_steepness(0.0) == f64::INFINITY,
            Shape::Shifted { .. } => false,
        };
        !self.is_idle() && self.below.is_none() && (bends || self.has_pole())
    }

    /// Where a law that starts concave turns convex: `(Dl (beta-1) / (beta+1))^(1/beta)` of `rectified` with beta > 1.
    pub(super) fn inflection(&self) -> Option<f64> {
        match self.shape {
            _ if self.below.is_some() => None,
            Shape::Rectified { ln_transition } if self.exponent > 1.0 && !self.is_idle() => {
                Some(((ln_transition + ((self.exponent - 1.0) / (self.exponent + 1.0)).ln()) / self.exponent).exp())
            }
            Shape::Any { law } if !self.is_idle() => law.inflection(),
            _ => None,
        }
    }

    /// Whether the function is convex: every law but those with an inflection, and every envelope.
    pub(super) fn is_convex(&self) -> bool {
        self.chord.is_some() || self.inflection().is_none()
    }

    /// `ln` of the reducible loss of the law itself, without its chord.
    pub(super) fn ln_reducible(&self, y: f64) -> f64 {
        if let Some(Below { from, rate }) = self.below(y) {
            return self.ln_reducible(from) + rate * (y - from);
        }
        match self.shape {
            _ if self.is_idle() => f64::NEG_INFINITY,
            Shape::Shifted { offset } => self.ln_scale - self.exponent * (y + offset).ln(),
            Shape::Rectified { ln_transition } => self.ln_scale - ln_add_exp(ln_transition, self.exponent * y.ln()),
            Shape::Any { law } => self.ln_scale + law.reducible(y).ln(),
        }
    }

    /// Relative rounding that the reducible loss may have: of an exponential, whose digits are those that its logarithm has left.
    pub(super) fn rounding(&self, y: f64) -> f64 {
        let terms = self.ln_scale.abs() + self.exponent * ln_at_most(y + self.offset());
        f64::EPSILON * if terms.is_finite() { 32.0 + 4.0 * terms } else { 32.0 }
    }

    /// The reducible loss.
    pub(super) fn value(&self, y: f64) -> f64 {
        match self.chord {
            Some(chord) if y < chord.end => chord.value(y),
            _ => self.ln_reducible(y).exp(),
        }
    }

    /// The reducible loss with its derivatives.
    pub(super) fn jet(&self, y: f64) -> Jet {
        if self.is_idle() {
            return Jet::default();
        }
        if let Some(Below { rate, .. }) = self.below(y) {
            let value = self.ln_reducible(y).exp();
            return Jet { value, slope: rate * value, curvature: rate * rate * value };
        }
        match self.chord {
            Some(chord) if y < chord.end => Jet { value: chord.value(y), slope: chord.slope, curvature: 0.0 },
            // the chord meets the law at equal slopes only to rounding, and an envelope must not get steeper there
            Some(chord) => {
                let jet = self.law_jet(y);
                Jet { slope: jet.slope.max(chord.slope), ..jet }
            }
            None => self.law_jet(y),
        }
    }

    fn law_jet(&self, y: f64) -> Jet {
        let beta = self.exponent;
        match self.shape {
            Shape::Shifted { offset } => {
                let base = y + offset;
                let value = (self.ln_scale - beta * base.ln()).exp();
                let slope = -beta * value / base;
                Jet { value, slope, curvature: -(beta + 1.0) * slope / base }
            }
            Shape::Rectified { .. } if y <= 0.0 => {
                let (ln_steepness, _) = self.law_ln_steepness(0.0);
                Jet { value: self.ln_reducible(0.0).exp(), slope: -ln_steepness.exp(), curvature: 0.0 }
            }
            Shape::Rectified { ln_transition } => {
                let power = beta * y.ln();
                let value = (self.ln_scale - ln_add_exp(ln_transition, power)).exp();
                let part = 1.0 / (1.0 + (ln_transition - power).exp());
                let slope = -beta * part * value / y;
                Jet { value, slope, curvature: -slope / y * (2.0 * beta * part - (beta - 1.0)) }
            }
            Shape::Any { law } => {
                let weight = self.ln_scale.exp();
                Jet { value: weight * law.reducible(y), slope: weight * law.slope(y), curvature: weight * law.curvature(y) }
            }
        }
    }

    /// `ln(-slope)` and its derivative; finite where the slope itself underflows, -inf where there is none.
    pub(super) fn ln_steepness(&self, y: f64) -> (f64, f64) {
        match self.chord {
            _ if self.is_idle() => (f64::NEG_INFINITY, 0.0),
            _ if self.below(y).is_some() => {
                let rate = self.below.map_or(0.0, |below| below.rate);
                (self.ln_reducible(y) + (-rate).ln(), rate)
            }
            Some(chord) if y < chord.end => (chord.ln_steepness(), 0.0),
            Some(chord) => {
                let (ln, slope) = self.law_ln_steepness(y);
                // a chord that ends with its range may end where the law is still concave
                (ln.min(chord.ln_steepness()), slope.min(0.0))
            }
            None => self.law_ln_steepness(y),
        }
    }

    fn law_ln_steepness(&self, y: f64) -> (f64, f64) {
        let beta = self.exponent;
        match self.shape {
            Shape::Shifted { offset } => {
                let base = y + offset;
                (self.ln_front - (beta + 1.0) * base.ln(), -(beta + 1.0) / base)
            }
            Shape::Rectified { ln_transition } => {
                let v = y.ln();
                // at y = 0 and beta = 1 the product is 0 times infinity, and its limit is 0
                let rise = if beta == 1.0 { 0.0 } else { (beta - 1.0) * v };
                let part = 1.0 / (1.0 + (ln_transition - beta * v).exp());
                (self.ln_front + rise - 2.0 * ln_add_exp(ln_transition, beta * v), (beta - 1.0 - 2.0 * beta * part) / y)
            }
            Shape::Any { law } => {
                let ratio = law.curvature(y) / law.slope(y);
                // where the slope underflows it falls at least as fast as that of a floor of no exponent
                (self.ln_scale + law.ln_steepness(y), if ratio.is_finite() { ratio } else { -1.0 / y })
            }
        }
    }

    /// Loss at `y` less that at `y + more`, without the cancellation of the plain difference; of the law itself, without its chord.
    pub(super) fn fall(&self, y: f64, more: f64) -> f64 {
        if more <= 0.0 || self.is_idle() {
            return 0.0;
        }
        if self.below(y).is_some() {
            return self.value(y) - self.value(y + more);
        }
        let beta = self.exponent;
        let ln_ratio = match self.shape {
            Shape::Any { law } => return self.ln_scale.exp() * law.fall(y, y + more),
            Shape::Shifted { offset } => -beta * (-more / (y + more + offset)).ln_1p(),
            Shape::Rectified { ln_transition } => {
                // (Dl + from^beta) / (Dl + to^beta) = 1 - part (1 - (from/to)^beta), part = to^beta / (Dl + to^beta)
                let to = y + more;
                let part = 1.0 / (1.0 + (ln_transition - beta * to.ln()).exp());
                -(part * (beta * (-more / to).ln_1p()).exp_m1()).ln_1p()
            }
        };
        self.ln_reducible(y + more).exp() * ln_ratio.exp_m1()
    }

    /// `ln(y + offset)` linearises the steepness of a shifted law; of others, `ln y` comes near.
    pub(super) fn offset(&self) -> f64 {
        match self.shape {
            Shape::Shifted { offset } => offset,
            Shape::Rectified { .. } | Shape::Any { .. } => 0.0,
        }
    }

    /// The exponent `p` and the constant `q` of a shifted law's closed response `y + offset = e^(q - p ln_price)`; absent for others.
    pub(super) fn closed_response(&self) -> Option<(f64, f64)> {
        let closed = matches!(self.shape, Shape::Shifted { .. }) && self.chord.is_none() && self.below.is_none();
        let p = 1.0 / (self.exponent + 1.0);
        closed.then_some((p, p * self.ln_front))
    }

    /// The least `y >= 0` at which the loss, floor counted, is at most `level`; infinite where the floor is not below it.
    pub fn data_for(&self, level: f64) -> f64 {
        let ln_room = (level - self.floor).ln();
        match self.shape {
            _ if self.is_idle() => 0.0,
            _ if ln_room.is_nan() || ln_room == f64::NEG_INFINITY => f64::INFINITY,
            _ if self.below.is_some_and(|below| ln_room >= self.ln_reducible(below.from)) => {
                let rise = |Below { from, rate }: Below| from + (ln_room - self.ln_reducible(from)) / rate;
                self.below.map_or(0.0, rise).max(0.0)
            }
            Shape::Shifted { offset } => (((self.ln_scale - ln_room) / self.exponent).exp() - offset).max(0.0),
            Shape::Rectified { ln_transition } => {
                // y^beta = B / room - Dl, in logarithms
                let excess = self.ln_scale - ln_room - ln_transition;
                if excess <= 0.0 { 0.0 } else { ((ln_transition + excess.exp_m1().ln()) / self.exponent).exp() }
            }
            _ if self.ln_reducible(0.0) <= ln_room => 0.0,
            Shape::Any { .. } => falling_root(|v| self.ln_reducible(v.exp()) - ln_room, LN_DATA.0, LN_DATA.1).right.exp(),
        }
    }

    /// `-ln` of the reducible loss with its derivatives: concave wherever the law is convex.
    pub(super) fn negative_ln(&self, y: f64) -> Jet {
        let Jet { value, slope, curvature } = self.jet(y);
        let ratio = slope / value;
        Jet { value: -value.ln(), slope: -ratio, curvature: ratio * ratio - curvature / value }
    }
}

/// At least the magnitude of `ln y`, from its binary exponent: the price of a logarithm saved; infinite where `y` is no number above 0.
fn ln_at_most(y: f64) -> f64 {
    let power = (y.to_bits() >> 52) as i64 - 1023;
    if y > 0.0 && y.is_finite() { (power.abs() + 1) as f64 * std::f64::consts::LN_2 } else { f64::INFINITY }
}
