//! Published curves: the errors of extrapolation, and how often the intervals held what was
//! measured.

use parallot::curve::{Curve, Point};
use parallot::fit::{Fit, Settings, fit, fit_family};
use parallot::law::Form;
use std::collections::BTreeMap;
use std::path::PathBuf;

type Pairs = Vec<(f64, f64)>;

fn rows(file: &str) -> Vec<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fitdata").join(file);
    let text = parallot::files::read_text(&path).expect("the published curves");
    text.lines().map(fields).collect()
}

/// Fields of a line; quotes hold commas together.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("a field").push(other),
        }
    }
    fields
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn curve(name: &str, points: &Pairs) -> Curve {
    let point = |&(pairs, loss_nats): &(f64, f64)| Point { pairs, loss_nats, seed: 0 };
    Curve::new(name, points.iter().map(point).collect()).expect("a curve")
}

/// Curves of a family, fitted together or each alone.
fn fits(curves: &[Curve], alone: bool) -> Vec<Fit> {
    let settings = Settings::default();
    if alone {
        return curves.iter().map(|curve| fit(curve, &settings).expect("a fit")).collect();
    }
    fit_family(&curves.iter().collect::<Vec<_>>(), &settings).expect("fits")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2])
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let dot = |x: &[f64], mx: f64, y: &[f64], my: f64| {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>()
    };
    dot(a, ma, b, mb) / (dot(a, ma, a, ma) * dot(b, mb, b, mb)).sqrt()
}

