//! What gamma is computed from: hidden states of parallel sentences, and the tokens of parallel
//! texts.

use super::EvaluateError;
use super::representation::sentences;
use crate::corpus::Pair;
use crate::model::{Llama, Vocabulary};
use crate::numeric::geometry::cosines;
use crate::similarity::{Cosine, Overlap, middle_layers};
use nalgebra::DMatrix;

/// Cosines of the English sides and the others in the middle layers of a model. `lang` seeds the
/// bootstrap, `observe` is called after each batch of sentences.
pub fn cosine(
    model: &Llama,
    vocabulary: &Vocabulary,
    pairs: &[&Pair],
    lang: &str,
    mut observe: impl FnMut(),
) -> Result<Cosine, EvaluateError> {
    if pairs.len() < 2 {
        return Err(EvaluateError::TooFew { found: pairs.len(), needed: 2 });
    }
    let mut side = |pick: fn(&Pair) -> &String| {
        let texts: Vec<&str> = pairs.iter().map(|pair| pick(pair).as_str()).collect();
        sentences(model, vocabulary, &texts, &mut observe)
    };
    let (english, other) = (side(|pair| &pair.english)?, side(|pair| &pair.other)?);
    let layers = middle_layers(model.config().n_layers);
    let count = layers.clone().count() as f64;
    let sum = layers.fold(DMatrix::zeros(pairs.len(), pairs.len()), |sum, layer| {
        sum + cosines(&english[layer], &other[layer])
    }); // (n, n)
    Ok(Cosine::new(&(sum / count), lang))
}

/// The tokens of the English sides and of the others, marks left out.
pub fn overlap(vocabulary: &Vocabulary, pairs: &[Pair]) -> Result<Overlap, EvaluateError> {
    let count = |pick: fn(&Pair) -> &String| {
        let mut counts = vec![0; vocabulary.size()];
        for pair in pairs {
            for token in vocabulary.encode(pick(pair))? {
                // ids may have gaps, and then reach beyond the number of tokens
                let token = token as usize;
                if token >= counts.len() {
                    counts.resize(token + 1, 0);
                }
                counts[token] += 1;
            }
        }
        Ok::<_, EvaluateError>(counts)
    };
    Ok(Overlap::new(&count(|pair| &pair.english)?, &count(|pair| &pair.other)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelConfig;
    use crate::numeric::random::{Item, Purpose, generator};
    use crate::spec::Preset;
    use candle_core::{DType, Device};

    fn pair(english: &str, other: &str) -> Pair {
        Pair { english: english.to_owned(), other: other.to_owned() }
    }

    #[test]
    fn a_language_that_is_english_has_gamma_one() {
        let texts =
            ["the river runs", "a stone", "the bird sings in the tree", "ein Haus", "eine Katze"];
        let vocabulary = Vocabulary::train(texts.into_iter(), 300).unwrap();
        let config = ModelConfig::of(Preset::Nano, Some(vocabulary.size()));
        let model = Llama::random(
            config,
            32,
            DType::F32,
            &Device::Cpu,
            &mut generator(1, Purpose::Planted, Item::All),
        )
        .unwrap();
        let same: Vec<Pair> = texts[..3].iter().map(|text| pair(text, text)).collect();
        let turned: Vec<Pair> = (0..3).map(|at| pair(texts[at], texts[(at + 1) % 3])).collect();
        let of = |pairs: &[Pair]| {
            cosine(&model, &vocabulary, &pairs.iter().collect::<Vec<_>>(), "x", || ()).unwrap()
        };
        let (same_cosine, turned_cosine) = (of(&same), of(&turned));
        approx::assert_relative_eq!(same_cosine.gamma.value, 1.0, epsilon = 1e-5);
        assert!(turned_cosine.gamma.value < 0.2, "{turned_cosine:?}");
        approx::assert_relative_eq!(
            overlap(&vocabulary, &same).unwrap().gamma,
            1.0,
            epsilon = 1e-12
        );
        let foreign = overlap(&vocabulary, &[pair("the stone", "ein Haus")]).unwrap();
        assert!(foreign.gamma < 0.6 && foreign.english_tokens > 0, "{foreign:?}");
        assert!(cosine(&model, &vocabulary, &[&same[0]], "x", || ()).is_err());
    }
}
