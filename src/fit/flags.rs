//! What a person should know before trusting a fit.

use super::{Fit, Termination};
use crate::curve::Point;
use crate::numeric::quantiles::quantile;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a person should know before trusting a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "flag", rename_all = "snake_case")]
pub enum Flag {
    /// The interval of the floor reaches from as good as nothing to most of the smallest loss.
    FloorNotIdentified,
    /// A parameter ended at the end of its range.
    AtBound {
        /// Its name, as in [`crate::law::Law::parameters`].
        parameter: String,
    },
    /// The sizes span less than a factor of ten.
    LessThanADecade {
        /// log10 of the largest size over the smallest above 0.
        decades: f64,
    },
    /// Loss rises with data somewhere by more than its noise.
    NonMonotone {
        /// The first size whose mean loss is above that of the size before it, pairs.
        pairs: f64,
    },
    /// A point lies far from the law beside the others.
    Outlier {
        /// Its size, pairs.
        pairs: f64,
        /// Its measured loss, nats per target token.
        loss_nats: f64,
    },
    /// The whole fall of the curve is smaller than twice its noise.
    NoiseLargerThanSignal,
    /// Few starts reached the best minimum.
    StartsDisagree {
        /// Starts that reached it, fewer than a tenth.
        agreed: usize,
        /// Starts tried.
        starts: usize,
    },
    /// As many parameters as sizes: the curve cannot check the law.
    NothingToCheck,
    /// The minimiser ran out of steps.
    NotConverged,
    /// The loss of runs that repeat pairs lies above what the unique pairs alone reach, which no
    /// effective data of repeats explain.
    RepeatsHurt {
        /// The smallest size with repeats at which it does, pairs.
        pairs: f64,
    },
}

/// Of the least loss: a floor below it is as good as nothing, and one above the next is most of the
/// loss.
const NOTHING: f64 = 0.05;
const MOST: f64 = 0.5;
/// A rise or a fall counts when it is this many standard deviations.
const SIGMAS: f64 = 2.0;

/// A point this many usual residuals from its law is an outlier; one in 16,000 is by chance.
const OUTLYING: f64 = 4.0;
/// Outliers named: more are no outliers but a law that does not hold.
const MOST_NAMED: usize = 3;

/// Mean ln loss of one size.
struct Level {
    pairs: f64,
    ln_loss: f64,
    repeats: f64,
}

/// Flags of a finished fit; `at_bounds` are the parameters that ended at an end of their range.
pub(super) fn flags(fit: &Fit, at_bounds: Vec<String>, freedom: usize) -> Vec<Flag> {
    let levels = levels(&fit.points);
    let mut flags = Vec::new();
    flags.extend(floor_not_identified(fit));
    flags.extend(at_bounds.into_iter().map(|parameter| Flag::AtBound { parameter }));
    let decades = fit.decades();
    flags.extend((decades < 1.0).then_some(Flag::LessThanADecade { decades }));
    let noise = usual_residual(fit);
    flags.extend(outliers(fit, noise));
    flags.extend(first_rise(&levels, noise));
    flags.extend(drowned(&levels, fit.noise_log).then_some(Flag::NoiseLargerThanSignal));
    // a tenth of the starts: fewer, and the next curve may find none
    let (agreed, starts) = (fit.starts_agreed, fit.starts);
    flags.extend((agreed * 10 < starts).then_some(Flag::StartsDisagree { agreed, starts }));
    flags.extend((levels.len() <= freedom).then_some(Flag::NothingToCheck));
    flags.extend((fit.termination == Termination::Exhausted).then_some(Flag::NotConverged));
    flags
}

fn floor_not_identified(fit: &Fit) -> Option<Flag> {
    let floor = fit.parameters.iter().find(|parameter| parameter.name == "irreducible")?;
    let least = fit.points.iter().map(|point| point.loss_nats).fold(f64::INFINITY, f64::min);
    let interval = floor.estimate.interval_90;
    (interval.lo < NOTHING * least && interval.hi > MOST * least)
        .then_some(Flag::FloorNotIdentified)
}

/// Points far from the law beside the others; none where they are many.
fn outliers(fit: &Fit, noise: f64) -> Vec<Flag> {
    // a thousandth of the loss is no outlier, however well the others lie
    let far = |point: &&Point| {
        (point.loss_nats / fit.law.loss(point.pairs)).ln().abs() > OUTLYING * noise + 1e-3
    };
    let found: Vec<&Point> =
        fit.points.iter().filter(|point| point.pairs > 0.0).filter(far).collect();
    let named = if found.len() <= MOST_NAMED { found } else { Vec::new() };
    named
        .into_iter()
        .map(|point| Flag::Outlier { pairs: point.pairs, loss_nats: point.loss_nats })
        .collect()
}

fn levels(points: &[Point]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for point in points.iter().filter(|point| point.pairs > 0.0) {
        match levels.last_mut().filter(|level| level.pairs == point.pairs) {
            Some(level) => {
                level.repeats += 1.0;
                level.ln_loss += (point.loss_nats.ln() - level.ln_loss) / level.repeats;
            }
            None => levels.push(Level {
                pairs: point.pairs,
                ln_loss: point.loss_nats.ln(),
                repeats: 1.0,
            }),
        }
    }
    levels
}

/// Standard deviation of the ln residuals as their median tells it (factor of the normal
/// distribution): a rise must not hide in the noise that it makes itself.
fn usual_residual(fit: &Fit) -> f64 {
    let with_data = fit.points.iter().filter(|point| point.pairs > 0.0);
    let mut sizes: Vec<f64> =
        with_data.map(|point| (point.loss_nats / fit.law.loss(point.pairs)).ln().abs()).collect();
    sizes.sort_by(f64::total_cmp);
    1.4826 * quantile(&sizes, 0.5)
}

fn first_rise(levels: &[Level], noise: f64) -> Option<Flag> {
    // a millionth of the loss is rounding of the logs, not a rise
    let rises = |a: &Level, b: &Level| {
        b.ln_loss - a.ln_loss > SIGMAS * noise * (1.0 / a.repeats + 1.0 / b.repeats).sqrt() + 1e-6
    };
    let pair = levels.windows(2).find(|pair| rises(&pair[0], &pair[1]))?;
    Some(Flag::NonMonotone { pairs: pair[1].pairs })
}

fn drowned(levels: &[Level], noise: f64) -> bool {
    let [first, .., last] = levels else { return false };
    first.ln_loss - last.ln_loss <= SIGMAS * noise
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flag::FloorNotIdentified => write!(f, "floor not identified"),
            Flag::AtBound { parameter } => write!(f, "{parameter} at its bound"),
            Flag::LessThanADecade { decades } => {
                write!(f, "sizes span {decades:.2} decades, less than one")
            }
            Flag::NonMonotone { pairs } => write!(f, "loss rises with data at {pairs} pairs"),
            Flag::Outlier { pairs, loss_nats } => {
                write!(f, "outlier of {loss_nats:.4} at {pairs} pairs")
            }
            Flag::NoiseLargerThanSignal => write!(f, "noise larger than signal"),
            Flag::StartsDisagree { agreed, starts } => {
                write!(f, "only {agreed} of {starts} starts reached the best minimum")
            }
            Flag::NothingToCheck => write!(f, "as many parameters as sizes"),
            Flag::NotConverged => write!(f, "minimiser not converged"),
            Flag::RepeatsHurt { pairs } => write!(f, "repeats hurt at {pairs} pairs"),
        }
    }
}
