//! `parallot similarity`, whole commands: a base that is trained, curves that are simulated, and
//! what is refused.

use super::place::{Place, TINY, assert_transcript};
use parallot::similarity::{Gamma, Likeness, Measure, Predictor, Similarity};

/// What a base of a few steps makes of sentences is not the same on every processor: decimals
/// become `#`.
fn masked(text: &str) -> String {
    let decimals = regex::Regex::new("[-+\u{2212}]?[0-9]+[.][0-9]+").unwrap();
    let spaces = regex::Regex::new(" +").unwrap();
    spaces.replace_all(&decimals.replace_all(text, "#"), " ").into_owned()
}

fn read(place: &Place) -> Similarity {
    serde_json::from_str(&place.read("fits/tiny/similarity.json")).unwrap()
}

#[test]
fn constructed_languages_are_as_similar_as_they_were_made() {
    let place = Place::with_fits();
    let mut ran = place.done("similarity tiny");
    let found = read(&place);
    // words shared with English: 0.9, 0.5 and 0.1
    let gammas: Vec<f64> = found.languages.iter().map(|row| row.gamma(Gamma::Vocabulary)).collect();
    assert!(
        gammas.is_sorted_by(|near, far| near > far) && gammas[0] - gammas[2] > 0.2,
        "{gammas:?}"
    );
    assert!(found.languages.iter().all(|row| row.sentences == 8 && row.target_tokens == 10_000));
    let inside = |row: &Likeness| row.cosine.gamma.interval_90.contains(row.cosine.gamma.value);
    assert!(
        found
            .languages
            .iter()
            .all(|row| (-1.0..1.0).contains(&row.cosine.gamma.value) && inside(row)),
        "{:?}",
        found.languages
    );
    assert_eq!(found.trials.iter().map(|trial| trial.measure).collect::<Vec<_>>(), Measure::ALL);
    for trial in &found.trials {
        let rms = |predictor| trial.score(predictor).unwrap().rms_log;
        assert!(
            rms(Predictor::OwnLaw) < 0.02 && rms(Predictor::OwnLaw) < rms(Predictor::None),
            "{trial:?}"
        );
    }
    // the levels of simulated curves are planted, and no gamma of three languages is told from
    // chance
    assert!(!found.verdict.starts_with("gamma helps"), "{}", found.verdict);
    ran.stdout = masked(&ran.stdout[..ran.stdout.find("\nleft out").unwrap()]);
    assert_transcript("similarity", &[ran]);

    let table = place.read("fits/tiny/similarity.csv");
    let rows = found.trials.iter().map(|trial| 3 * trial.scores.len()).sum::<usize>();
    assert_eq!(table.lines().count(), 2 + rows, "{table}");
    assert!(place.read("plots/tiny/similarity.svg").contains("Similarity to English"));
    let files = place.tree("fits");
    place.done("similarity tiny");
    assert!(files == place.tree("fits"), "the same question has the same answer");
    // laws that are fitted anew ask nothing of the base: none is made
    let again = place.done("similarity tiny --cache elsewhere");
    assert!(again.stderr.contains("its cosines are kept"), "{}", again.stderr);
    assert!(!parallot::files::exists(&place.path("elsewhere")), "{}", again.stderr);
    place.done("report tiny");
    assert!(place.read("plots/tiny/index.html").contains("id=\"similarity\""));
    // of other fits they are not shown
    place.done("fit tiny --n-draws 21");
    assert!(
        place.done("report tiny").stderr.contains("warning: the similarities are of other fits")
    );
    assert!(!place.read("plots/tiny/index.html").contains("id=\"similarity\""));
}

#[test]
fn a_sweep_without_its_base_has_no_falls() {
    let place = Place::new();
    place.write("experiments/tiny.yaml", TINY.replace("[0, 100", "[100"));
    place.done("sweep tiny --trainer simulated");
    place.done("fit tiny --n-draws 20");
    assert!(place.done("similarity tiny --json").stdout.contains("\"verdict\""));
    assert_eq!(read(&place).trials.len(), 1);
}

#[test]
fn what_has_no_similarity() {
    let place = Place::with_tiny();
    let mut runs = vec![place.fails(2, "similarity none"), place.fails(2, "similarity tiny")];
    place.done("sweep tiny --trainer simulated");
    place.done("fit tiny --n-draws 20");
    runs.push(place.fails(2, "similarity tiny --device cuda"));
    let without = |lang: &str| {
        TINY.lines()
            .filter(|line| !line.contains(lang))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    place.write("experiments/tiny.yaml", without("qac"));
    runs.push(place.fails(2, "similarity tiny"));
    place.write("experiments/tiny.yaml", TINY.replace("tokens: 2000", "tokens: 3000"));
    runs.push(place.fails(2, "similarity tiny"));
    place.write("experiments/tiny.yaml", without("qac"));
    place.done("sweep tiny --trainer simulated");
    place.done("fit tiny --n-draws 20");
    runs.push(place.fails(2, "similarity tiny"));
    assert_transcript("not_similar", &runs);
}
