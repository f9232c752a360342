//! Loss against data: one panel per language, both axes logarithmic, with bands and the allocated
//! point.

use super::axis::{Axis, Unit};
use super::panel::{Grid, Mark, Panel, legend};
use super::{Anchor, CAP, FAINT, GRID, Ink, Picture, TEXT, color, fitted};
use crate::fit::{Fit, Prediction};
use crate::report::{Report, eye};

/// Where a band is computed along the axis.
const SAMPLES: usize = 61;
/// Width kept free for the base model left of the logarithmic axis.
const BASE_WIDTH: f64 = 34.0;
/// Grey of what lies beyond the largest size measured.
const BEYOND: Ink = Ink(120, 120, 120, 1.0);

/// Measured losses, fitted laws with their 50 % and 90 % bands, and the loss expected at the
/// allocated amount.
pub fn curves(report: &Report) -> Picture {
    let grid = Grid::new(report.fits.len(), 230.0, 62.0);
    let mut picture = Picture::new(grid.width, grid.height);
    draw_head(&mut picture, report);
    for (index, fit) in report.fits.iter().enumerate() {
        let allocated = report.comparison.and_then(|comparison| {
            let found = comparison
                .allocation
                .languages
                .iter()
                .find(|allocated| allocated.lang == fit.curve)?;
            Some(found.pairs as f64)
        });
        let panel = grid.panel(index);
        draw_title(&mut picture, &panel, report, fit, allocated);
        Curve::new(panel, fit, allocated, color(report, &fit.curve)).draw(&mut picture, report);
    }
    picture
}

fn draw_head(picture: &mut Picture, report: &Report) {
    let title = "Loss, nats per target token, against translation pairs (both axes logarithmic)";
    let title = fitted(picture, 14.0, title, picture.width - 20.0);
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let mut entries = vec![
        (Mark::Dot(FAINT), "run".to_owned()),
        (Mark::Line(FAINT), "law".to_owned()),
        (Mark::Bands(FAINT), "50 % and 90 % bands".to_owned()),
        (Mark::Dashes(BEYOND), "extrapolation".to_owned()),
    ];
    if report.comparison.is_some() {
        entries.push((Mark::Dot(TEXT), "allocated, 90 % interval".to_owned()));
    }
    if report.repeats() {
        entries.push((Mark::Ring(FAINT), "run that repeats pairs".to_owned()));
    }
    if report.fits.iter().any(|fit| fit.unique.is_some()) {
        entries.push((Mark::Dashes(CAP), "unique pairs".to_owned()));
    }
    legend(picture, (10.0, 38.0), &entries);
}

fn draw_title(
    picture: &mut Picture,
    panel: &Panel,
    report: &Report,
    fit: &Fit,
    allocated: Option<f64>,
) {
    let note = allocated.map_or_else(String::new, |pairs| format!("{} pairs", eye::amount(pairs)));
    let room = panel.right - panel.left - picture.text_width(11.0, &note) - 8.0;
    let name = fitted(picture, 13.0, &report.name(&fit.curve), room);
    let y = panel.top - 12.0;
    picture.text((panel.left, y), 13.0, Anchor::Start, TEXT, name);
    picture.text((panel.right, y), 11.0, Anchor::End, FAINT, note);
}

/// One panel with its scales.
struct Curve<'a> {
    panel: Panel,
    fit: &'a Fit,
    allocated: Option<(f64, Prediction)>,
    /// Largest size measured, pairs.
    largest: f64,
    base: Vec<f64>,
    band: Vec<(f64, Prediction)>,
    x: Axis,
    y: Axis,
    ink: Ink,
}

impl<'a> Curve<'a> {
    fn new(panel: Panel, fit: &'a Fit, allocated: Option<f64>, ink: Ink) -> Self {
        let sizes = || fit.all_points().map(|point| point.pairs).filter(|&pairs| pairs > 0.0);
        let base: Vec<f64> = fit
            .points
            .iter()
            .filter(|point| point.pairs == 0.0)
            .map(|point| point.loss_nats)
            .collect();
        let allocated =
            allocated.filter(|&pairs| pairs > 0.0).map(|pairs| (pairs, fit.predict(pairs)));
        let largest = sizes().fold(0.0, f64::max);
        let marked = allocated.map(|(pairs, _)| pairs);
        let smallest = sizes().chain(marked).fold(f64::INFINITY, f64::min).clamp(1.0, 1e15);
        let rightmost = largest.max(marked.unwrap_or(0.0)).max(smallest);
        let start = if base.is_empty() { panel.left } else { panel.left + BASE_WIDTH };
        let x = Axis::log((smallest / 1.25, rightmost * 1.25), (start, panel.right), Unit::Pairs);
        let band: Vec<_> = x.samples(SAMPLES).map(|pairs| (pairs, fit.predict(pairs))).collect();
        let shown = fit.all_points().map(|point| point.loss_nats);
        let whiskers = allocated.iter().flat_map(|(_, at)| [at.interval_90.lo, at.interval_90.hi]);
        let (lo, hi) = shown
            .chain(band.iter().map(|(_, at)| at.value))
            .chain(whiskers)
            .filter(|loss| loss.is_finite() && *loss > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(lo, hi), loss| (lo.min(loss), hi.max(loss)));
        // a flat curve still gets a panel in which its noise is not blown up
        let room = (hi / lo).powf(0.06).max(1.01);
        let y = Axis::log((lo / room, hi * room), panel.up(), Unit::Nats);
        Curve { panel, fit, allocated, largest, base, band, x, y, ink }
    }

