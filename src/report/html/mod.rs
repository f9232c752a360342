//! The page: one HTML file that needs nothing else, reads on paper and on a phone, and shows the
//! numbers of the CSV beside it.

mod joint;
mod markup;
mod notes;
mod tables;
mod validation;

use super::{Report, ReportError, comment, eye, plot};
use crate::allocate::Comparison;
use markup::escape;
use notes::{
    ALLOCATION, BUDGET, CURVES, LAWS, MARGINAL, OTHER_LANGUAGES, PARETO, RESIDUALS, RINGS,
    SIMILARITY, policies_note, repetition_note, transfer_note,
};
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
        ("joint", "Joint law", report.joint.map(joint::joint)),
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
mod tests;
