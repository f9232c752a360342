//! Similarity: each gamma against how high the curve of its language lies.

use super::axis::{Axis, Unit};
use super::panel::{Mark, Panel, legend};
use super::{Anchor, FAINT, PALETTE, Picture, TEXT, WIDTH, fitted};
use crate::similarity::{Gamma, Likeness, Measure, Predictor, Similarity, Trial};
use crate::units::Lang;

/// One panel per gamma, a dot per language: if gamma predicted the curves, the dots would lie on a
/// falling line. The whisker is the gamma's 90 % interval.
pub fn similarity(similarity: &Similarity) -> Picture {
    let mut picture = Picture::new(WIDTH, 440.0);
    let title = fitted(
        &picture,
        14.0,
        "Similarity to English, and how high the curve of each language lies",
        WIDTH - 20.0,
    );
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let entries: Vec<_> = similarity
        .languages
        .iter()
        .enumerate()
        .map(|(at, row)| (Mark::Dot(ink(at)), name(&row.lang)))
        .collect();
    let top = legend(&mut picture, (10.0, 38.0), &entries) + 56.0;
    let Some(trial) = similarity.trials.first() else { return picture };
    let bottom = picture.height - 44.0;
    for (at, gamma) in Gamma::ALL.into_iter().enumerate() {
        let left = at as f64 * WIDTH / 2.0;
        draw(
            &mut picture,
            similarity,
            trial,
            gamma,
            &Panel { left: left + 56.0, top, right: left + WIDTH / 2.0 - 16.0, bottom },
        );
    }
    picture
}

fn draw(
    picture: &mut Picture,
    similarity: &Similarity,
    trial: &Trial,
    gamma: Gamma,
    panel: &Panel,
) {
    let interval = |row: &Likeness| match gamma {
        Gamma::Cosine => [row.cosine.gamma.interval_90.lo, row.cosine.gamma.interval_90.hi],
        Gamma::Vocabulary => [row.gamma(gamma); 2],
    };
    let ends_x = ends(
        similarity
            .languages
            .iter()
            .flat_map(|row| interval(row).into_iter().chain([row.gamma(gamma)])),
        1.08,
    );
    // both axes go by logarithms, as the law does
    let x = Axis::log(ends_x, panel.across(), Unit::Nats);
    let y = Axis::log(
        ends(trial.levels_log.iter().map(|level| level.exp()), 1.02),
        panel.up(),
        Unit::Nats,
    );
    panel.draw_y(picture, &y, 6);
    panel.draw_x(picture, &x, 6);
    let middle = (panel.left + panel.right) / 2.0;
    let under = match gamma {
        Gamma::Cosine => "gamma by cosine: beyond that of strangers, middle layers",
        Gamma::Vocabulary => "gamma by vocabulary: tokens in common",
    };
    picture.text((middle, panel.bottom + 32.0), 12.0, Anchor::Middle, FAINT, under);
    let unit = match trial.measure {
        Measure::Content => "nats a byte of English",
        Measure::Fall => "loss over that of the base",
    };
    picture.text((panel.left - 46.0, panel.top - 14.0), 12.0, Anchor::Start, FAINT, unit);
    let error = |predictor| {
        trial
            .score(predictor)
            .map_or_else(|| "none".to_owned(), |score| format!("{:.3}", score.rms_log))
    };
    let (none, paper, free) =
        (error(Predictor::None), error(Predictor::Paper(gamma)), error(Predictor::Free(gamma)));
    let note = format!("error {none} without gamma, {paper} as in the paper, {free} free");
    let note = fitted(picture, 12.0, &note, panel.right - panel.left + 40.0);
    picture.text((panel.left - 46.0, panel.top - 34.0), 12.0, Anchor::Start, TEXT, note);
    for (at, (row, level)) in similarity.languages.iter().zip(&trial.levels_log).enumerate() {
        let value = row.gamma(gamma);
        if value > 0.0 && level.is_finite() {
            let height = y.at(level.exp());
            picture.line(interval(row).map(|end| (x.at(end), height)), 1.6, ink(at).alpha(0.6));
            picture.dot((x.at(value), height), 4.5, ink(at));
        }
    }
}

fn ink(at: usize) -> super::Ink {
    PALETTE[at % PALETTE.len()]
}

fn name(code: &str) -> String {
    code.parse::<Lang>().map_or_else(|_| code.to_owned(), |lang| lang.name().to_owned())
}

/// The range of the values above 0, wider by a factor at both ends.
fn ends(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite() && *value > 0.0);
    let (lo, hi) =
        finite.fold((f64::INFINITY, 0.0_f64), |(lo, hi), value| (lo.min(value), hi.max(value)));
    if lo > hi { (0.1, 1.0) } else { (lo / margin, hi * margin) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::{Cosine, Overlap};
    use crate::units::{Estimate, Interval};

    #[test]
    fn a_gamma_that_is_not_above_zero_is_left_out() {
        let language = |lang: &str, gamma: f64| Likeness {
            lang: lang.to_owned(),
            sentences: 10,
            cosine: Cosine {
                parallel: 0.5,
                random: 0.4,
                gamma: Estimate {
                    value: gamma,
                    interval_90: Interval { lo: gamma - 0.1, hi: gamma + 0.1 },
                },
            },
            vocabulary: Overlap { english_tokens: 10, other_tokens: 10, gamma: 0.0, types: 0.1 },
            target_tokens: 10,
            english_bytes: 10,
        };
        let similarity = Similarity {
            parallot: "0".to_owned(),
            command: None,
            source: "x".to_owned(),
            fits_sha256: String::new(),
            base_id: String::new(),
            layers: vec![2],
            languages: vec![
                language("rus_Cyrl", -0.1),
                language("ell_Grek", 0.2),
                language("qaa_Latn", f64::NAN),
            ],
            trials: vec![Trial {
                measure: Measure::Content,
                levels_log: vec![0.1, 0.2, f64::NAN],
                scores: Vec::new(),
            }],
            verdict: String::new(),
        };
        let svg = super::similarity(&similarity).svg().unwrap();
        assert!(svg.contains("Greek") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3 + 1, "the legend, and one dot");
    }
}
