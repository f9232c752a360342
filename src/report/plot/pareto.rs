//! The front: the mean loss that each bound on the worst language's loss costs, with the policies
//! beside it.

use super::axis::{Axis, Unit};
use super::bars::{policy_ink, policy_name, shown};
use super::panel::{Mark, Panel, legend};
use super::{ACCENT, Anchor, FAINT, Picture, TEXT, WIDTH, fitted};
use crate::allocate::Comparison;
use crate::report::Report;

/// The front as a line, every policy as a dot: up and to the right of the front there is something
/// better.
pub fn pareto(report: &Report, comparison: &Comparison) -> Picture {
    let mut picture = Picture::new(0.7 * WIDTH, 400.0);
    let title = fitted(
        &picture,
        14.0,
        "Worst language against the mean: the best that the laws allow, and the policies",
        picture.width - 20.0,
    );
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let front: Vec<(f64, f64)> =
        report.front.iter().map(|point| (point.mean_loss_nats, point.worst_loss_nats)).collect();
    let dots: Vec<_> = shown(comparison)
        .map(|(at, row)| (at, row, (row.mean_loss_nats.value, row.worst_loss_nats.value)))
        .collect();
    let all = || {
        front
            .iter()
            .copied()
            .chain(dots.iter().map(|dot| dot.2))
            .filter(|(mean, worst)| mean.is_finite() && worst.is_finite())
    };
    let panel = Panel { left: 60.0, top: 84.0, right: picture.width - 20.0, bottom: 356.0 };
    let x = Axis::linear(ends(all().map(|point| point.0)), panel.across(), Unit::Nats);
    let y = Axis::linear(ends(all().map(|point| point.1)), panel.up(), Unit::Nats);
    panel.draw_y(&mut picture, &y, 6);
    panel.draw_x(&mut picture, &x, 6);
    let middle = (panel.left + panel.right) / 2.0;
    picture.text(
        (middle, panel.bottom + 32.0),
        12.0,
        Anchor::Middle,
        FAINT,
        "mean loss, nats per target token",
    );
    picture.text(
        (10.0, panel.top - 12.0),
        12.0,
        Anchor::Start,
        FAINT,
        "loss of the worst language, nats per target token",
    );
    picture.line(front.iter().map(|&(mean, worst)| (x.at(mean), y.at(worst))), 2.0, ACCENT);
    for &(at, _, (mean, worst)) in
        dots.iter().filter(|dot| dot.2.0.is_finite() && dot.2.1.is_finite())
    {
        picture.dot((x.at(mean), y.at(worst)), 4.5, policy_ink(at));
    }
    let entry = |&(at, row, _): &(usize, &crate::allocate::PolicyRow, (f64, f64))| {
        (Mark::Patch(policy_ink(at)), policy_name(row.policy))
    };
    let entries: Vec<_> = std::iter::once((Mark::Line(ACCENT), "front".to_owned()))
        .chain(dots.iter().map(entry))
        .collect();
    legend(&mut picture, (10.0, 38.0), &entries);
    picture
}

/// The range of some values with a margin.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (lo, hi) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), value| (lo.min(value), hi.max(value)));
    if lo > hi {
        return (0.0, 1.0);
    }
    let margin = 0.06 * (hi - lo).max(1e-3 * hi.abs());
    (lo - margin, hi + margin)
}
