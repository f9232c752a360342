//! Plots: report → pictures. Colours are safe for colour-blind eyes, and a language keeps its
//! colour in all of them.

mod axis;
mod bars;
mod budget;
mod curves;
mod layers;
mod other_languages;
mod panel;
mod pareto;
mod picture;
mod residuals;
mod similarity;
mod transfer;
mod validation;

pub use bars::{allocation, marginal, policy_name};
pub use budget::budget;
pub use curves::curves;
pub use layers::{Line, layers, plane};
pub use other_languages::other_languages;
pub use pareto::pareto;
pub use picture::{Anchor, Ink, Picture, PlotError};
pub use residuals::residuals;
pub use similarity::similarity;
pub use transfer::transfer;
pub use validation::validation;

use super::Report;

/// Width of a full picture, CSS pixels.
const WIDTH: f64 = 960.0;

const TEXT: Ink = Ink(34, 34, 34, 1.0);
const FAINT: Ink = Ink(110, 110, 110, 1.0);
const GRID: Ink = Ink(226, 226, 226, 1.0);
const WHITE: Ink = Ink(255, 255, 255, 1.0);
const ACCENT: Ink = Ink(0, 90, 156, 1.0);
/// What a corpus limits: its unique pairs, and caps.
const CAP: Ink = Ink(178, 24, 43, 1.0);

/// Okabe and Ito's colours without yellow and black, then Tol's muted ones, which keep apart from
/// them.
const PALETTE: [Ink; 14] = [
    Ink(0, 114, 178, 1.0),
    Ink(230, 159, 0, 1.0),
    Ink(0, 158, 115, 1.0),
    Ink(204, 121, 167, 1.0),
    Ink(213, 94, 0, 1.0),
    Ink(86, 180, 233, 1.0),
    Ink(136, 34, 85, 1.0),
    Ink(153, 153, 51, 1.0),
    Ink(51, 34, 136, 1.0),
    Ink(170, 68, 153, 1.0),
    Ink(17, 119, 51, 1.0),
    Ink(221, 204, 119, 1.0),
    Ink(102, 37, 6, 1.0),
    Ink(136, 136, 136, 1.0),
];

/// The pictures that the report has the numbers for, each with its file name, in the order of the
/// page.
pub fn pictures(report: &Report) -> Vec<(&'static str, Picture)> {
    let comparison = report.comparison;
    let all = [
        ("curves", (!report.fits.is_empty()).then(|| curves(report))),
        ("residuals", (!report.fits.is_empty()).then(|| residuals(report))),
        ("allocation", comparison.map(|comparison| allocation(report, comparison))),
        ("budget", (!report.path.is_empty()).then(|| budget(report))),
        ("marginal", comparison.map(|comparison| marginal(report, comparison))),
        (
            "pareto",
            comparison
                .filter(|_| report.front.len() > 1)
                .map(|comparison| pareto(report, comparison)),
        ),
        ("other-languages", other_languages(report)),
        ("transfer", report.transfer.map(|found| transfer(report, found))),
    ];
    all.into_iter().filter_map(|(name, picture)| Some((name, picture?))).collect()
}

fn color(report: &Report, code: &str) -> Ink {
    PALETTE[report.rank(code) % PALETTE.len()]
}

/// The text, cut with an ellipsis where it is wider than `width`.
fn fitted(picture: &Picture, size: f64, text: &str, width: f64) -> String {
    if picture.text_width(size, text) <= width {
        return text.to_owned();
    }
    let mut cut = text.to_owned();
    while !cut.is_empty() && picture.text_width(size, &format!("{cut}…")) > width {
        cut.pop();
    }
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{Sample, extremes};

    /// Tags of an SVG that are not closed; empty for a well-formed one.
    fn open_tags(svg: &str) -> Vec<&str> {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("a tag ends");
            assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') || tag.starts_with('!') => {}
                None => open.extend(tag.split_whitespace().next()),
            }
        }
        open
    }

    #[test]
    fn every_picture_is_well_formed_and_deterministic() {
        for sample in [Sample::languages(1), Sample::languages(2), Sample::languages(13)]
            .into_iter()
            .chain(extremes())
        {
            let report = sample.report();
            for ((name, picture), (_, again)) in
                pictures(&report).into_iter().zip(pictures(&report))
            {
                let svg = picture.svg().unwrap();
                assert!(open_tags(&svg).is_empty(), "{name}");
                assert!(!svg.contains("NaN"), "{name}");
                assert_eq!(svg, again.svg().unwrap(), "{name}");
            }
        }
    }

    #[test]
    fn a_png_is_twice_the_picture_and_the_same_each_time() {
        let sample = Sample::languages(2);
        let picture = curves(&sample.report());
        let png = picture.png().unwrap();
        let read = image::load_from_memory(&png).unwrap();
        assert_eq!(f64::from(read.width()), 2.0 * picture.width);
        assert_eq!(png, picture.png().unwrap());
    }

    #[test]
    fn names_are_escaped_and_cut() {
        let sample = Sample::languages(2).named("lng_a", "<script>alert(1)</script>");
        let svg = curves(&sample.report()).svg().unwrap();
        assert!(!svg.contains("<script"));
        let picture = Picture::new(10.0, 10.0);
        assert_eq!(fitted(&picture, 12.0, "Thai", 100.0), "Thai");
        assert!(fitted(&picture, 12.0, "a very long name of a language", 60.0).ends_with('…'));
    }
}
