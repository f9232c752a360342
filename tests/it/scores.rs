//! Scores against those of sacrebleu and of the official scripts of SQuAD and MLQA: `scores.py`
//! made `scores.json` from the same pairs.

use parallot::files;
use parallot::score::{Bleu, Chrf, Normalisation, Score, Words, exact_match, f1};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

#[derive(Deserialize)]
struct Expected {
    /// A set, a pair, a metric.
    segments: BTreeMap<String, Vec<Vec<f64>>>,
    corpora: BTreeMap<String, Vec<f64>>,
    two_references: BTreeMap<String, Vec<f64>>,
    /// A language; by MLQA and by SQuAD; exact match and F1.
    answers: BTreeMap<String, [[f64; 2]; 2]>,
    names: Vec<String>,
    signatures: Vec<String>,
}

const LANGUAGES: [&str; 8] = ["tr", "zh", "ar", "hi", "de", "ja", "ru", "vi"];
const ROWS: usize = 120;
const RANDOM: usize = 300;
const MARKS: [&str; 23] = [
    "der", "the", "la", "của", "ال", "«x»", "3.14", "1,000", "-", "...", "(a)", "&quot;", "5-",
    "“", "”", "，", "。", "€", "½", "ü", "٣", "", "\u{1d}",
];
const CHARACTERS: &str = "abAB01 .,-!?'\"&;<>[]{}~@/ \
$€«»“”–…،؟。，！（）〔①½²٣४一二中文字かなカナ한국ñßşğıİсДжλΣकिहาก้\u{a0}\u{2003}\u{3000}\u{200b}\u{1d400}";

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Generator(u64);

impl Generator {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

fn perturbed(text: &str, generator: &mut Generator) -> String {
    let is_spaced = text.matches(' ').count() > 2;
    let units: Vec<String> = if is_spaced {
        text.split(' ').map(str::to_owned).collect()
    } else {
        text.chars().map(String::from).collect()
    };
    let mut out: Vec<String> = Vec::new();
    for mut unit in units {
        match generator.below(16) {
            0 => continue,
            1 => out.push(unit.clone()),
            2 => out.push(MARKS[generator.below(MARKS.len())].to_owned()),
            3 => out.last_mut().into_iter().for_each(|last| std::mem::swap(last, &mut unit)),
            _ => {}
        }
        out.push(unit);
    }
    out.join(if is_spaced { " " } else { "" })
}

fn random_text(generator: &mut Generator) -> String {
    let characters: Vec<char> = CHARACTERS.chars().collect();
    (0..generator.below(60)).map(|_| characters[generator.below(characters.len())]).collect()
}

fn rows(root: &Path, name: &str) -> Vec<Value> {
    let mut text = String::new();
    let packed = files::read(&root.join(format!("{name}.jsonl.gz"))).unwrap();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(rows: &[Value], key: &str) -> Vec<String> {
    rows.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
}

/// The corpora, if they are there.
fn data() -> Option<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if files::exists(&root) {
        return Some(root);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "no corpora at `{}`", root.display());
    None
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("scores.json")).unwrap()
}

fn scores(hypotheses: &[String], references: &[Vec<String>]) -> Vec<Score> {
    let bleu =
        ["13a", "intl", "zh", "char", "none"].map(|name| Bleu::new(Words::named(name).unwrap()));
    let bleu = bleu.iter().map(|bleu| bleu.corpus(hypotheses, references).unwrap());
    bleu.chain(
        [Chrf::plain(), Chrf::plus_plus()].map(|chrf| chrf.corpus(hypotheses, references).unwrap()),
    )
    .collect()
}

fn assert_near(ours: &[Score], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!(
            (ours.value - theirs).abs() < 1e-6,
            "{what}: {} {} is {}, expected {theirs}",
            ours.metric,
            ours.signature,
            ours.value
        );
    }
}

/// Hypotheses and two sets of references.
type Texts = [Vec<String>; 3];

