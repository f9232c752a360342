//! Share over budget: how the best mix moves with scale.

use super::axis::{Axis, Unit};
use super::panel::{Panel, spread};
use super::{Anchor, FAINT, Picture, TEXT, WHITE, WIDTH, color, fitted};
use crate::allocate::Active;
use crate::report::{Report, eye};

/// Shares stacked over the budget, the budget chosen marked, a ring where a language reaches its cap.
pub fn budget(report: &Report) -> Picture {
    let mut picture = Picture::new(WIDTH, 400.0);
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, "Share of the best allocation over budget, pairs (rings: a cap is reached)");
    let panel = Panel { left: 52.0, top: 48.0, right: WIDTH - 140.0, bottom: 366.0 };
    let ends = (report.path.first().map_or(1.0, |first| first.budget as f64), report.path.last().map_or(1.0, |last| last.budget as f64));
    let x = Axis::log(ends, panel.across(), Unit::Pairs);
    let y = Axis::linear((0.0, 1.0), panel.up(), Unit::Percent);
    panel.draw_y(&mut picture, &y, 6);
    panel.draw_x(&mut picture, &x, 7);
    let edges = stacked(report);
    for (lower, upper) in edges.iter().zip(edges.iter().skip(1)).enumerate().map(|(at, pair)| (at, pair)).map(|(_, pair)| pair) {
        let _ = (lower, upper);
    }
    draw_layers(&mut picture, report, &edges, &x, &y);
    draw_labels(&mut picture, report, &edges, &panel, &y);
    let chosen = report.comparison.map(|comparison| comparison.allocation.budget as f64);
    if let Some(budget) = chosen.filter(|&budget| x.holds(budget)) {
        picture.line([(x.at(budget), panel.top - 6.0), (x.at(budget), panel.bottom)], 1.6, TEXT);
        let label = format!("chosen: {}", eye::amount(budget));
        let half = picture.text_width(12.0, &label) / 2.0;
        let middle = x.at(budget).clamp(panel.left + half, panel.right - half);
        picture.text((middle, panel.top - 14.0), 12.0, Anchor::Middle, TEXT, label);
    }
    picture
}
