//! One small run and its id.

use super::base::BaseSpec;
use super::experiment::Experiment;
use super::mixtures::DesignedRun;
use super::tuning::{Evaluation, Tuning};
use crate::corpus::{Bitext, PromptStyle, Split};
use crate::files;
use crate::record::{MixRow, Subject, TrainingVersion};
use crate::units::{Direction, Lang, Pairs};
use serde::Serialize;

/// All that determines the result of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSpec {
    /// Hash of the rest, 16 hexadecimal digits.
    pub id: String,
    /// What is tuned on.
    pub subject: Subject,
    /// Seed of the shuffle, the prompts and the order.
    pub seed: u64,
}

/// What the id of a base is the hash of.
#[derive(Serialize)]
struct BaseIdentity<'a> {
    training_version: TrainingVersion,
    base: &'a BaseSpec,
    // the tokenizer is trained on the prompts of the runs
    direction: Direction,
    prompt: PromptStyle,
    // named after the first kind of file that there was, so that ids of older records stay
    #[serde(rename = "tokenizer_sha256")]
    files_sha256: Option<&'a str>,
    /// Code, name in prompts and hash of the training part.
    train: Vec<(&'a str, &'a str, &'a str)>,
}

/// What the id of a run is the hash of.
#[derive(Serialize)]
struct RunIdentity<'a> {
    base: &'a str,
    tuning: Option<&'a Tuning>,
    train_sha256: Option<&'a str>,
    lang: Option<&'a Lang>,
    pairs: Pairs,
    seed: u64,
    evaluation: &'a Evaluation,
    dev_sha256: Vec<(&'a str, &'a str)>,
    /// Of what else it is scored on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_sha256: Vec<&'a str>,
}

/// What the id of a run on a mixture is the hash of.
#[derive(Serialize)]
struct MixIdentity<'a> {
    base: &'a str,
    tuning: &'a Tuning,
    /// Code, hash of the training part and pairs.
    mix: Vec<(&'a str, &'a str, Pairs)>,
    seed: u64,
    evaluation: &'a Evaluation,
    /// Of the part that it is scored on, the other is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    dev_sha256: Option<Vec<(&'a str, &'a str)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_sha256: Option<Vec<(&'a str, &'a str)>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_sha256: Vec<&'a str>,
}

fn id(identity: &impl Serialize) -> String {
    // serialising plain structs to memory cannot fail
    let json = serde_json::to_vec(identity).unwrap_or_default();
    files::hash(&json)[..16].to_owned()
}

impl Experiment {
    /// Id of the base model: hash of its spec, of the content of the files that it names
    /// ([`BaseFiles::sha256`]), of the training text and of the version of the training code, which
    /// ids of runs get from it.
    ///
    /// [`BaseFiles::sha256`]: super::BaseFiles::sha256
    pub fn base_id(
        &self,
        bitexts: &[Bitext],
        files_sha256: Option<&str>,
        version: TrainingVersion,
    ) -> String {
        let train = bitexts
            .iter()
            .map(|bitext| (bitext.lang.code(), bitext.name.as_str(), bitext.train.hash()))
            .collect();
        id(&BaseIdentity {
            training_version: version,
            base: &self.base,
            direction: self.tuning.direction,
            prompt: self.tuning.prompt,
            files_sha256,
            train,
        })
    }