fn assert_set(name: &str, [hypotheses, first, second]: Texts, expected: &Expected) {
    let theirs = &expected.segments[name];
    assert_eq!(theirs.len(), hypotheses.len());
    for ((hypothesis, reference), theirs) in hypotheses.iter().zip(&first).zip(theirs) {
        let ours = scores(std::slice::from_ref(hypothesis), &[vec![reference.clone()]]);
        assert_near(&ours, theirs, &format!("{name}: {hypothesis:?} for {reference:?}"));
    }
    assert_near(&scores(&hypotheses, std::slice::from_ref(&first)), &expected.corpora[name], name);
    assert_near(&scores(&hypotheses, &[first, second]), &expected.two_references[name], name);
}

#[test]
fn random_pairs_score_as_by_sacrebleu() {
    let mut generator = Generator(11);
    let texts: Vec<[String; 3]> =
        (0..RANDOM).map(|_| std::array::from_fn(|_| random_text(&mut generator))).collect();
    let hypothesis = |(at, text): (usize, &[String; 3])| match at % 3 {
        0 => text[1].clone(),
        _ => perturbed(&text[0], &mut generator),
    };
    let hypotheses = texts.iter().enumerate().map(hypothesis).collect();
    let side = |at: usize| texts.iter().map(|text| text[at].clone()).collect();
    assert_set("random", [hypotheses, side(0), side(2)], &expected());
}

#[test]
fn real_pairs_score_as_by_sacrebleu() {
    let Some(root) = data() else {
        println!("skipped: no corpora in `../shared/data`");
        return;
    };
    let (mut generator, expected) = (Generator(7), expected());
    for lang in LANGUAGES {
        let references = texts(&rows(&root, &format!("ntrex/{lang}"))[..ROWS], "xx");
        let mut perturb =
            || references.iter().map(|text| perturbed(text, &mut generator)).collect::<Vec<_>>();
        let (hypotheses, second) = (perturb(), perturb());
        assert_set(lang, [hypotheses, references, second], &expected);
    }
}

#[test]
fn names_and_signatures_are_those_of_sacrebleu() {
    let (ours, expected) = (scores(&["a".to_owned()], &[vec!["a".to_owned()]]), expected());
    assert_eq!(
        ours.iter().map(|score| &score.metric).collect::<Vec<_>>(),
        expected.names.iter().collect::<Vec<_>>()
    );
    assert_eq!(
        ours.iter().map(|score| &score.signature).collect::<Vec<_>>(),
        expected.signatures.iter().collect::<Vec<_>>()
    );
}

#[test]
fn answers_score_as_by_the_official_scripts() {
    let Some(root) = data() else {
        println!("skipped: no corpora in `../shared/data`");
        return;
    };
    let (mut generator, expected) = (Generator(13), expected());
    let codes = [
        ("en", "eng_Latn"),
        ("es", "spa_Latn"),
        ("vi", "vie_Latn"),
        ("de", "deu_Latn"),
        ("ar", "arb_Arab"),
        ("zh", "zho_Hans"),
        ("hi", "hin_Deva"),
    ];
    for (lang, code) in codes {
        let (key, file) = if lang == "en" { ("en_answer", "de") } else { ("xx_answer", lang) };
        let truths = texts(&rows(&root, &format!("xquad/{file}")), key);
        let predictions: Vec<String> =
            truths.iter().map(|truth| perturbed(truth, &mut generator)).collect();
        for (normalisation, theirs) in [Normalisation::mlqa(code), Normalisation::Squad]
            .into_iter()
            .zip(expected.answers[lang])
        {
            for (score, theirs) in [exact_match, f1].into_iter().zip(theirs) {
                let pairs = predictions.iter().zip(&truths);
                let sum: f64 = pairs
                    .map(|(prediction, truth)| {
                        score(prediction, std::slice::from_ref(truth), normalisation)
                    })
                    .sum();
                let ours = 100.0 * sum / truths.len() as f64;
                assert!(
                    (ours - theirs).abs() < 1e-6,
                    "{lang} by {normalisation:?}: {ours}, expected {theirs}"
                );
            }
        }
    }
}