/// Forms by their mean weight over the fits, the three largest.
fn leading(fits: &[Fit]) -> String {
    let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
    for candidate in fits.iter().flat_map(|fit| &fit.candidates) {
        *weights.entry(candidate.law.form().name()).or_default() +=
            candidate.weight_beyond / fits.len() as f64;
    }
    let mut weights: Vec<_> = weights.into_iter().collect();
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    weights
        .iter()
        .take(3)
        .map(|(name, weight)| format!("{name} {weight:.2}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// RMSLE over the rows to be predicted, mean over the curves of a domain; PARALLOT_CUT=2 asks for
/// the second half of the fitting part instead.
pub fn revisiting() {
    let cut: f64 = std::env::var("PARALLOT_CUT").map_or(1.0, |cut| number(&cut));
    let mut curves: BTreeMap<String, BTreeMap<String, (Pairs, Pairs)>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for row in &rows("revisiting/dev.csv")[1..] {
        let (domain, name) = (row[0].clone(), format!("{} {}", row[1], row[2]));
        if !order.contains(&domain) {
            order.push(domain.clone());
        }
        let (fitting, asked) = curves.entry(domain).or_default().entry(name).or_default();
        let part = if row[5] == "1" { fitting } else { asked };
        let point = (number(&row[3]), number(&row[4]));
        // the language-model rows are repeated in the source
        if !part.contains(&point) {
            part.push(point);
        }
    }
    for domain in order {
        let parts: Vec<(String, Pairs, Pairs)> =
            curves[&domain].iter().map(|(name, (a, b))| shorten(name, a, b, cut)).collect();
        let curves: Vec<Curve> =
            parts.iter().map(|(name, fitting, _)| curve(name, fitting)).collect();
        for alone in [false, true] {
            let start = std::time::Instant::now();
            let fits = fits(&curves, alone);
            let seconds = start.elapsed().as_secs_f64();
            let mut held = (0, 0);
            let mut run_held = 0;
            let error = |(fit, (_, _, asked)): (&Fit, &(String, Pairs, Pairs))| {
                let squares: Vec<f64> = asked
                    .iter()
                    .map(|&(x, loss)| {
                        let prediction = fit.predict(x);
                        held = (
                            held.0 + usize::from(prediction.interval_90.contains(loss)),
                            held.1 + 1,
                        );
                        run_held += usize::from(fit.predict_run(x).interval_90.contains(loss));
                        (prediction.value / loss).ln().powi(2)
                    })
                    .collect();
                mean(&squares).sqrt()
            };
            let errors: Vec<f64> = fits.iter().zip(&parts).map(error).collect();
            let share = 100.0 * held.0 as f64 / held.1 as f64;
            let run_share = 100.0 * run_held as f64 / held.1 as f64;
            let how = if alone { "each alone" } else { "one family" };
            println!(
                "{domain:4} {how}: mean RMSLE {:.5} over {} curves; 90 % interval held {share:.0} \
                % of {} points ({run_share:.0} % with the noise of a run); {}; {seconds:.2} s",
                mean(&errors),
                errors.len(),
                held.1,
                leading(&fits)
            );
            if std::env::var("PARALLOT_VERBOSE").is_ok() {
                errors
                    .iter()
                    .zip(&parts)
                    .for_each(|(error, part)| println!("     {error:.5} {}", part.0));
            }
        }
    }
}

fn shorten(name: &str, fitting: &Pairs, asked: &Pairs, cut: f64) -> (String, Pairs, Pairs) {
    if cut == 1.0 {
        return (name.to_owned(), fitting.clone(), asked.clone());
    }
    let last = fitting.iter().map(|point| point.0).fold(0.0, f64::max) / cut;
    let (kept, beyond): (Pairs, Pairs) = fitting.iter().partition(|point| point.0 <= last);
    (name.to_owned(), kept, beyond.into_iter().filter(|point| point.0 <= 2.0 * last).collect())
}

/// Models, their losses at the 14 sizes from 200, and the sizes.
fn models() -> (Vec<String>, Vec<Vec<f64>>, Vec<f64>) {
    let rows = rows("finetune/flan.csv");
    let sizes = rows[0][2..16].iter().map(|text| number(text)).collect();
    let losses =
        rows[1..].iter().map(|row| row[2..16].iter().map(|text| number(text)).collect()).collect();
    (rows[1..].iter().map(|row| row[0].clone()).collect(), losses, sizes)
}

/// ln RMSD of the rectified law on all sizes against the published one.
pub fn in_sample() {
    let (names, losses, sizes) = models();
    let published: BTreeMap<String, f64> = rows("finetune/published_rmsd_flan.csv")[1..]
        .iter()
        .map(|row| (row[0].clone(), number(&row[1])))
        .collect();
    for (label, forms) in [("rectified", vec![Form::Rectified]), ("auto", Form::ALL.to_vec())] {
        let mut ratios = Vec::new();
        for (name, losses) in names.iter().zip(&losses) {
            let points: Pairs = sizes.iter().copied().zip(losses.iter().copied()).collect();
            let settings = Settings { forms: forms.clone(), draws: 0, ..Settings::default() };
            let fit = fit(&curve(name, &points), &settings).expect("a fit");
            let squares: Vec<f64> = points
                .iter()
                .map(|&(x, loss)| (fit.predict(x).value / loss).ln().powi(2))
                .collect();
            ratios.push(mean(&squares).sqrt() / published[name]);
        }
        let below = ratios.iter().filter(|&&ratio| ratio <= 1.0).count();
        let most = ratios.iter().copied().fold(0.0, f64::max);
        println!(
            "{label}: at or below the published error on {below} of {}; ratio median {:.3}, \
            largest {most:.3}",
            ratios.len(),
            median(ratios.clone())
        );
    }
}

/// Pearson correlation and median ln error at the largest size from the sizes up to each budget,
/// beside the published selectors.
pub fn flan() {
    let (names, losses, sizes) = models();
    let target = losses.iter().map(|losses| losses[13]).collect::<Vec<_>>();
    let published = rows("finetune/published_select_flan.csv");
    let mut sums = [0.0; 6];
    let budgets = 4..=10;
    let count = budgets.clone().count() as f64;
    for last in budgets {
        let points = |losses: &Vec<f64>| -> Pairs {
            sizes[..=last].iter().copied().zip(losses[..=last].iter().copied()).collect()
        };
        let curves: Vec<Curve> =
            names.iter().zip(&losses).map(|(name, losses)| curve(name, &points(losses))).collect();
        let fits = fits(&curves, false);
        let predictions: Vec<_> = fits.iter().map(|fit| fit.predict(sizes[13])).collect();
        let predicted: Vec<f64> = predictions.iter().map(|prediction| prediction.value).collect();
        let held = predictions
            .iter()
            .zip(&target)
            .filter(|(prediction, loss)| prediction.interval_90.contains(**loss))
            .count();
        let line: Vec<f64> = losses
            .iter()
            .map(|losses| line(&sizes[last - 2..=last], &losses[last - 2..=last], sizes[13]))
            .collect();
        let error = |predicted: &[f64]| {
            median(predicted.iter().zip(&target).map(|(a, b)| (a / b).ln().abs()).collect())
        };
        let method = |method: &str| {
            let row = published.iter().find(|row| {
                row[2] == sizes[last].to_string() && row[4] == "PearCorr" && row[5] == method
            });
            row.map_or(f64::NAN, |row| number(&row[6]))
        };
        let found = [
            pearson(&predicted, &target),
            error(&predicted),
            pearson(&line, &target),
            error(&line),
            method("AtS"),
            method("OurFit"),
        ];
        sums.iter_mut().zip(found).for_each(|(sum, found)| *sum += found / count);
        let [r, e, line_r, line_e, ats, rectified] = found;
        println!(
            "up to {:6}: Pearson {r:.3}, median ln error {e:.3}, 90 % held {held} of 30; line \
            {line_r:.3}, {line_e:.3}; AtS {ats:.3}; rectified {rectified:.3}; {}",
            sizes[last],
            leading(&fits)
        );
    }
    let [r, e, line_r, line_e, ats, rectified] = sums;
    println!(
        "mean         : Pearson {r:.3}, median ln error {e:.3}; line {line_r:.3}, {line_e:.3}; AtS \
        {ats:.3}; rectified {rectified:.3}"
    );
}

/// A straight line in logarithms through three points.
fn line(x: &[f64], loss: &[f64], at: f64) -> f64 {
    let (x, y): (Vec<f64>, Vec<f64>) =
        (x.iter().map(|x| x.ln()).collect(), loss.iter().map(|loss| loss.ln()).collect());
    let (mx, my) = (mean(&x), mean(&y));
    let slope = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>()
        / x.iter().map(|x| (x - mx).powi(2)).sum::<f64>();
    (my + slope * (at.ln() - mx)).exp()
}
