//! What is known of the constructed languages.

use super::language::{english_ed, english_s};
use super::*;
use std::collections::BTreeSet;

fn sister(code: &str, vocabulary: f64, order: WordOrder, morphology: Morphology) -> Sister {
    Sister {
        lang: code.parse().unwrap(),
        name: code[..3].to_owned(),
        vocabulary,
        order,
        morphology,
        sound_changes: 0,
    }
}

fn spec(train: usize, sisters: Vec<Sister>) -> Constructed {
    Constructed { seed: 7, train, dev: 50, test: 50, words: 300, sisters }
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase().trim_end_matches('.').split(' ').map(str::to_owned).collect()
}

/// Share of the words of the other side that stand in the English side as well.
fn shared_words(bitext: &Bitext) -> f64 {
    let (mut shared, mut all) = (0, 0);
    for pair in bitext.train.pairs() {
        let english: BTreeSet<String> = words(&pair.english).into_iter().collect();
        let other = words(&pair.other);
        all += other.len();
        shared += other.iter().filter(|word| english.contains(*word)).count();
    }
    shared as f64 / all as f64
}

#[test]
fn nearer_sisters_share_more_words() {
    let made = Constructed::quickstart().unwrap().build().unwrap();
    let shares: Vec<f64> = made.iter().map(shared_words).collect();
    assert!(shares[0] > shares[1] + 0.2 && shares[1] > shares[2] + 0.1, "{shares:?}");
    assert!(made.windows(2).all(|two| {
        two[0].dev.pairs().iter().zip(two[1].dev.pairs()).all(|(a, b)| a.english == b.english)
    }));
}

#[test]
fn there_are_many_sentences_and_none_stands_in_two_parts() {
    let one = &spec(20_000, vec![sister("qaa_Latn", 0.0, WordOrder::Vso, Morphology::None)])
        .build()
        .unwrap()[0];
    let pairs = || one.train.pairs().iter().chain(one.dev.pairs()).chain(one.test.pairs());
    assert_eq!(pairs().map(|pair| &pair.english).collect::<BTreeSet<_>>().len(), 20_100);
    assert_eq!(pairs().map(|pair| &pair.other).collect::<BTreeSet<_>>().len(), 20_100);
    let lengths: Vec<usize> = pairs().map(|pair| words(&pair.english).len()).collect();
    let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
    assert!((6.0..12.0).contains(&mean), "{mean}");
    assert!(lengths.iter().all(|length| (3..60).contains(length)));
}

#[test]
fn a_sister_without_a_difference_is_english() {
    let one = &spec(500, vec![sister("qaa_Latn", 1.0, WordOrder::Svo, Morphology::English)])
        .build()
        .unwrap()[0];
    assert!(one.train.pairs().iter().all(|pair| pair.english == pair.other));
}

#[test]
fn orders_move_words_and_keep_them() {
    let sisters = vec![
        sister("qaa_Latn", 1.0, WordOrder::Sov, Morphology::English),
        sister("qab_Latn", 1.0, WordOrder::Vso, Morphology::English),
    ];
    for bitext in spec(500, sisters).build().unwrap() {
        let moved = bitext.train.pairs().iter().filter(|pair| pair.english != pair.other).count();
        // a motion without anything else reads the same with the verb last
        assert!(moved > 400, "{}: {moved}", bitext.lang);
        for pair in bitext.train.pairs() {
            let sorted = |text: &str| {
                // `a` becomes `an` before another word
                let mut words: Vec<String> = words(text)
                    .into_iter()
                    .map(|word| if word == "an" { "a".to_owned() } else { word })
                    .collect();
                words.sort();
                words
            };
            assert_eq!(sorted(&pair.english), sorted(&pair.other));
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_languages_whatever_is_beside_them() {
    let near = || sister("qaa_Latn", 0.8, WordOrder::Svo, Morphology::Suffix);
    let far = || sister("qab_Latn", 0.2, WordOrder::Sov, Morphology::Case);
    let two = spec(300, vec![near(), far()]).build().unwrap();
    assert_eq!(two, spec(300, vec![near(), far()]).build().unwrap());
    assert_eq!(two[0], spec(300, vec![near()]).build().unwrap()[0]);
    let more = spec(600, vec![near(), far()]).build().unwrap();
    assert_eq!(two[1].test, more[1].test);
    assert_eq!(two[1].train.pairs(), &more[1].train.pairs()[..300]);
    let other = Constructed { seed: 8, ..spec(300, vec![near()]) };
    assert_ne!(two[0], other.build().unwrap()[0]);
}

/// Ids of runs hold the hash of the text: where it changed, records of sweeps that are done would
/// be no records of theirs.
#[test]
fn the_languages_of_the_quickstart_stay() {
    let made = Constructed::quickstart().unwrap().build().unwrap();
    let hashes: Vec<&str> = made.iter().map(|bitext| &bitext.train.hash()[..16]).collect();
    assert_eq!(hashes, ["48792fd0d8f2b4ab", "1630170d5da1650f", "cd19fe0a485fad79"]);
}

#[test]
fn english_is_spelt_as_english() {
    for (stem, s, ed) in [
        ("carry", "carries", "carried"),
        ("watch", "watches", "watched"),
        ("close", "closes", "closed"),
        ("play", "plays", "played"),
    ] {
        assert_eq!((english_s(stem), english_ed(stem)), (s.to_owned(), ed.to_owned()));
    }
    let one = &spec(2000, vec![sister("qaa_Latn", 0.5, WordOrder::Svo, Morphology::Suffix)])
        .build()
        .unwrap()[0];
    for pair in one.train.pairs() {
        let words = words(&pair.english);
        for two in words.windows(2) {
            let vowel = two[1].starts_with(['a', 'e', 'i', 'o', 'u']);
            assert!(!(two[0] == "a" && vowel || two[0] == "an" && !vowel), "{}", pair.english);
            assert!(!(two[0] == "these" && two[1] == "house"), "{}", pair.english);
        }
        assert!(
            pair.english.starts_with(|c: char| c.is_ascii_uppercase())
                && pair.english.ends_with('.'),
            "{}",
            pair.english
        );
    }
}

#[test]
fn impossible_descriptions_are_refused() {
    let near = || sister("qaa_Latn", 0.9, WordOrder::Svo, Morphology::None);
    let message = |spec: Constructed| spec.build().unwrap_err().to_string();
    assert_eq!(message(spec(10, vec![])), "`sisters` is empty, expected at least one language");
    assert_eq!(
        message(spec(10, vec![near(), near()])),
        "two sisters have the code `qaa_Latn`, expected different codes"
    );
    assert_eq!(
        message(spec(10, vec![Sister { vocabulary: 1.5, ..near() }])),
        "`vocabulary` is 1.5, expected a share from 0 to 1"
    );
    assert_eq!(
        message(spec(10, vec![Sister { sound_changes: 11, ..near() }])),
        "`sound_changes` is 11, expected at most 10"
    );
    assert_eq!(
        message(Constructed { words: 0, ..spec(10, vec![near()]) }),
        "`words` is 0, expected a number from 50 to 20000"
    );
}
