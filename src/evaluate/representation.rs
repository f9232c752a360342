//! What layers hold of languages: how near translations lie to each other, and which language the
//! next word would be in.
//!
//! A sentence is the mean of the residual stream over its own tokens, without the mark before them.
//! The logit lens (nostalgebraist 2020) reads the stream at the last token of a prompt as if the
//! layer were the last: `softmax(W rms(x_l))`, of which the probabilities of the first tokens of
//! the true translation and of the source text are kept.

use super::EvaluateError;
use crate::corpus::prompt::{self, PromptStyle};
use crate::model::{Llama, Vocabulary};
use crate::numeric::geometry::{Alignment, alignment, principal_plane};
use crate::units::Lang;
use candle_core::{D, DType, Tensor};
use candle_nn::ops::softmax;
use nalgebra::DMatrix;

/// Sentences that are read together.
const BATCH: usize = 16;

/// Sentences and their translations into one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Parallel {
    /// The language of the translations.
    pub lang: Lang,
    /// Source text and translation.
    pub pairs: Vec<(String, String)>,
}

/// One layer, one language.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerRow {
    /// Blocks before it; 0 is the embedding.
    pub layer: usize,
    /// The language of the translations.
    pub lang: Lang,
    /// How sources and translations lie to each other.
    pub alignment: Alignment,
    /// Mean probability of the first token of the translation after a prompt that asks for it.
    pub lens_translation: f64,
    /// The same of the first token of the source text.
    pub lens_source: f64,
}

/// A sentence on the principal plane of the middle layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its language.
    pub lang: Lang,
    /// Place among the sentences of its language.
    pub number: usize,
    /// Coordinates.
    pub at: [f64; 2],
}

/// What the layers of one model hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// By language, then layer.
    pub layers: Vec<LayerRow>,
    /// The layer of the plane.
    pub plane_layer: usize,
    /// Sentences of all languages, the source first.
    pub plane: Vec<Point>,
}

/// Looks at every layer. `source` is the language of all source texts; `observe` is called after
/// each batch of sentences.
pub fn representation(
    model: &Llama,
    vocabulary: &Vocabulary,
    source: &Lang,
    parallels: &[Parallel],
    style: PromptStyle,
    mut observe: impl FnMut(),
) -> Result<Study, EvaluateError> {
    let plane_layer = model.config().n_layers / 2;
    let (mut layers, mut clouds) = (Vec::new(), Vec::<(Lang, DMatrix<f64>)>::new());
    for Parallel { lang, pairs } in parallels {
        if pairs.len() < 2 {
            return Err(EvaluateError::TooFew { found: pairs.len(), needed: 2 });
        }
        let side = |pick: fn(&(String, String)) -> &String| {
            pairs.iter().map(|pair| pick(pair).as_str()).collect::<Vec<_>>()
        };
        let sources = sentences(model, vocabulary, &side(|pair| &pair.0), &mut observe)?;
        let translations = sentences(model, vocabulary, &side(|pair| &pair.1), &mut observe)?;
        let lens = lens(model, vocabulary, source, lang, pairs, style, &mut observe)?;
        for (layer, ((x, y), [lens_translation, lens_source])) in
            sources.iter().zip(&translations).zip(lens).enumerate()
        {
            layers.push(LayerRow {
                layer,
                lang: lang.clone(),
                alignment: alignment(x, y),
                lens_translation,
                lens_source,
            });
        }
        if clouds.is_empty() {
            clouds.extend(sources.get(plane_layer).map(|cloud| (source.clone(), cloud.clone())));
        }
        clouds.extend(translations.get(plane_layer).map(|cloud| (lang.clone(), cloud.clone())));
    }
    Ok(Study { layers, plane_layer, plane: plane(&clouds) })
}

