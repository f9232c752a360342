//! The heat map of fitted transfer: what pairs of one language are worth to another.

use super::{Anchor, FAINT, Ink, Picture, TEXT, WHITE, WIDTH, fitted};
use crate::fit::transfer::{TauRow, TransferFit};
use crate::report::Report;
use crate::units::Interval;

const HELPS: Ink = Ink(33, 102, 172, 1.0);
const HARMS: Ink = Ink(178, 24, 43, 1.0);
/// Cells above this strength carry white text.
const STRONG: f64 = 0.55;
const LEFT: f64 = 126.0;
const TOP: f64 = 72.0;

/// Rows gain or lose by the pairs of columns.
pub fn transfer(report: &Report, transfer: &TransferFit) -> Picture {
    let count = transfer.langs.len();
    let names: Vec<String> = transfer.langs.iter().map(|lang| report.name(lang)).collect();
    let side = ((WIDTH - LEFT - 4.0) / count as f64).min(96.0);
    let height = side.min(44.0);
    let mut picture = Picture::new(
        (LEFT + 4.0 + side * count as f64).max(640.0),
        TOP + 10.0 + height * count as f64,
    );
    let title = "What 100 pairs of the column's language bring to the row's, in pairs of its own";
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let below =
        format!("{} mixtures; 90 % interval below; faint where it holds 0", transfer.mixtures);
    picture.text((10.0, 33.0), 12.0, Anchor::Start, FAINT, below);
    let strongest = transfer.tau.iter().map(|row| row.tau.value.abs()).fold(1e-9, f64::max);
    for (at, name) in names.iter().enumerate() {
        let column = fitted(&picture, 12.0, name, side - 4.0);
        picture.text(
            (LEFT + side * (at as f64 + 0.5), TOP - 14.0),
            12.0,
            Anchor::Middle,
            TEXT,
            column,
        );
        let row = fitted(&picture, 12.0, name, LEFT - 16.0);
        picture.text((LEFT - 8.0, TOP + height * (at as f64 + 0.5)), 12.0, Anchor::End, TEXT, row);
    }
    let place =
        |lang: &String| transfer.langs.iter().position(|known| known == lang).unwrap_or(0) as f64;
    for row in &transfer.tau {
        let corner = (LEFT + side * place(&row.from), TOP + height * place(&row.to));
        draw(&mut picture, corner, (side, height), row, strongest);
    }
    picture
}

fn draw(
    picture: &mut Picture,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
    row: &TauRow,
    strongest: f64,
) {
    let Interval { lo, hi } = row.tau.interval_90;
    let known = if row.tau.interval_90.contains(0.0) { 0.3 } else { 1.0 };
    let strength = known * (row.tau.value.abs() / strongest).sqrt();
    let ink = if row.tau.value < 0.0 { HARMS } else { HELPS };
    picture.rect(
        (left + 1.0, top + 1.0),
        (left + width - 1.0, top + height - 1.0),
        ink.alpha(0.04 + 0.9 * strength),
    );
    let text = match (strength > STRONG, row.tau.interval_90.contains(0.0)) {
        (true, _) => WHITE,
        (false, true) => FAINT,
        (false, false) => TEXT,
    };
    let middle = (left + width / 2.0, top + height / 2.0);
    picture.text((middle.0, middle.1 - 7.0), 12.0, Anchor::Middle, text, signed(row.tau.value));
    let small = if width < 80.0 { 8.0 } else { 9.5 };
    let interval =
        fitted(picture, small, &format!("{} to {}", signed(lo), signed(hi)), width - 3.0);
    picture.text((middle.0, middle.1 + 9.0), small, Anchor::Middle, text, interval);
}

/// Of a hundred pairs, one decimal with a true minus.
fn signed(tau: f64) -> String {
    let digits = format!("{:.1}", 100.0 * tau.abs());
    let sign = if tau < 0.0 && digits != "0.0" { "\u{2212}" } else { "" };
    format!("{sign}{digits}")
}
