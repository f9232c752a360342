//! The weighted loss of one language as a function of the data `y` that it profits from: a law with
//! its weight folded into the shape, and what a solver puts below it: a chord under its concave
//! part, or an exponential below the data at which it is trusted.
//!
//! Losses are in nats per target token (or points of a metric), data in pairs. The part above the
//! floor `w E` is called reducible; it is what every function here is about, so that no digits are
//! lost against the floor.

mod envelope;

pub(super) use crate::law::Jet;
use crate::law::{Extension, Law, LnJet, Shape};
use envelope::Chord;

/// A checked law with its weight folded in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kernel {
    /// Weighted floor, `w E`.
    pub(super) floor: f64,
    shape: Shape,
    /// Whether the weight is 0.
    idle: bool,
    /// The straight part of a convex envelope below the law; absent for the law itself.
    pub(super) chord: Option<Chord>,
    /// How the law goes on below the data at which it is trusted; absent where it is trusted
    /// everywhere.
    below: Option<Extension>,
}

impl Kernel {
    /// The kernel of a law of another module, unweighted; absent for a law that is convex first and
    /// concave then: its envelope is no chord from the lower bound.
    pub fn of(law: &Law) -> Option<Self> {
        let is_convex_first = law.concave_range().is_some_and(|(from, _)| from > 0.0);
        (!is_convex_first).then(|| Kernel::new(law.irreducible(), *law.shape()))
    }

    /// `alpha (gamma y)^-beta`.
    pub fn metric(alpha: f64, gamma: f64, beta: f64) -> Self {
        Kernel::new(0.0, Shape::metric(alpha, gamma, beta))
    }

    /// `floor + scale (y + offset)^-exponent`.
    pub fn shifted(floor: f64, scale: f64, exponent: f64, offset: f64) -> Self {
        Kernel::new(floor, Shape::shifted(scale, exponent, offset))
    }

    /// `floor + scale / (transition + y^exponent)`.
    pub fn rectified(floor: f64, scale: f64, exponent: f64, transition: f64) -> Self {
        Kernel::new(floor, Shape::rectified(scale, exponent, transition))
    }

    fn new(floor: f64, shape: Shape) -> Self {
        Kernel { floor, shape, idle: false, chord: None, below: None }
    }

    /// The same law, which below some data, or below its inflection, goes on as an exponential: for
    /// data that transfer may push below 0.
    pub fn extended_below(self, from: f64) -> Self {
        if self.is_idle() {
            return self;
        }
        let from = from.max(self.inflection().unwrap_or(0.0));
        Kernel {
            below: Some(Extension::new(
                from,
                self.shape.ln_reducible(from),
                self.shape.jet(from).slope,
            )),
            ..self
        }
    }

    /// The exponential that holds at `y`, if one does.
    fn below(&self, y: f64) -> Option<Extension> {
        self.below.filter(|below| y < below.from)
    }

    /// The same law times a weight; weight 0 leaves nothing of it, not even a pole.
    pub fn weighted(self, weight: f64) -> Self {
        let ln = weight.ln();
        Kernel {
            floor: weight * self.floor,
            shape: self.shape.times(ln),
            idle: self.idle || weight == 0.0,
            below: self.below.map(|below| below.times(ln)),
            ..self
        }
    }

    /// The same law with a chord below its concave part, or without one.
    pub(super) fn with_chord(self, chord: Option<Chord>) -> Self {
        Kernel { chord, ..self }
    }

    /// Whether the weight is 0.
    pub(super) fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether the loss is infinite without data.
    pub(super) fn has_pole(&self) -> bool {
        !self.is_idle() && self.below.is_none() && self.shape.has_pole()
    }

    /// Whether the first pair is worth more than any price.
    pub(super) fn is_steep_at_zero(&self) -> bool {
        !self.is_idle() && self.below.is_none() && self.shape.ln_steepness(0.0).0 == f64::INFINITY
    }

    /// Where a law that starts concave turns convex.
    pub(super) fn inflection(&self) -> Option<f64> {
        if self.is_idle() || self.below.is_some() {
            None
        } else {
            self.shape.concave_range().map(|(_, to)| to)
        }
    }

    /// Whether the function is convex: every law but those with an inflection, and every envelope.
    pub(super) fn is_convex(&self) -> bool {
        self.chord.is_some() || self.inflection().is_none()
    }

