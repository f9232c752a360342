//! Constructed languages have a known order, and real training must find it: the nearer to English,
//! the less there is to learn.

use super::place::Place;
use parallot::corpus::Constructed;
use parallot::record::Store;

const EXPERIMENT: &str = "\
analysis: the order of three constructed languages
base:
  preset: nano
  vocab_size: 512
  context: 96
  tokenizer_pairs: 200
  pretraining: {tokens: 20000, shares: {eng_Latn: 0.94}}
tuning: {prompt: compact, batch_pairs: 8, optimisation: {peak_lr: 0.003}}
sizes: [100, 400]
seeds: [1]
evaluation: {pairs: 40}
";

#[test]
fn the_nearer_language_needs_less_data() {
    let place = Place::new();
    let languages =
        Constructed { train: 500, dev: 40, test: 1, ..Constructed::quickstart().unwrap() };
    let yaml = serde_yaml::to_string(&languages).unwrap().replace('\n', "\n  ");
    place.write("order.yaml", format!("{EXPERIMENT}constructed:\n  {yaml}"));
    place.done("sweep order.yaml");
    let (manifest, records) = Store::new(place.path("records/order")).read_sweep().unwrap();
    // total nats a dev pair: tokens are not the same amount of text in every language
    let nats = |pairs: u64| {
        let of = |lang| {
            let record = records
                .iter()
                .find(|record| {
                    record.subject.pairs().0 == pairs && record.subject.lang() == Some(lang)
                })
                .unwrap();
            let own = record.evaluation(lang).unwrap();
            own.nats.0 / own.pairs.0 as f64
        };
        manifest.corpora.iter().map(|row| of(&row.lang)).collect::<Vec<_>>()
    };
    let (few, more) = (nats(100), nats(400));
    println!("nats a dev pair: {few:?} after 100 pairs, {more:?} after 400");
    for nats in [&few, &more] {
        assert!(nats.len() == 3 && nats[0] < nats[1] && nats[1] < nats[2], "{nats:?}");
    }
    assert!(
        few.iter().zip(&more).all(|(few, more)| more < few),
        "more data must help: {few:?}, {more:?}"
    );
}
