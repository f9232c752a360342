//! Seeded generators and space-filling points. Nothing here has a state of its own.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What numbers are drawn for. Each purpose has streams of its own, so that two draws by one seed
/// have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Order of the pairs of a language, whose prefixes are the subsets.
    Pairs,
    /// Wording and direction of an example.
    Wording,
    /// Order in which a run reads what it reads.
    Order,
    /// Order of the instruction records of a language.
    Records,
    /// First weights of adapters.
    Adapters,
    /// What adapters drop in training.
    Dropout,
    /// First weights of a network.
    Weights,
    /// Order of the text that a base is pre-trained on.
    Pretraining,
    /// Pairs that a tokenizer is trained on, and their wordings.
    Tokenizer,
    /// Sampled answers.
    Answers,
    /// Amounts of a design of mixtures.
    Mixtures,
    /// Words of constructed languages.
    Words,
    /// Sentences of constructed languages.
    Sentences,
    /// Tokens whose training is timed.
    Speed,
    /// Draws of laws and of surfaces.
    Laws,
    /// Draws of what repeats bring.
    Repetition,
    /// Draws of transfer.
    Transfer,
    /// Noise of predictions.
    Prediction,
    /// Resampled sentences and orders of languages.
    Similarity,
    /// What tests and benchmarks plant.
    Planted,
}

/// What of its purpose a generator draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// All of it.
    All,
    /// What belongs to a name: a language, several, a curve.
    Of(&'a str),
    /// One of many.
    Nth(u64),
    /// One of many that belong to a name.
    NthOf(&'a str, u64),
}

/// The generator of one piece of work: equal seed, purpose and item give equal numbers on every
/// machine and in every order of work.
pub fn generator(seed: u64, purpose: Purpose, item: Item<'_>) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream(purpose, item));
    generator
}

/// The number of a stream. Those of fits, designs and constructed languages are the ones that files
/// of training version 1 were drawn by: the same questions keep their answers, and texts their
/// hashes.
fn stream(purpose: Purpose, item: Item<'_>) -> u64 {
    let mark = match purpose {
        Purpose::Laws
        | Purpose::Prediction
        | Purpose::Similarity
        | Purpose::Mixtures
        | Purpose::Words
        | Purpose::Planted => 0,
        Purpose::Sentences => 1,
        Purpose::Pairs => hash("pairs"),
        Purpose::Wording => hash("wording"),
        Purpose::Order => hash("order"),
        Purpose::Records => hash("records"),
        Purpose::Adapters => hash("lora"),
        Purpose::Dropout => hash("dropout"),
        Purpose::Weights => hash("weights"),
        Purpose::Pretraining => hash("pretraining"),
        Purpose::Tokenizer => hash("tokenizer"),
        Purpose::Answers => hash("answers"),
        Purpose::Speed => hash("speed"),
        Purpose::Repetition => hash("repetition"),
        Purpose::Transfer => hash("transfer"),
    };
    match item {
        Item::All => mark,
        Item::Of(name) => mark ^ hash(name),
        Item::Nth(number) if purpose == Purpose::Transfer => mark.wrapping_add(number),
        Item::Nth(number) => mark ^ number,
        Item::NthOf(name, number) => mark ^ hash(name) ^ number,
    }
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo).
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Point `index` of the three-dimensional Halton sequence (bases 2, 3, 5), in the open unit cube.
pub fn halton(index: usize) -> [f64; 3] {
    [2, 3, 5].map(|base| {
        let (mut rest, mut scale, mut value) = (index + 1, 1.0, 0.0);
        while rest > 0 {
            scale /= base as f64;
            value += scale * (rest % base) as f64;
            rest /= base;
        }
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;
    use std::collections::BTreeSet;

    #[test]
    fn streams_repeat_and_differ_by_seed_purpose_and_item() {
        let draw = |seed, purpose, item| generator(seed, purpose, item).next_u64();
        let items = [
            Item::All,
            Item::Of("rus_Cyrl"),
            Item::Of("ell_Grek"),
            Item::Nth(1),
            Item::NthOf("rus_Cyrl", 1),
        ];
        let purposes = [Purpose::Pairs, Purpose::Order, Purpose::Wording, Purpose::Laws];
        let all =
            |seed| purposes.map(|purpose| items.map(|item| draw(seed, purpose, item))).concat();
        assert_eq!(all(1), all(1));
        let different: BTreeSet<u64> = [all(1), all(2)].concat().into_iter().collect();
        assert_eq!(different.len(), 2 * 4 * 5);
    }

    #[test]
    fn names_have_the_published_hash() {
        // test vectors of the FNV page: "" and "a"
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn halton_points_fill_the_cube() {
        assert_eq!(halton(0), [0.5, 1.0 / 3.0, 0.2]);
        assert_eq!(halton(1)[0], 0.25);
        let points: Vec<_> = (0..200).map(halton).collect();
        for axis in 0..3 {
            let mean = points.iter().map(|point| point[axis]).sum::<f64>() / 200.0;
            assert!((mean - 0.5).abs() < 0.02, "axis {axis}: {mean}");
        }
    }
}
