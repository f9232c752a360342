//! The greatest convex function below an S-shaped law on a range: a chord from the lower end to its
//! tangent point, then the law.

use super::Kernel;
use crate::numeric::roots::falling_root;

/// The straight part of an envelope, over effective data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chord {
    /// Where it starts: the lower end of the range.
    start: f64,
    /// Where it meets the law for good; at most the upper end of the range.
    pub(crate) end: f64,
    /// Its slope, below 0.
    pub(crate) slope: f64,
    /// Reducible loss at its start.
    start_value: f64,
}

impl Chord {
    /// `ln(-slope)`.
    pub(crate) fn ln_steepness(&self) -> f64 {
        (-self.slope).ln()
    }

    /// The reducible loss on the chord.
    pub(crate) fn value(&self, y: f64) -> f64 {
        self.start_value + self.slope * (y - self.start)
    }
}

impl Kernel {
    /// The envelope on `lower..=upper`, of the law without any chord it had; the law itself where
    /// it is convex there.
    pub(crate) fn envelope(&self, lower: f64, upper: f64) -> Kernel {
        let law = self.with_chord(None);
        let Some(inflection) =
            law.inflection().filter(|&inflection| inflection > lower && upper > lower)
        else {
            return law;
        };
        let end = tangent(&law, lower, upper, inflection);
        let (start_value, end_value) = (law.value(lower), law.value(end));
        let slope = (end_value - start_value) / (end - lower);
        law.with_chord(Some(Chord { start: lower, end, slope, start_value }))
    }
}

/// The amount at which the mean fall from `lower` is largest: it grows while the law is steeper
/// there than the mean, then falls for good.
fn tangent(law: &Kernel, lower: f64, upper: f64, inflection: f64) -> f64 {
    if inflection >= upper {
        return upper;
    }
    let start_value = law.value(lower);
    let steeper_than_mean = |ln_y: f64| {
        let jet = law.jet(ln_y.exp());
        -jet.slope * (ln_y.exp() - lower) - (start_value - jet.value)
    };
    falling_root(steeper_than_mean, inflection.ln(), upper.ln())
        .right
        .exp()
        .clamp(inflection, upper)
}
