//! Axes: where a value stands in a panel and which values get a tick.

use crate::report::eye;

/// What a tick label counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Pairs: `1k`, `2M`.
    Pairs,
    /// Nats, with the decimals that tell neighbouring ticks apart.
    Nats,
    /// A fraction, shown as a percentage.
    Percent,
}

/// A scale from values to pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    lo: f64,
    hi: f64,
    start: f64,
    end: f64,
    log: bool,
    unit: Unit,
}

impl Axis {
    /// A linear axis that spans `lo..hi` over the pixels `start..end`.
    pub(super) fn linear((lo, hi): (f64, f64), (start, end): (f64, f64), unit: Unit) -> Self {
        let hi = if hi > lo { hi } else { lo + lo.abs().max(1.0) };
        Axis { lo, hi, start, end, log: false, unit }
    }

    /// A logarithmic axis; values not above 0 stand at its lower end.
    pub(super) fn log((lo, hi): (f64, f64), (start, end): (f64, f64), unit: Unit) -> Self {
        let lo = lo.max(f64::MIN_POSITIVE);
        let hi = if hi > lo { hi } else { lo * 2.0 };
        Axis { lo, hi, start, end, log: true, unit }
    }

    /// The pixel of a value; values outside stand at the nearer end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.lo, self.hi);
        let part = if self.log {
            (value / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (value - self.lo) / (self.hi - self.lo)
        };
        self.start + part * (self.end - self.start)
    }

    /// Whether the value is on the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.lo..=self.hi).contains(&value)
    }

    /// Values evenly spaced in pixels, both ends included.
    pub(super) fn samples(&self, count: usize) -> impl Iterator<Item = f64> + '_ {
        (0..count).map(move |k| {
            let part = k as f64 / (count.max(2) - 1) as f64;
            if self.log {
                self.lo * (self.hi / self.lo).powf(part)
            } else {
                self.lo + part * (self.hi - self.lo)
            }
        })
    }

    /// At most `most` round values on the axis with their labels.
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let values =
            if self.log { self.log_ticks(most) } else { linear_ticks(self.lo, self.hi, most) };
        let gap = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        values.into_iter().map(|value| (value, self.label(value, gap))).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.lo.log10().floor() as i32, self.hi.log10().ceil() as i32);
        let grid = |mantissas: &[f64], step: usize| -> Vec<f64> {
            let decades = (first..=last).filter(|decade| decade.rem_euclid(step as i32) == 0);
            decades
                .flat_map(|decade| mantissas.iter().map(move |m| m * 10_f64.powi(decade)))
                .filter(|&value| self.holds(value))
                .collect()
        };
        if self.hi / self.lo < 4.0 {
            return linear_ticks(self.lo, self.hi, most);
        }
        let choices = [grid(&[1.0, 2.0, 5.0], 1), grid(&[1.0, 3.0], 1), grid(&[1.0], 1)];
        choices.into_iter().find(|ticks| ticks.len() <= most).unwrap_or_else(|| {
            let step = ((last - first) as usize).div_ceil(most.max(2) - 1).max(1);
            grid(&[1.0], step)
        })
    }

    fn label(&self, value: f64, gap: f64) -> String {
        let decimals = |gap: f64| {
            if gap.is_finite() && gap > 0.0 {
                (-gap.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize
            } else {
                2
            }
        };
        let label = match self.unit {
            Unit::Pairs => eye::amount(value),
            Unit::Percent => format!("{:.*} %", decimals(100.0 * gap), 100.0 * value),
            Unit::Nats if value != 0.0 && !(1e-4..1e5).contains(&value.abs()) => {
                format!("{value:.1e}")
            }
            Unit::Nats => format!("{value:.*}", decimals(gap).max(1)),
        };
        label.replace('-', "\u{2212}")
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, at most `most` of them.
fn linear_ticks(lo: f64, hi: f64, most: usize) -> Vec<f64> {
    let raw = (hi - lo) / most.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&step| (hi / step).floor() - (lo / step).ceil() < most as f64);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((lo / step).ceil() as i64, (hi / step).floor() as i64);
    (first..=last).map(|k| k as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, most: usize) -> Vec<String> {
        axis.ticks(most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn tick_labels_are_round_and_few() {
        let pixels = (0.0, 100.0);
        assert_eq!(
            labels(Axis::log((800.0, 130_000.0), pixels, Unit::Pairs), 3),
            ["1k", "10k", "100k"]
        );
        assert_eq!(labels(Axis::log((400.0, 3000.0), pixels, Unit::Pairs), 4), ["500", "1k", "2k"]);
        assert_eq!(labels(Axis::log((1.9, 3.3), pixels, Unit::Nats), 4), ["2.0", "2.5", "3.0"]);
        assert_eq!(
            labels(Axis::linear((0.0, 1.0), pixels, Unit::Percent), 6),
            ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
        );
        let wide = labels(Axis::log((1e-12, 1e12), pixels, Unit::Nats), 5);
        assert!((2..=5).contains(&wide.len()), "{wide:?}");
    }

    #[test]
    fn values_outside_stand_at_the_ends() {
        let axis = Axis::log((1.0, 100.0), (10.0, 30.0), Unit::Pairs);
        assert_eq!((axis.at(0.0), axis.at(10.0), axis.at(1e9)), (10.0, 20.0, 30.0));
        let flat = Axis::linear((2.0, 2.0), (0.0, 1.0), Unit::Nats);
        assert!(flat.at(2.0).is_finite() && !flat.ticks(4).is_empty());
    }
}
