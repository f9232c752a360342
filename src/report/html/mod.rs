//! The page: one HTML file that needs nothing else, reads on paper and on a phone, and shows the
//! numbers of the CSV beside it.

mod markup;
mod tables;
mod validation;

use super::{Report, ReportError, comment, eye, plot};
use crate::allocate::Comparison;
use crate::fit::Basis;
use crate::fit::transfer::TransferFit;
use markup::escape;
use std::collections::BTreeSet;
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// A part of the page.
struct Section {
    anchor: &'static str,
    title: &'static str,
    body: String,
}

/// The report as one self-contained HTML page.
pub fn page(report: &Report) -> Result<String, ReportError> {
    let sections = sections(report)?;
    let title = format!("{} – parallot", escape(report.title));
    let mut html = format!(
        "<!doctype html>\n{}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        comment(&escape(&report.provenance.stamp()))
    );
    let _ = write!(
        html,
        "<meta name=\"viewport\" content=\"width=device-width, \
        initial-scale=1\">\n<title>{title}</title>\n"
    );
    let _ = write!(
        html,
        "<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
        escape(report.title)
    );
    let _ = writeln!(
        html,
        "<p class=\"faint\">How many translation pairs each language gets. parallot {}</p>",
        escape(&report.provenance.parallot)
    );
    html.push_str("<nav>");
    for section in &sections {
        let _ = write!(html, "<a href=\"#{}\">{}</a> ", section.anchor, section.title);
    }
    html.push_str("</nav>\n");
    for Section { anchor, title, body } in &sections {
        let _ = write!(
            html,
            "<section id=\"{anchor}\">\n<h2><a \
            href=\"#{anchor}\">{title}</a></h2>\n{body}</section>\n"
        );
    }
    html.push_str("</body>\n</html>\n");
    Ok(html)
}

fn sections(report: &Report) -> Result<Vec<Section>, ReportError> {
    let figures = figures(report)?;
    let figure =
        |name: &str| figures.iter().find(|(found, _)| *found == name).map(|(_, svg)| svg.clone());
    let comparison = report.comparison;
    let laws = (!report.fits.is_empty()).then(|| {
        format!(
            "{LAWS}{}{}{}",
            tables::fits(report),
            tables::parameters(report),
            repetition_note(report)
        )
    });
    let parts = [
        ("verdict", "Verdict", comparison.map(|comparison| verdict(report, comparison))),
        ("validation", "Validation", validation::section(report)?),
        (
            "curves",
            "Loss against data",
            figure("curves").map(|svg| svg + CURVES + if report.repeats() { RINGS } else { "" }),
        ),
        ("residuals", "Residuals", figure("residuals").map(|svg| svg + RESIDUALS)),
        ("laws", "Laws", laws),
        ("allocation", "Allocation", figure("allocation").map(|svg| svg + ALLOCATION)),
        ("budget", "Budget path", figure("budget").map(|svg| svg + BUDGET)),
        ("marginal", "Marginal value", figure("marginal").map(|svg| svg + MARGINAL)),
        ("pareto", "Mean and worst", figure("pareto").map(|svg| svg + PARETO)),
        (
            "policies",
            "Policies",
            comparison.map(|comparison| {
                tables::policies(report, comparison) + &policies_note(comparison)
            }),
        ),
        (
            "other-languages",
            "Loss on other languages",
            figure("other-languages").map(|svg| svg + OTHER_LANGUAGES),
        ),
        (
            "transfer",
            "Transfer",
            report
                .transfer
                .zip(figure("transfer"))
                .map(|(found, svg)| svg + &transfer_note(report, found)),
        ),
        ("similarity", "Similarity", similarity(report)?),
        ("provenance", "Provenance", Some(provenance(report))),
    ];
    let present = parts
        .into_iter()
        .filter_map(|(anchor, title, body)| Some(Section { anchor, title, body: body? }));
    Ok(present.collect())
}