/// The mean of the residual stream over the tokens of each text: a matrix (texts, d) a layer.
pub(super) fn sentences(
    model: &Llama,
    vocabulary: &Vocabulary,
    texts: &[&str],
    observe: &mut impl FnMut(),
) -> Result<Vec<DMatrix<f64>>, EvaluateError> {
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); model.config().n_layers + 1];
    for texts in texts.chunks(BATCH) {
        let mut read = Vec::with_capacity(texts.len());
        for text in texts {
            let mut tokens = Vec::from_iter(vocabulary.mark_ids().0);
            let skipped = tokens.len();
            tokens.extend(vocabulary.encode(text)?);
            tokens.truncate(model.context());
            // a text without a token of its own is its mark
            read.push((if tokens.len() > skipped { skipped } else { 0 }, tokens));
        }
        let sequences: Vec<&[u32]> = read.iter().map(|(_, tokens)| tokens.as_slice()).collect();
        for (rows, x) in rows.iter_mut().zip(model.residuals(&sequences)?) {
            let mut start = 0;
            for (skipped, tokens) in &read {
                let own = x.narrow(0, start + skipped, tokens.len() - skipped)?; // (tokens, d)
                rows.extend(own.mean(0)?.to_dtype(DType::F64)?.to_vec1::<f64>()?); // (d)
                start += tokens.len();
            }
        }
        observe();
    }
    Ok(rows
        .into_iter()
        .map(|rows| DMatrix::from_row_slice(texts.len(), rows.len() / texts.len(), &rows))
        .collect())
}

/// Mean probabilities of the first tokens of translation and source a layer; pairs that share this
/// token are left out.
fn lens(
    model: &Llama,
    vocabulary: &Vocabulary,
    source: &Lang,
    lang: &Lang,
    pairs: &[(String, String)],
    style: PromptStyle,
    observe: &mut impl FnMut(),
) -> Result<Vec<[f64; 2]>, EvaluateError> {
    let mut sums = vec![[0.0; 2]; model.config().n_layers + 1];
    let mut count = 0;
    for pairs in pairs.chunks(BATCH) {
        let (mut read, mut wanted) = (Vec::new(), Vec::new());
        for (text, translation) in pairs {
            let [Some(&own), Some(&of_source)] =
                [&vocabulary.encode(translation)?, &vocabulary.encode(text)?]
                    .map(|tokens| tokens.first())
            else {
                continue;
            };
            if own != of_source {
                let prompt =
                    prompt::translation(text, translation, source.name(), lang.name(), style)
                        .prompt;
                read.push(vocabulary.prompt(&prompt, model.context())?.0);
                wanted.push([own, of_source]);
            }
        }
        if !read.is_empty() {
            count += read.len();
            let sequences: Vec<&[u32]> = read.iter().map(Vec::as_slice).collect();
            let ends: Vec<u32> = read
                .iter()
                .scan(0, |end, tokens| {
                    Some(std::mem::replace(end, *end + tokens.len()) + tokens.len() - 1)
                })
                .map(|end| end as u32)
                .collect();
            let ends = Tensor::new(ends, model.device())?; // (m)
            for (sums, x) in sums.iter_mut().zip(model.residuals(&sequences)?) {
                // (m, V)
                let shares = softmax(&model.unembed(&x.index_select(&ends, 0)?)?, D::Minus1)?;
                for (shares, wanted) in
                    shares.to_dtype(DType::F64)?.to_vec2::<f64>()?.iter().zip(&wanted)
                {
                    sums.iter_mut()
                        .zip(wanted)
                        .for_each(|(sum, &token)| *sum += shares[token as usize]);
                }
            }
        }
        observe();
    }
    Ok(sums.into_iter().map(|sums| sums.map(|sum| sum / count as f64)).collect())
}

/// All sentences on one plane.
fn plane(clouds: &[(Lang, DMatrix<f64>)]) -> Vec<Point> {
    let rows: Vec<_> = clouds.iter().flat_map(|(_, cloud)| cloud.row_iter()).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let coordinates = principal_plane(&DMatrix::from_rows(&rows)); // (sentences, 2)
    let names = clouds
        .iter()
        .flat_map(|(lang, cloud)| (0..cloud.nrows()).map(move |number| (lang, number)));
    let point = |((lang, number), at): ((&Lang, usize), usize)| Point {
        lang: lang.clone(),
        number,
        at: [coordinates[(at, 0)], coordinates[(at, 1)]],
    };
    names.zip(0..).map(point).collect()
}
