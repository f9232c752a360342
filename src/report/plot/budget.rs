//! Share over budget: how the best mix moves with scale.

use super::axis::{Axis, Unit};
use super::panel::{Panel, spread};
use super::{Anchor, FAINT, Picture, TEXT, WHITE, WIDTH, color, fitted};
use crate::allocate::Active;
use crate::report::{Report, eye};

/// Shares stacked over the budget, the budget chosen marked, a ring where a language reaches its
/// cap.
pub fn budget(report: &Report) -> Picture {
    let mut picture = Picture::new(WIDTH, 400.0);
    let title =
        "Share of the best allocation over the budget in pairs (ring: a language reaches its cap)";
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let panel = Panel { left: 52.0, top: 52.0, right: WIDTH - 140.0, bottom: 366.0 };
    let budgets = || report.path.iter().map(|allocation| allocation.budget.amount());
    let ends = (budgets().fold(f64::INFINITY, f64::min).min(1e15), budgets().fold(1.0, f64::max));
    let layers = Layers {
        edges: stacked(report),
        x: Axis::log(ends, panel.across(), Unit::Pairs),
        y: Axis::linear((0.0, 1.0), panel.up(), Unit::Percent),
    };
    panel.draw_y(&mut picture, &layers.y, 6);
    panel.draw_x(&mut picture, &layers.x, 7);
    layers.draw(&mut picture, report);
    layers.draw_names(&mut picture, report, &panel);
    layers.draw_caps(&mut picture, report);
    draw_chosen(&mut picture, report, &panel, &layers.x);
    picture
}

/// The shares of the path, summed from the first language up.
struct Layers {
    /// One row an allocation: 0, then the running sum after every language.
    edges: Vec<Vec<f64>>,
    x: Axis,
    y: Axis,
}

fn stacked(report: &Report) -> Vec<Vec<f64>> {
    let running = |allocation: &crate::allocate::Allocation| {
        let mut sum = 0.0;
        let sums = allocation.languages.iter().map(|allocated| {
            sum += allocated.share;
            sum
        });
        std::iter::once(0.0).chain(sums.collect::<Vec<_>>()).collect()
    };
    report.path.iter().map(running).collect()
}

impl Layers {
    fn draw(&self, picture: &mut Picture, report: &Report) {
        let edge = |layer: usize| {
            let points = report.path.iter().zip(&self.edges);
            points
                .map(move |(at, sums)| (self.x.at(at.budget.amount()), self.y.at(sums[layer])))
                .collect::<Vec<_>>()
        };
        let Some(first) = report.path.first() else { return };
        for (layer, allocated) in first.languages.iter().enumerate() {
            let upper = edge(layer + 1);
            picture.area(
                edge(layer).into_iter().chain(upper.iter().rev().copied()),
                color(report, &allocated.lang).alpha(0.88),
            );
            picture.line(upper, 1.2, WHITE);
        }
    }

    /// Names at the right end of their layers, moved apart, with a leader to the middle of the
    /// layer.
    fn draw_names(&self, picture: &mut Picture, report: &Report, panel: &Panel) {
        let (Some(last), Some(sums)) = (report.path.last(), self.edges.last()) else { return };
        let middles: Vec<f64> =
            sums.windows(2).map(|edge| self.y.at((edge[0] + edge[1]) / 2.0)).rev().collect();
        let places = spread(&middles, 15.0, (panel.top + 4.0, panel.bottom - 4.0));
        for ((allocated, middle), place) in last.languages.iter().rev().zip(middles).zip(places) {
            let ink = color(report, &allocated.lang);
            picture.line([(panel.right + 1.0, middle), (panel.right + 14.0, place)], 1.2, ink);
            let share = format!(" {:.0} %", 100.0 * allocated.share);
            let room = picture.width - panel.right - 20.0 - picture.text_width(12.0, &share);
            let name = fitted(picture, 12.0, &report.name(&allocated.lang), room);
            picture.text((panel.right + 18.0, place), 12.0, Anchor::Start, TEXT, name + &share);
        }
    }

    fn draw_caps(&self, picture: &mut Picture, report: &Report) {
        let languages = report.path.first().map_or(0, |first| first.languages.len());
        for layer in 0..languages {
            let capped = |allocation: &crate::allocate::Allocation| {
                allocation.languages[layer].active == Active::Upper
            };
            // capped from the first budget on is no event of the path
            let Some(at) = report.path.iter().position(capped).filter(|&at| at > 0) else {
                continue;
            };
            let middle = (self.edges[at][layer] + self.edges[at][layer + 1]) / 2.0;
            let place = (self.x.at(report.path[at].budget.amount()), self.y.at(middle));
            picture.dot(place, 5.0, TEXT);
            picture.dot(place, 3.4, WHITE);
        }
    }
}

fn draw_chosen(picture: &mut Picture, report: &Report, panel: &Panel, x: &Axis) {
    let chosen = report.comparison.map(|comparison| comparison.allocation.budget.amount());
    let Some(budget) = chosen.filter(|&budget| x.holds(budget)) else { return };
    picture.line([(x.at(budget), panel.top - 6.0), (x.at(budget), panel.bottom)], 1.6, TEXT);
    let label = format!("budget {}", eye::amount(budget));
    let half = picture.text_width(12.0, &label) / 2.0;
    let middle = x.at(budget).clamp(panel.left + half, panel.right - half);
    picture.text((middle, panel.top - 14.0), 12.0, Anchor::Middle, FAINT, label);
}