const CURVES: &str = "<p class=\"faint\">Each point is one run on one language alone, evaluated on \
a fixed set; \
the tick at the left is the base model. Beyond the largest size run the law is an extrapolation, \
drawn grey. Data: <code>curves.csv</code>.</p>\n";
const RINGS: &str = "<p class=\"faint\">Rings are runs that repeat pairs. No law was fitted to \
them: they say what repeats are worth, \
by which the law bends beyond the unique pairs.</p>\n";
const RESIDUALS: &str = "<p class=\"faint\">Held-out error: the law fitted without the largest \
sizes, against what was measured there. \
It is what an allocation rests on; a fit to points already seen is not.</p>\n";
const LAWS: &str = "<p class=\"faint\">Held-out error and noise are root mean squares of the \
relative error. Intervals are over the draws of the laws. \
Data: <code>laws.csv</code>.</p>\n";
const ALLOCATION: &str = "<p class=\"faint\">Whiskers: 90 % of the allocations when the problem is \
solved anew for every draw of the laws. \
Data: <code>allocation.csv</code>.</p>\n";
const BUDGET: &str = "<p class=\"faint\">The best mix depends on the scale: a share that is right \
for a small budget is not for a large one. \
Data: <code>budget.csv</code>.</p>\n";
const MARGINAL: &str = "<p class=\"faint\">At the optimum all bars are equal, except for languages \
held by a bound: \
a bar that sticks out says what more data of that language would be worth.</p>\n";
const PARETO: &str = "<p class=\"faint\">What holding the worst language to a loss costs the mean; \
the line is proven, policies above it are \
dominated. Data: <code>pareto.csv</code>, <code>policies.csv</code>.</p>\n";
const OTHER_LANGUAGES: &str = "<p class=\"faint\">Blue: tuning on the row's language alone lowers \
the loss on the column's. The allocation counts the diagonal only, \
unless transfer was asked for.</p>\n";

fn transfer_note(report: &Report, transfer: &TransferFit) -> String {
    let percent = |log: f64| eye::significant(100.0 * log, 3);
    let left_out: Vec<String> = (transfer.untuned.iter())
        .map(|row| {
            format!(
                "{} {:+.0} %",
                escape(&report.name(&row.lang)),
                100.0 * row.change_log.value.exp_m1()
            )
        })
        .collect();
    let untuned = match left_out.is_empty() {
        true => String::new(),
        false => format!(
            "<p class=\"faint\">Languages that a mixture leaves out or that none is tuned on, loss \
            against the base model, mean over such mixtures: {}. Data: \
             <code>untuned.csv</code>.</p>\n",
            left_out.join(", ")
        ),
    };
    untuned
        + &format!(
            "<p class=\"faint\">From models tuned on mixtures: a pair of the column's language \
            counts as so many of the row's. Mixtures left out of \
         the fit are predicted to {} % with transfer and to {} % without. Data: \
            <code>transfer.csv</code>.</p>\n",
            percent(transfer.held_out.coupled_log),
            percent(transfer.held_out.separable_log)
        )
}

/// What the effective data of repeats rest on; nothing where none is known.
fn repetition_note(report: &Report) -> String {
    let of = |basis: Basis| {
        let fits = report.fits.iter().filter(|fit| {
            fit.repetition.as_ref().is_some_and(|repetition| repetition.basis == basis)
        });
        fits.map(|fit| escape(&report.name(&fit.curve))).collect::<Vec<_>>().join(", ")
    };
    let (measured, family, prior) = (of(Basis::Measured), of(Basis::Family), of(Basis::Prior));
    let mut parts = Vec::new();
    parts.extend((!measured.is_empty()).then(|| format!("by its own runs for {measured}")));
    parts.extend((!family.is_empty()).then(|| format!("by the runs of the others for {family}")));
    parts.extend(
        (!prior.is_empty()).then(|| "by its prior alone, since no run repeats a pair".to_owned()),
    );
    if parts.is_empty() {
        return String::new();
    }
    format!(
        "<p class=\"faint\">r_star: passes over the unique pairs that all repeats together are \
        worth at most; known {}.</p>\n",
        parts.join(", ")
    )
}

const SIMILARITY: &str = "<p class=\"faint\">Gamma of the paper's law by two recipes of our own, \
as the paper gives none; each language's curve was predicted from \
those of the others. Data: <code>similarity.csv</code>.</p>\n";

/// The pictures as inline SVG.
fn figures(report: &Report) -> Result<Vec<(&'static str, String)>, ReportError> {
    plot::pictures(report)
        .into_iter()
        .map(|(name, picture)| Ok((name, inline(name, &picture)?)))
        .collect()
}

fn inline(name: &'static str, picture: &plot::Picture) -> Result<String, ReportError> {
    let svg = picture.svg().map_err(|cause| ReportError::Plot { plot: name, cause })?;
    // the namespace is implied inside HTML, and the page shall hold no address
    let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", " role=\"img\"", 1);
    Ok(format!("<figure>\n{svg}</figure>\n"))
}

fn similarity(report: &Report) -> Result<Option<String>, ReportError> {
    let Some(similarity) = report.similarity else { return Ok(None) };
    let picture = inline("similarity", &plot::similarity(similarity))?;
    Ok(Some(format!(
        "{picture}<p>{}.</p>\n{SIMILARITY}",
        escape(&capitalised(&similarity.verdict))
    )))
}

