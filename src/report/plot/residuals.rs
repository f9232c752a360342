//! Residuals: how far each run lies from its law, against its amount of data.

use super::axis::{Axis, Unit};
use super::panel::Grid;
use super::{Anchor, FAINT, Picture, TEXT, color, fitted};
use crate::report::csv::residual_log;
use crate::report::{Report, eye, held_out_error};

/// One panel per language: measured over fitted loss, less one, with the law's noise as a band.
pub fn residuals(report: &Report) -> Picture {
    let grid = Grid::new(report.fits.len(), 150.0, 30.0);
    let mut picture = Picture::new(grid.width, grid.height);
    let title = fitted(
        &picture,
        14.0,
        "Measured loss over fitted loss, less one; band: one standard deviation of the noise",
        grid.width - 20.0,
    );
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    for (index, fit) in report.fits.iter().enumerate() {
        let panel = grid.panel(index);
        let points: Vec<_> = fit.all_points().filter(|point| point.pairs > 0.0).collect();
        let sizes = || points.iter().map(|point| point.pairs);
        let (least, most) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(1.0, f64::max));
        let x = Axis::log((least.min(most) / 1.25, most * 1.25), panel.across(), Unit::Pairs);
        let residual = |point| residual_log(fit, point).exp_m1();
        let reach = points
            .iter()
            .map(|point| residual(point).abs())
            .chain([fit.noise_log])
            .filter(|value| value.is_finite());
        let reach = 1.15 * reach.fold(1e-6, f64::max);
        let y = Axis::linear((-reach, reach), panel.up(), Unit::Percent);
        let ink = color(report, &fit.curve);
        panel.draw_y(&mut picture, &y, 4);
        panel.draw_x(&mut picture, &x, 4);
        picture.rect(
            (panel.left, y.at(fit.noise_log)),
            (panel.right, y.at(-fit.noise_log)),
            ink.alpha(0.13),
        );
        picture.line([(panel.left, y.at(0.0)), (panel.right, y.at(0.0))], 1.0, FAINT);
        for point in points.iter().filter(|point| residual(point).is_finite()) {
            let (at, repeats) = (
                (x.at(point.pairs), y.at(residual(point))),
                fit.effective(point.pairs) < point.pairs,
            );
            if repeats { picture.ring(at, 3.2, ink) } else { picture.dot(at, 2.8, ink) }
        }
        let note = held_out_error(fit).map_or_else(String::new, |error| {
            format!("held out {} %", eye::significant(100.0 * error, 2))
        });
        let room = panel.right - panel.left - picture.text_width(11.0, &note) - 8.0;
        let name = fitted(&picture, 13.0, &report.name(&fit.curve), room);
        picture.text((panel.left, panel.top - 12.0), 13.0, Anchor::Start, TEXT, name);
        picture.text((panel.right, panel.top - 12.0), 11.0, Anchor::End, FAINT, note);
    }
    picture
}
