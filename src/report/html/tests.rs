//! Tests of what the page says, and that it needs nothing else.

use super::*;
use crate::curve::Point;
use crate::fit::{Basis, RepetitionFit};
use crate::record::Outcome;
use crate::report::sample::{Sample, extremes};
use crate::units::{Estimate, Interval};

/// Values of every attribute of this name.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
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
        html.find("parallot report sample --budget 200000").unwrap() > html.rfind("<svg").unwrap()
    );
}

#[test]
fn the_page_leads_with_what_was_measured_and_names_what_lay_outside() {
    let bare = page(&Sample::languages(3).report()).unwrap();
    assert!(bare.contains("by prediction, not measured") && !bare.contains("id=\"validation\""));
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
    assert!(section.contains("<svg") && section.contains("Predicted and measured, 150,000 pairs"));
    assert!(section.contains(
        "4 of 6 measured losses lie in their predicted 90 % intervals. Outside, by policy: \
        parallot: Arabic; uniform: Arabic."
    ));
    assert_eq!(section.matches("<td class=\"text\">outside</td>").count(), 2);
    assert!(!section.contains("have changed since") && !section.contains("<h3>"));
    assert!(html.contains("measured gain over uniform at 150,000 pairs"), "the table of policies");
    let two = Sample::languages(3).validated(150_000, -0.03).validated(250_000, 0.05);
    let html = page(&two.report()).unwrap();
    assert!(
        html.contains("Parallot: parallot won in models tuned on 250,000 pairs")
            && html.contains("<h3>150,000 pairs</h3>")
    );
    let mut changed = two.report();
    changed.fits_sha256 = "0";
    assert_eq!(
        page(&changed).unwrap().matches("The fits have changed since: what is predicted").count(),
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