fn capitalised(sentence: &str) -> String {
    let mut sentence = sentence.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

/// Text in which words between backticks are code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(
            |(at, part)| {
                if at % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) }
            },
        )
        .collect()
}

fn verdict(report: &Report, comparison: &Comparison) -> String {
    let allocation = &comparison.allocation;
    let mut html = String::from("<div class=\"verdict\">\n");
    if let Some(verdict) = report.verdict {
        let _ = writeln!(
            html,
            "<p class=\"sentence\">{}.</p>",
            escape(&capitalised(&verdict.headline()))
        );
        for line in verdict.beside() {
            let _ = writeln!(html, "<p>{}.</p>", escape(&capitalised(&line)));
        }
    }
    if let Some(worth) = &report.worth {
        let _ = writeln!(html, "<p>{}.</p>", escape(&capitalised(worth)));
    }
    if let Some(to_know) = &report.to_know {
        let _ = writeln!(html, "<p>To know: {}.</p>", with_code(to_know));
    }
    let _ = writeln!(
        html,
        "<p>Budget {}; objective, the weighted sum of losses: {} nats per target token; certified \
        gap to the optimum: {} of the reducible loss. \
         The table is of the allocation of parallot, uniform beside it.</p>",
        eye::budget(allocation.budget),
        eye::significant(allocation.objective, 5),
        eye::significant(allocation.gap, 2),
    );
    html.push_str(&tables::verdict(report, comparison));
    html.push_str("</div>\n");
    html
}

fn policies_note(comparison: &Comparison) -> String {
    let draws = eye::grouped(comparison.draws as u64);
    let flattered = match comparison.policies.iter().any(|row| row.policy.is_of_draws()) {
        true => {
            " The policies over draws are chosen by the draws that predict here, which flatters: \
            no reason to prefer them to parallot."
        }
        false => "",
    };
    format!(
        "<p class=\"faint\">Predicted over {draws} draws of the laws, {}. A positive gain is a \
        lower loss than uniform.{flattered} Data: \
         <code>policies.csv</code>.</p>\n",
        comparison.predicted_by
    )
}

fn provenance(report: &Report) -> String {
    let provenance = &report.provenance;
    let mut html = String::from("<dl>\n");
    let mut item = |term: &str, value: &str| {
        let _ = writeln!(html, "<dt>{term}</dt><dd>{}</dd>", escape(value));
    };
    item("parallot", &provenance.parallot);
    for (name, sha256) in &provenance.inputs {
        item(&format!("{name}, SHA-256"), sha256);
    }
    if !report.records.is_empty() {
        let seeds: BTreeSet<u64> = report.records.iter().map(|record| record.seed).collect();
        let seeds: Vec<_> = seeds.into_iter().map(|seed| seed.to_string()).collect();
        let computing: Vec<_> = report
            .seconds_by_device()
            .iter()
            .map(|(device, seconds)| format!("{} on {device}", eye::duration(*seconds)))
            .collect();
        item("runs", &eye::grouped(report.records.len() as u64));
        item("runs that did not finish", &failures(report));
        item("seeds", &seeds.join(", "));
        item("computing", &computing.join(", "));
    }
    let _ = write!(
        html,
        "</dl>\n<p>To make this page again:</p>\n<pre>{}</pre>\n",
        escape(&provenance.command)
    );
    html
}

