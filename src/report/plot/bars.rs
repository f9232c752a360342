//! Bars: the allocation beside the baselines, and what further data would be worth.

use super::axis::{Axis, Unit};
use super::panel::{Mark, Panel, legend};
use super::{ACCENT, Anchor, CAP, FAINT, GRID, Ink, Picture, TEXT, WIDTH, color, fitted};
use crate::allocate::{Active, Comparison, Policy, PolicyRow};
use crate::report::{Report, eye};

/// Our bars, then one ink a baseline, repeated where there are more.
const POLICY_INKS: [Ink; 7] = [
    ACCENT,
    Ink(230, 159, 0, 1.0),
    Ink(0, 158, 115, 1.0),
    Ink(204, 121, 167, 1.0),
    Ink(150, 150, 150, 1.0),
    Ink(86, 180, 233, 1.0),
    Ink(136, 34, 85, 1.0),
];
/// More languages than this go into a second row.
const LANGUAGES_A_ROW: usize = 7;

/// Pairs per language under every policy; ours with the 90 % interval of its share, caps as lines.
pub fn allocation(report: &Report, comparison: &Comparison) -> Picture {
    let languages = comparison.allocation.languages.len();
    let rows = languages.div_ceil(LANGUAGES_A_ROW).max(1);
    let a_row = languages.div_ceil(rows).max(1);
    let mut picture = Picture::new(WIDTH, 64.0 + 250.0 * rows as f64);
    let title =
        format!("Pairs per language, of a budget of {}", eye::budget(comparison.allocation.budget));
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    draw_policies(&mut picture, comparison);
    let most = highest(comparison);
    for row in 0..rows {
        let top = 74.0 + 250.0 * row as f64;
        let panel = Panel { left: 52.0, top, right: WIDTH - 10.0, bottom: top + 205.0 };
        let y = Axis::linear((0.0, most * 1.04), panel.up(), Unit::Pairs);
        panel.draw_y(&mut picture, &y, 6);
        picture.line([(panel.left, panel.bottom), (panel.right, panel.bottom)], 1.0, FAINT);
        let width = (panel.right - panel.left) / a_row as f64;
        for (place, index) in (row * a_row..((row + 1) * a_row).min(languages)).enumerate() {
            let left = panel.left + width * place as f64;
            draw_group(&mut picture, report, comparison, index, (left, width), &y);
        }
    }
    picture
}

fn draw_policies(picture: &mut Picture, comparison: &Comparison) {
    let mut entries: Vec<_> = shown(comparison)
        .map(|(at, row)| (Mark::Patch(policy_ink(at)), policy_name(row.policy)))
        .collect();
    entries.push((Mark::Line(TEXT), "90 % interval".to_owned()));
    entries.push((Mark::Line(CAP), "cap".to_owned()));
    legend(picture, (10.0, 38.0), &entries);
}

fn draw_group(
    picture: &mut Picture,
    report: &Report,
    comparison: &Comparison,
    index: usize,
    (left, width): (f64, f64),
    y: &Axis,
) {
    let bottom = y.at(0.0);
    let count = shown(comparison).count();
    let bar = (0.82 * width / count.max(1) as f64).min(34.0);
    let start = left + (width - bar * count as f64) / 2.0;
    for (place, (at, row)) in shown(comparison).enumerate() {
        let pairs = row.pairs.get(index).copied().unwrap_or(0) as f64;
        let x = start + bar * place as f64;
        picture.rect((x, y.at(pairs)), (x + bar - 1.0, bottom), policy_ink(at));
    }
    if let Some(share) = comparison.shares.get(index) {
        let total = given(comparison);
        let (x, ends) = (
            start + bar / 2.0 - 0.5,
            [share.interval_90.lo, share.interval_90.hi].map(|share| y.at(share * total)),
        );
        picture.line(ends.map(|end| (x, end)), 1.6, TEXT);
        for end in ends {
            picture.line([(x - 4.0, end), (x + 4.0, end)], 1.6, TEXT);
        }
    }
    let Some(allocated) = comparison.allocation.languages.get(index) else { return };
    let cap = report.term(&allocated.lang).and_then(|term| term.upper).map(|cap| cap as f64);
    if let Some(cap) = cap.filter(|&cap| y.holds(cap)) {
        picture.line([(left + 3.0, y.at(cap)), (left + width - 3.0, y.at(cap))], 1.6, CAP);
    }
    let name = fitted(picture, 12.0, &report.name(&allocated.lang), width - 4.0);
    picture.text((left + width / 2.0, bottom + 14.0), 12.0, Anchor::Middle, TEXT, name);
    picture.text(
        (left + width / 2.0, bottom + 29.0),
        11.0,
        Anchor::Middle,
        FAINT,
        eye::amount(allocated.pairs as f64),
    );
}