    /// The runs, in the order of languages, sizes and seeds; the base, if size 0 is asked for, is
    /// one run before all others, and mixtures come last, each with the next of the seeds, those of
    /// a planned design with their own.
    pub fn runs(&self, bitexts: &[Bitext], base_id: &str) -> Vec<RunSpec> {
        let dev_sha256: Vec<_> =
            bitexts.iter().map(|bitext| (bitext.lang.code(), bitext.dev.hash())).collect();
        let run = |bitext: Option<&Bitext>, pairs: Pairs, seed: u64| {
            let lang = bitext.map(|bitext| &bitext.lang);
            let identity = RunIdentity {
                base: base_id,
                tuning: bitext.map(|_| &self.tuning),
                train_sha256: bitext.map(|bitext| bitext.train.hash()),
                lang,
                pairs,
                seed,
                evaluation: &self.evaluation,
                dev_sha256: dev_sha256.clone(),
                also_sha256: self.also_sha256(bitexts),
            };
            let subject =
                lang.map_or(Subject::Base, |lang| Subject::Language { lang: lang.clone(), pairs });
            RunSpec { id: id(&identity), subject, seed }
        };
        let mut runs = Vec::new();
        if self.sizes.contains(&Pairs(0)) {
            runs.push(run(None, Pairs(0), 0));
        }
        for bitext in bitexts {
            for &pairs in self.sizes.iter().filter(|pairs| pairs.0 > 0) {
                runs.extend(self.seeds.iter().map(|&seed| run(Some(bitext), pairs, seed)));
            }
        }
        let caps: Vec<u64> = bitexts.iter().map(|bitext| self.most_pairs(bitext)).collect();
        let drawn = self.mixtures.iter().flat_map(|mixtures| mixtures.design(&caps));
        let drawn = drawn.zip(self.seeds.iter().cycle());
        let drawn = drawn.map(|(pairs, &seed)| DesignedRun { pairs, seed });
        for DesignedRun { pairs, seed } in drawn.chain(self.design.iter().cloned()) {
            let run = self.mixed_run(bitexts, base_id, &pairs, seed, Split::Dev);
            // small corpora or totals can leave one language, or the same mixture again
            if run.subject.mix().len() > 1 && runs.iter().all(|known| known.id != run.id) {
                runs.push(run);
            }
        }
        runs
    }

    /// What runs are scored on beside dev or test: the calibration half of the test parts, and
    /// languages that none is tuned on.
    fn also_sha256<'a>(&'a self, bitexts: &'a [Bitext]) -> Vec<&'a str> {
        let calibration =
            bitexts.iter().filter(|_| self.evaluation.calibration).map(|bitext| bitext.test.hash());
        calibration.chain(self.untuned_sha256.iter().map(String::as_str)).collect()
    }

    /// Most pairs of a language that a run of a sweep reads.
    pub fn most_pairs(&self, bitext: &Bitext) -> u64 {
        bitext.train.len() as u64 * u64::from(self.passes)
    }

    /// The run of one model on a mixture, scored on the dev or the test parts: pairs of each
    /// bitext, in their order. Without any pair it is the base.
    pub fn mixed_run(
        &self,
        bitexts: &[Bitext],
        base_id: &str,
        pairs: &[u64],
        seed: u64,
        scored_on: Split,
    ) -> RunSpec {
        let given = || bitexts.iter().zip(pairs).filter(|(_, pairs)| **pairs > 0);
        let identity = MixIdentity {
            base: base_id,
            tuning: &self.tuning,
            mix: given()
                .map(|(bitext, &pairs)| (bitext.lang.code(), bitext.train.hash(), Pairs(pairs)))
                .collect(),
            seed,
            evaluation: &self.evaluation,
            dev_sha256: (scored_on == Split::Dev).then(|| {
                bitexts.iter().map(|bitext| (bitext.lang.code(), bitext.dev.hash())).collect()
            }),
            test_sha256: (scored_on == Split::Test).then(|| {
                bitexts.iter().map(|bitext| (bitext.lang.code(), bitext.test.hash())).collect()
            }),
            also_sha256: self.also_sha256(bitexts),
        };
        let mix: Vec<MixRow> = given()
            .map(|(bitext, &pairs)| MixRow { lang: bitext.lang.clone(), pairs: Pairs(pairs) })
            .collect();
        let subject = if mix.is_empty() { Subject::Base } else { Subject::Mixture(mix) };
        RunSpec { id: id(&identity), subject, seed }
    }
}