    fn draw(&self, picture: &mut Picture, report: &Report) {
        self.panel.draw_y(picture, &self.y, 5);
        self.panel.draw_x(picture, &self.x, 4);
        self.draw_unique(picture, report);
        self.draw_floor(picture);
        self.draw_bands(picture);
        self.draw_law(picture);
        self.draw_base(picture);
        for point in self.fit.points.iter().filter(|point| point.pairs > 0.0) {
            picture.dot((self.x.at(point.pairs), self.y.at(point.loss_nats)), 2.8, self.ink);
        }
        for point in self.fit.repetition.iter().flat_map(|repetition| &repetition.points) {
            picture.ring((self.x.at(point.pairs), self.y.at(point.loss_nats)), 3.2, self.ink);
        }
        self.draw_allocated(picture);
    }

    fn draw_bands(&self, picture: &mut Picture) {
        let measured = |from: &f64| *from <= self.largest;
        let split = self.band.iter().take_while(|(pairs, _)| measured(pairs)).count();
        let parts = [
            (&self.band[..(split + 1).min(self.band.len())], self.ink),
            (&self.band[split..], BEYOND),
        ];
        for (part, ink) in parts {
            for (interval, alpha) in [(false, 0.16), (true, 0.26)] {
                let ends = |at: &Prediction| if interval { at.interval_50 } else { at.interval_90 };
                let lower =
                    part.iter().map(|(pairs, at)| (self.x.at(*pairs), self.y.at(ends(at).lo)));
                let upper = part
                    .iter()
                    .rev()
                    .map(|(pairs, at)| (self.x.at(*pairs), self.y.at(ends(at).hi)));
                picture.area(lower.chain(upper), ink.alpha(alpha));
            }
        }
    }

    fn draw_law(&self, picture: &mut Picture) {
        let point = |(pairs, at): &(f64, Prediction)| (self.x.at(*pairs), self.y.at(at.value));
        let (inside, beyond): (Vec<_>, Vec<_>) =
            self.band.iter().partition(|(pairs, _)| *pairs <= self.largest);
        picture.dashed(
            inside.last().into_iter().chain(&beyond).map(|&at| point(at)),
            4.0,
            1.6,
            BEYOND,
        );
        picture.line(inside.iter().map(|&at| point(at)), 1.8, self.ink);
    }

    /// The base model has no place on a logarithmic axis; it stands left of a break.
    fn draw_base(&self, picture: &mut Picture) {
        if self.base.is_empty() {
            return;
        }
        let (x, y) = (self.panel.left + 10.0, self.panel.bottom);
        for &loss in &self.base {
            picture.line([(x - 6.0, self.y.at(loss)), (x + 6.0, self.y.at(loss))], 2.0, self.ink);
        }
        picture.text((x, y + 13.0), 11.0, Anchor::Middle, FAINT, "base");
        for shift in [-2.0, 2.0] {
            let middle = self.panel.left + BASE_WIDTH - 6.0 + shift;
            picture.line([(middle - 2.0, y + 4.0), (middle + 2.0, y - 4.0)], 1.0, FAINT);
        }
    }

    fn draw_floor(&self, picture: &mut Picture) {
        let floor = self
            .fit
            .parameters
            .iter()
            .find(|parameter| parameter.name == "irreducible")
            .map(|floor| floor.estimate.value);
        if let Some(floor) = floor.filter(|&floor| self.y.holds(floor)) {
            let y = self.y.at(floor);
            picture.line([(self.panel.left, y), (self.panel.right, y)], 0.8, FAINT);
            picture.text(
                (self.panel.right - 2.0, y - 7.0),
                10.0,
                Anchor::End,
                FAINT,
                "irreducible",
            );
        }
    }

    fn draw_unique(&self, picture: &mut Picture, report: &Report) {
        let unique = self.fit.unique.or_else(|| report.term(&self.fit.curve)?.unique);
        if let Some(unique) =
            unique.map(|unique| unique as f64).filter(|&unique| self.x.holds(unique))
        {
            let x = self.x.at(unique);
            picture.dashed([(x, self.panel.bottom), (x, self.panel.top)], 3.0, 1.0, CAP);
        }
    }

    fn draw_allocated(&self, picture: &mut Picture) {
        let Some((pairs, at)) = &self.allocated else { return };
        let x = self.x.at(*pairs);
        picture.line([(x, self.panel.bottom), (x, self.panel.top)], 0.8, TEXT.alpha(0.55));
        let (lo, hi) = (self.y.at(at.interval_90.lo), self.y.at(at.interval_90.hi));
        picture.line([(x, lo), (x, hi)], 2.2, TEXT);
        for y in [lo, hi] {
            picture.line([(x - 4.0, y), (x + 4.0, y)], 1.6, TEXT);
        }
        picture.dot((x, self.y.at(at.value)), 5.2, GRID);
        picture.dot((x, self.y.at(at.value)), 4.2, TEXT);
    }
}