    /// `ln` of the reducible loss of the law itself, without its chord.
    pub(super) fn ln_reducible(&self, y: f64) -> f64 {
        match self.below(y) {
            Some(below) => below.ln_reducible(y),
            None if self.is_idle() => f64::NEG_INFINITY,
            None => self.shape.ln_reducible(y),
        }
    }

    /// Relative rounding that the reducible loss may have: of an exponential, whose digits are
    /// those that its logarithm has left.
    pub(super) fn rounding(&self, y: f64) -> f64 {
        let (ln_scale, exponent) = self.shape.size();
        let terms = ln_scale.abs() + exponent * ln_at_most(y + self.offset());
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
        match self.chord {
            _ if self.is_idle() => Jet::default(),
            Some(chord) if y < chord.end => {
                Jet { value: chord.value(y), slope: chord.slope, curvature: 0.0 }
            }
            // the chord meets the law at equal slopes only to rounding, and an envelope must not
            // get steeper there
            Some(chord) => {
                let jet = self.law_jet(y);
                Jet { slope: jet.slope.max(chord.slope), ..jet }
            }
            None => self.law_jet(y),
        }
    }

    fn law_jet(&self, y: f64) -> Jet {
        self.below(y).map_or_else(|| self.shape.jet(y), |below| below.jet(y))
    }

    /// `ln(-slope)` and its derivative; finite where the slope itself underflows, -inf where there
    /// is none.
    pub(super) fn ln_steepness(&self, y: f64) -> LnJet {
        match self.chord {
            _ if self.is_idle() => (f64::NEG_INFINITY, 0.0),
            Some(chord) if y < chord.end => (chord.ln_steepness(), 0.0),
            Some(chord) => {
                let (ln, slope) = self.law_ln_steepness(y);
                // a chord that ends with its range may end where the law is still concave
                (ln.min(chord.ln_steepness()), slope.min(0.0))
            }
            None => self.law_ln_steepness(y),
        }
    }

    fn law_ln_steepness(&self, y: f64) -> LnJet {
        self.below(y).map_or_else(|| self.shape.ln_steepness(y), |below| below.ln_steepness(y))
    }

    /// Loss at `y` less that at `y + more`, without the cancellation of the plain difference; of
    /// the law itself, without its chord.
    pub(super) fn fall(&self, y: f64, more: f64) -> f64 {
        if more <= 0.0 || self.is_idle() {
            return 0.0;
        }
        if self.below(y).is_some() {
            self.value(y) - self.value(y + more)
        } else {
            self.shape.fall(y, y + more, more)
        }
    }

    /// `ln(y + offset)` linearises the steepness of a shifted law; of others, `ln y` comes near.
    pub(super) fn offset(&self) -> f64 {
        self.shape.offset()
    }

    /// The exponent `p` and the constant `q` of a shifted law's closed response
    /// `y + offset = e^(q - p ln_price)`; absent for others.
    pub(super) fn closed_response(&self) -> Option<(f64, f64)> {
        self.shape.response().filter(|_| self.chord.is_none() && self.below.is_none())
    }

    /// The least `y >= 0` at which the loss, floor counted, is at most `level`; infinite where the
    /// floor is not below it.
    pub fn data_for(&self, level: f64) -> f64 {
        let ln_room = (level - self.floor).ln();
        let extended = self.below.filter(|below| ln_room >= below.ln_reducible(below.from));
        match extended {
            _ if self.is_idle() => 0.0,
            _ if ln_room.is_nan() || ln_room == f64::NEG_INFINITY => f64::INFINITY,
            Some(below) => below.amount_at(ln_room).max(0.0),
            None => self.shape.amount_at(ln_room),
        }
    }

    /// `-ln` of the reducible loss with its derivatives: concave wherever the law is convex.
    pub(super) fn negative_ln(&self, y: f64) -> Jet {
        let Jet { value, slope, curvature } = self.jet(y);
        let ratio = slope / value;
        Jet { value: -value.ln(), slope: -ratio, curvature: ratio * ratio - curvature / value }
    }
}

/// At least the magnitude of `ln y`, from its binary exponent: the price of a logarithm saved;
/// infinite where `y` is no number above 0.
fn ln_at_most(y: f64) -> f64 {
    let power = (y.to_bits() >> 52) as i64 - 1023;
    if y > 0.0 && y.is_finite() {
        (power.abs() + 1) as f64 * std::f64::consts::LN_2
    } else {
        f64::INFINITY
    }
}