/// The most pairs that any bar or whisker reaches.
fn highest(comparison: &Comparison) -> f64 {
    let bars = shown(comparison).flat_map(|(_, row)| row.pairs.iter().map(|&pairs| pairs as f64));
    bars.chain(comparison.shares.iter().map(|share| share.interval_90.hi * given(comparison)))
        .fold(1.0, f64::max)
}

/// All pairs that we give.
fn given(comparison: &Comparison) -> f64 {
    comparison.allocation.languages.iter().map(|allocated| allocated.pairs as f64).sum()
}

/// The policies that plots show, with their places: all but the optima over the draws, which hardly
/// differ from ours.
pub(super) fn shown(comparison: &Comparison) -> impl Iterator<Item = (usize, &PolicyRow)> {
    comparison
        .policies
        .iter()
        .enumerate()
        .filter(|(_, row)| !matches!(row.policy, Policy::DrawsMean | Policy::DrawsCvar(_)))
}

/// The ink of the policy at a place.
pub(super) fn policy_ink(at: usize) -> Ink {
    POLICY_INKS[at % POLICY_INKS.len()]
}

/// A policy as a reader knows it.
pub fn policy_name(policy: Policy) -> String {
    match policy {
        Policy::Parallot => "parallot".to_owned(),
        Policy::DrawsMean => "mean over draws".to_owned(),
        Policy::DrawsCvar(level) => format!("CVaR {level} over draws"),
        Policy::Current => "current mix".to_owned(),
        Policy::Uniform => "uniform".to_owned(),
        Policy::Proportional => "proportional".to_owned(),
        Policy::Temperature(t) => format!("temperature {t}"),
        Policy::UniMax(epochs) => format!("UniMax, {epochs} epochs"),
        Policy::Dose(steps) => format!("dose {steps}"),
    }
}

/// Fall of the weighted loss a thousand further pairs per language: equal at the optimum, except
/// where a bound holds.
pub fn marginal(report: &Report, comparison: &Comparison) -> Picture {
    let languages = &comparison.allocation.languages;
    let mut picture = Picture::new(0.7 * WIDTH, 76.0 + 26.0 * languages.len() as f64);
    let title = "What 1,000 further pairs would take off the weighted loss, nats per target token";
    let title = fitted(&picture, 14.0, title, picture.width - 20.0);
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let names: Vec<_> = languages
        .iter()
        .map(|allocated| fitted(&picture, 12.0, &report.name(&allocated.lang), 160.0))
        .collect();
    let widest = names.iter().map(|name| picture.text_width(12.0, name)).fold(40.0, f64::max);
    let panel = Panel {
        left: 16.0 + widest,
        top: 50.0,
        right: picture.width - 150.0,
        bottom: picture.height - 14.0,
    };
    let price = 1000.0 * comparison.allocation.shadow_price;
    let most =
        languages.iter().map(|allocated| allocated.marginal_gain_per_1k).fold(price, f64::max);
    let x = Axis::linear((0.0, most.max(f64::MIN_POSITIVE)), panel.across(), Unit::Nats);
    for (at, (allocated, name)) in languages.iter().zip(names).enumerate() {
        let y = panel.top + 26.0 * at as f64 + 13.0;
        let end = x.at(allocated.marginal_gain_per_1k.max(0.0));
        picture.rect((panel.left, y - 8.0), (end, y + 8.0), color(report, &allocated.lang));
        picture.text((panel.left - 6.0, y), 12.0, Anchor::End, TEXT, name);
        let bound = match allocated.active {
            Active::None => "",
            Active::Lower => ", at its least",
            Active::Floor => ", at its floor",
            Active::Upper => ", at its most",
        };
        let note = format!("{}{bound}", eye::significant(allocated.marginal_gain_per_1k, 3));
        picture.rect(
            (end + 2.0, y - 8.0),
            (end + 8.0 + picture.text_width(11.0, &note), y + 8.0),
            super::WHITE,
        );
        picture.text((end + 6.0, y), 11.0, Anchor::Start, TEXT, note);
    }
    picture.line([(panel.left, panel.top), (panel.left, panel.bottom)], 1.0, GRID);
    picture.dashed([(x.at(price), panel.top - 4.0), (x.at(price), panel.bottom)], 3.5, 1.2, TEXT);
    let label = format!("shadow price of the budget {}", eye::significant(price, 3));
    let half = picture.text_width(11.0, &label) / 2.0;
    let middle = x.at(price).clamp(half + 8.0, picture.width - half - 8.0);
    picture.text((middle, panel.top - 12.0), 11.0, Anchor::Middle, FAINT, label);
    picture
}
