//! Which pairs are held out, and in what order the others are drawn.

use super::*;
use crate::numeric::random::Purpose;

#[test]
fn held_out_sentences_leave_train_across_sources_and_are_counted() {
    let one = "train\ta\tA\ntrain\ta\tA\ntrain\tb\tB\ndev\tc\tC\ndev\tt\tX\n";
    let two = "train\tc\tnew\ntrain\tnew\tT\ntest\tt\tT\ntrain\ta\tA\n";
    let yaml = "[{path: one.tsv, english: 1, other: 2, split: 0}, \
    {path: two.tsv, english: 1, other: 2, split: 0}]";
    let (bitext, report) =
        read(&[("one.tsv", one.as_bytes()), ("two.tsv", two.as_bytes())], yaml, true).unwrap();
    assert_eq!(pairs(bitext.train.pairs()), [("a", "A"), ("b", "B")]);
    assert_eq!(pairs(bitext.dev.pairs()), [("c", "C")]);
    assert_eq!(
        report.to_string(),
        "`one.tsv`: 5 rows, 2 train, 1 dev, 0 test, 1 duplicates, 1 in test as well as dev\n\
         `two.tsv`: 4 rows, 0 train, 0 dev, 1 test, 1 duplicates, 2 in dev or test as well as train"
    );
}

#[test]
fn a_split_by_hash_is_bounded_and_the_same_in_every_language() {
    let rows =
        |word: &str| (0..2000).map(|i| format!("sentence {i}\t{word} {i}\n")).collect::<String>();
    let yaml =
        "[{path: a.tsv, english: 0, other: 1, dev_share: 0.1, test_share: 0.1, dev_max: 50}]";
    let (one, report) = read(&[("a.tsv", rows("cümle").as_bytes())], yaml, true).unwrap();
    let (two, _) = read(&[("a.tsv", rows("phrase").as_bytes())], yaml, true).unwrap();
    let english =
        |pairs: &[Pair]| pairs.iter().map(|pair| pair.english.clone()).collect::<Vec<_>>();
    assert_eq!(english(one.dev.pairs()), english(two.dev.pairs()));
    assert_eq!(english(one.test.pairs()), english(two.test.pairs()));
    assert_eq!(one.dev.len(), 50);
    assert!(report.files[0].above_bound > 100);
    assert_eq!(
        one.train.len() + one.dev.len() + one.test.len() + report.files[0].above_bound as usize,
        2000
    );
}

#[test]
fn english_held_out_in_one_language_is_trained_on_in_none() {
    let yaml = "[{path: a.tsv, english: 1, other: 2, split: 0}]";
    let one = read(&[("a.tsv", b"train\ta\tA\ntrain\tb\tB\ntest\tc\tC\n")], yaml, true).unwrap().0;
    let two = read(&[("a.tsv", b"train\tc\t1\ntrain\tb\t2\ndev\ta\t3\n")], yaml, true).unwrap().0;
    let mut both = [one, two];
    let before = both[0].train.hash().to_owned();
    assert_eq!(exclude_english(&mut both, &[]), [1, 1]);
    assert_eq!(english_text(&both), ["b"]);
    assert_ne!(both[0].train.hash(), before);
    assert_eq!(exclude_english(&mut both, &[]), [0, 0]);
    let untuned = read(&[("a.tsv", b"test\tb\tx\n")], yaml, true).unwrap().0;
    assert_eq!(exclude_english(&mut both, &[untuned]), [1, 1]);
    assert!(english_text(&both).is_empty());
}

#[test]
fn halves_of_the_test_part_share_nothing_and_do_not_go_by_the_order_of_what_is_scored() {
    let rows: String = (0..1000).map(|i| format!("sentence {i}\tcümle {i}\n")).collect();
    let bitext = read(
        &[("a.tsv", rows.as_bytes())],
        "[{path: a.tsv, english: 0, other: 1, as: test}]",
        true,
    )
    .unwrap()
    .0;
    let (calibration, reported) = bitext.test.halves();
    assert_eq!(calibration.len() + reported.len(), 1000);
    assert!(calibration.iter().all(|pair| !reported.contains(pair)));
    // four standard deviations of a binomial number
    assert!(calibration.len().abs_diff(500) < 64, "{}", calibration.len());
    let first = evaluated(bitext.test.pairs(), 100);
    let of_first = first.iter().filter(|pair| calibration.contains(pair)).count();
    assert!(of_first.abs_diff(50) < 20, "{of_first}");
}

#[test]
fn prefixes_are_nested_and_shuffles_seeded() {
    let rows = (0..100).map(|i| format!("e{i}\tx{i}\n")).collect::<String>();
    let yaml = "[{path: a.tsv, english: 0, other: 1, as: train}]";
    let bitext = read(&[("a.tsv", rows.as_bytes())], yaml, true).unwrap().0;
    let (train, of) = (&bitext.train, |seed| bitext.shuffled(seed, Purpose::Pairs));
    let shuffled = of(1);
    assert_eq!(shuffled.prefix(10).unwrap(), &shuffled.prefix(50).unwrap()[..10]);
    assert_eq!(shuffled, of(1));
    assert_ne!(shuffled, of(2));
    assert_ne!(shuffled.pairs(), train.pairs());
    assert_eq!(shuffled.pairs().iter().collect::<BTreeSet<_>>(), train.pairs().iter().collect());
    assert_ne!(shuffled, bitext.shuffled(1, Purpose::Tokenizer));
    assert_eq!(
        shuffled.prefix(101).unwrap_err().to_string(),
        "101 pairs asked of a train part of 100"
    );
}

/// One text in two languages: a chance in a thousand that a sentence stands at the same place of
/// both, not all of them.
#[test]
fn languages_of_one_text_have_orders_of_their_own() {
    let rows = (0..1000).map(|i| format!("e{i}\tx{i}\n")).collect::<String>();
    let one = read(
        &[("a.tsv", rows.as_bytes())],
        "[{path: a.tsv, english: 0, other: 1, as: train}]",
        true,
    )
    .unwrap()
    .0;
    let other = Bitext { lang: "swh_Latn".parse().unwrap(), ..one.clone() };
    let (one, other) = (one.shuffled(1, Purpose::Pairs), other.shuffled(1, Purpose::Pairs));
    let same = one
        .pairs()
        .iter()
        .zip(other.pairs())
        .filter(|(one, other)| one.english == other.english)
        .count();
    assert!(same < 8, "{same} places hold the same sentence");
}