fn failures(report: &Report) -> String {
    let runs: Vec<_> = report.failed().map(|record| record.run_id.as_str()).collect();
    if runs.is_empty() { "none".to_owned() } else { format!("{}: {}", runs.len(), runs.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::Point;
    use crate::fit::RepetitionFit;
    use crate::record::Outcome;
    use crate::report::sample::{Sample, extremes};
    use crate::units::{Estimate, Interval};

    /// Values of every attribute of this name.
    fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
        html.split(&format!(" {name}=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect()
    }

    #[test]
    fn the_page_needs_nothing_else_and_is_small() {
        let html = page(&Sample::languages(13).report()).unwrap();
        assert!(html.len() < 2_000_000, "{} bytes", html.len());
        for word in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!html.contains(word), "{word}");
        }
        let (links, anchors) = (attributes(&html, "href"), attributes(&html, "id"));
        assert!(
            !links.is_empty()
                && links.iter().all(|link| anchors.contains(&link.trim_start_matches('#'))),
            "{links:?}"
        );
    }

    #[test]
    fn the_verdict_stands_first_and_the_command_last() {
        let sample = Sample::languages(3);
        let html = page(&sample.report()).unwrap();
        let verdict = html.find(&sample.comparison.verdict(None).headline()[1..]).unwrap();
        assert!(verdict < html.find("<svg").unwrap());
        assert!(
            html.find("parallot report sample --budget 200000").unwrap()
                > html.rfind("<svg").unwrap()
        );
    }

    #[test]
    fn the_page_leads_with_what_was_measured_and_names_what_lay_outside() {
        let bare = page(&Sample::languages(3).report()).unwrap();
        assert!(
            bare.contains("by prediction, not measured") && !bare.contains("id=\"validation\"")
        );
        let sample = Sample::languages(3).validated(150_000, -0.03);
        let html = page(&sample.report()).unwrap();
        let headline = html
            .find(
                "Keep uniform: uniform won in models tuned on 150,000 pairs: parallot gained \
            -0.0300 nats per language over uniform",
            )
            .unwrap();
        let predicted = html.find("Predicted is a gain over uniform of +0.0210").unwrap();
        assert!(
            headline < predicted
                && html[predicted..]
                    .contains("Measured at 150,000 pairs, not at the 200,000 asked for.")
        );
        let (section, curves) =
            (html.find("id=\"validation\"").unwrap(), html.find("id=\"curves\"").unwrap());
        assert!(predicted < section && section < curves, "right after the verdict");
        let section = &html[section..curves];
        assert!(
            section.contains("<svg") && section.contains("Predicted and measured, 150,000 pairs")
        );
        assert!(section.contains(
            "4 of 6 measured losses lie in their predicted 90 % intervals. Outside, by policy: \
            parallot: Arabic; uniform: Arabic."
        ));
        assert_eq!(section.matches("<td class=\"text\">outside</td>").count(), 2);
        assert!(!section.contains("have changed since") && !section.contains("<h3>"));
        assert!(
            html.contains("measured gain over uniform at 150,000 pairs"),
            "the table of policies"
        );
        let two = Sample::languages(3).validated(150_000, -0.03).validated(250_000, 0.05);
        let html = page(&two.report()).unwrap();
        assert!(
            html.contains("Parallot: parallot won in models tuned on 250,000 pairs")
                && html.contains("<h3>150,000 pairs</h3>")
        );
        let mut changed = two.report();
        changed.fits_sha256 = "0";
        assert_eq!(
            page(&changed)
                .unwrap()
                .matches("The fits have changed since: what is predicted")
                .count(),
            2
        );
    }

    #[test]
    fn no_chance_to_beat_anything_is_told() {
        for sample in [Sample::languages(3), Sample::languages(3).validated(150_000, 0.05)] {
            let html = page(&sample.report()).unwrap().to_lowercase();
            assert!(
                !html.contains("probability") && !html.contains("chance"),
                "a probability that nobody has checked"
            );
        }
    }

    #[test]
    fn names_and_titles_are_escaped() {
        let sample = Sample::languages(2).named("ara_Arab", "<script>alert(\"x\")</script>");
        let mut report = sample.report();
        report.title = "</title><b>";
        let html = page(&report).unwrap();
        assert!(!html.contains("<script") && !html.contains("<b>"));
        assert!(html.contains("&lt;script&gt;"));
    }

    #[test]
    fn failed_runs_are_named() {
        let mut sample = Sample::languages(2);
        sample.records[1].outcome = Outcome::Diverged { step: 7, reason: "loss is NaN".to_owned() };
        let html = page(&sample.report()).unwrap();
        assert!(html.contains(&format!("1: {}", escape(&sample.records[1].run_id))));
    }

    #[test]
    fn repeated_runs_are_rings_and_what_r_rests_on_is_said() {
        let mut sample = Sample::languages(2);
        assert!(!page(&sample.report()).unwrap().contains("repeats pairs"));
        let r_star = Estimate { value: 5.25, interval_90: Interval::new(2.5, 11.0) };
        let points = vec![Point { pairs: 180_000.0, loss_nats: 2.4, seed: 1 }];
        sample.fits[0].repetition =
            Some(RepetitionFit { r_star, basis: Basis::Measured, points, draws: vec![5.25] });
        sample.fits[1].repetition =
            Some(RepetitionFit { r_star, basis: Basis::Family, points: vec![], draws: vec![5.25] });
        let html = page(&sample.report()).unwrap();
        assert!(
            html.contains("run that repeats pairs")
                && html.contains("Rings are runs that repeat pairs")
        );
        assert!(
            html.contains("r_star")
                && html.contains(
                    "known by its own runs for Arabic, by the runs of the others for Bengali"
                )
        );
    }

    #[test]
    fn what_was_not_computed_is_left_out() {
        for sample in extremes() {
            let mut report = sample.report();
            assert!(!page(&report).unwrap().contains("NaN"));
            report.comparison = None;
            let html = page(&report).unwrap();
            assert!(!html.contains("id=\"verdict\"") && html.contains("id=\"provenance\""));
        }
    }
}
