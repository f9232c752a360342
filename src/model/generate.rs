//! Generation: greedy or sampled, free or from a list of choices, several sequences at a time.

use super::inference::Past;
use super::llama::Llama;
use crate::numeric::random::{Item, Purpose, generator};
use candle_core::{DType, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choosing {
    /// The likeliest, the first of equals.
    Greedy,
    /// Drawn from `softmax(logits / temperature)`, cut to the likeliest tokens that together reach
    /// `top_p` (Holtzman et al. 2020). Each request draws from a stream of its own, so that its
    /// answer does not depend on its neighbours.
    Sampled {
        /// What logits are divided by, above 0; below 1 likely tokens become likelier.
        temperature: f64,
        /// Share of the probability that the tokens kept reach, above 0 and up to 1; 1 keeps all.
        top_p: f64,
        /// Seed of the streams of all requests.
        seed: u64,
    },
}

/// How responses are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decoding {
    /// How each token is chosen.
    pub choosing: Choosing,
    /// Most tokens of a response.
    pub max_tokens: usize,
}

/// The responses that are allowed: token sequences, each with the end of a sequence at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices(Vec<Vec<u32>>);

impl Choices {
    /// The choices of some token sequences, without their ends; `None` of none.
    pub fn new(sequences: impl IntoIterator<Item = Vec<u32>>, eos: u32) -> Option<Self> {
        let ended = |mut tokens: Vec<u32>| {
            tokens.push(eos);
            tokens
        };
        let mut sequences: Vec<Vec<u32>> = sequences.into_iter().map(ended).collect();
        sequences.sort();
        sequences.dedup();
        (!sequences.is_empty()).then_some(Choices(sequences))
    }

    /// The tokens that may follow what is written, rising; none after what is no start of a choice.
    fn next(&self, written: &[u32]) -> Vec<u32> {
        let starts = |choice: &Vec<u32>| choice.starts_with(written);
        let first = self.0.partition_point(|choice| choice.as_slice() < written);
        let mut tokens: Vec<u32> = self.0[first..]
            .iter()
            .take_while(|&choice| starts(choice))
            .filter_map(|choice| choice.get(written.len()).copied())
            .collect();
        tokens.dedup();
        tokens
    }
}

/// What is to be continued.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Tokens to read, at least one.
    pub prompt: &'a [u32],
    /// The responses that are allowed, where not all are.
    pub choices: Option<&'a Choices>,
    /// Number of its stream of draws.
    pub stream: u64,
}

/// One response under way.
struct Writer<'a> {
    request: Request<'a>,
    past: Past,
    written: Vec<u32>,
    done: bool,
    rng: ChaCha8Rng,
}

/// The responses to some requests, which are read and written together; without the end of sequence
/// `eos`. A response ends there, at its most tokens, or where the context of the network is full.
pub fn generate(
    model: &Llama,
    eos: u32,
    requests: &[Request<'_>],
    decoding: &Decoding,
) -> Result<Vec<Vec<u32>>> {
    let seed = match decoding.choosing {
        Choosing::Greedy => 0,
        Choosing::Sampled { seed, .. } => seed,
    };
    let mut writers = Vec::with_capacity(requests.len());
    for &request in requests {
        let rng = generator(seed, Purpose::Answers, Item::Nth(request.stream));
        writers.push(Writer {
            request,
            past: Past::default(),
            written: Vec::new(),
            done: decoding.max_tokens == 0,
            rng,
        });
    }
    while writers.iter().any(|writer| !writer.done) {
        let mut open: Vec<&mut Writer<'_>> =
            writers.iter_mut().filter(|writer| !writer.done).collect();
        let mut sequences: Vec<(&mut Past, &[u32])> = open
            .iter_mut()
            .map(|writer| {
                let from = writer.written.len().saturating_sub(1);
                let new = if writer.past.tokens() == 0 {
                    writer.request.prompt
                } else {
                    &writer.written[from..]
                };
                (&mut writer.past, new)
            })
            .collect();
        // (open, V)
        let logits = model.read_on(&mut sequences)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        for (writer, logits) in open.into_iter().zip(logits) {
            writer.write(&logits, eos, decoding, model.context());
        }
    }
    Ok(writers.into_iter().map(|writer| writer.written).collect())
}

impl Writer<'_> {
    /// Chooses the next token.
    fn write(&mut self, logits: &[f32], eos: u32, decoding: &Decoding, context: usize) {
        let allowed = self.request.choices.map(|choices| choices.next(&self.written));
        let allowed = allowed.unwrap_or_else(|| (0..logits.len() as u32).collect());
        let token = match decoding.choosing {
            Choosing::Greedy => likeliest(logits, &allowed),
            Choosing::Sampled { temperature, top_p, .. } => {
                drawn(logits, allowed, temperature, top_p, &mut self.rng)
            }
        };
        match token.filter(|&token| token != eos) {
            Some(token) => self.written.push(token),
            None => self.done = true,
        }
        self.done |= self.written.len() >= decoding.max_tokens || self.past.tokens() >= context;
    }
}

/// The allowed token with the largest logit, the first of equals; none where none is allowed or a
/// number.
fn likeliest(logits: &[f32], allowed: &[u32]) -> Option<u32> {
    let finite = allowed.iter().copied().filter(|&token| !logits[token as usize].is_nan());
    finite.reduce(
        |best, token| if logits[token as usize] > logits[best as usize] { token } else { best },
    )
}

/// An allowed token drawn from the likeliest that together reach `top_p`.
fn drawn(
    logits: &[f32],
    mut allowed: Vec<u32>,
    temperature: f64,
    top_p: f64,
    rng: &mut ChaCha8Rng,
) -> Option<u32> {
    let logit = |token: u32| f64::from(logits[token as usize]);
    let largest = logit(likeliest(logits, &allowed)?);
    allowed.retain(|&token| !logit(token).is_nan());
    allowed.sort_by(|&a, &b| logit(b).total_cmp(&logit(a)).then(a.cmp(&b)));
    let weights: Vec<f64> =
        allowed.iter().map(|&token| ((logit(token) - largest) / temperature).exp()).collect();
    let nucleus = top_p * weights.iter().sum::<f64>();
    let before =
        weights.iter().scan(0.0, |mass, weight| Some(std::mem::replace(mass, *mass + weight)));
    let kept = before.take_while(|&mass| mass < nucleus).count().max(1);
    let mut draw = rng.random::<f64>() * weights[..kept].iter().sum::<f64>();
    let place = weights[..kept].iter().position(|weight| {
        draw -= weight;
        draw < 0.0
    });
    allowed.get(place.unwrap_or(kept - 1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_choices_are_written() {
        let choices = Choices::new([vec![5, 6], vec![5], vec![7, 8, 9]], 1).unwrap();
        assert_eq!(choices.next(&[]), [5, 7]);
        assert_eq!(choices.next(&[5]), [1, 6]);
        assert_eq!(choices.next(&[5, 6]), [1]);
        assert_eq!(choices.next(&[6]), [0; 0]);
        assert!(Choices::new([], 1).is_none());
    }

    #[test]
    fn draws_follow_the_softmax_within_the_nucleus() {
        // probabilities 1/2, 1/4, 1/8, 1/8
        let logits = [2f32, 1.0, 0.0, 0.0].map(|x| x * 2f32.ln());
        let mut rng = generator(3, Purpose::Planted, Item::All);
        let mut shares = |top_p: f64, temperature: f64| {
            let mut counts = [0; 4];
            for _ in 0..40_000 {
                counts[drawn(&logits, vec![0, 1, 2, 3], temperature, top_p, &mut rng).unwrap()
                    as usize] += 1;
            }
            counts.map(|count| f64::from(count) / 40_000.0)
        };
        // five standard deviations of a share of 40,000 draws
        let near = |shares: [f64; 4], expected: [f64; 4]| {
            shares.iter().zip(expected).all(|(share, expected)| (share - expected).abs() < 0.0125)
        };
        assert!(near(shares(1.0, 1.0), [0.5, 0.25, 0.125, 0.125]));
        assert!(near(shares(0.7, 1.0), [2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]));
        assert!(near(shares(1.0, 0.5), [16.0 / 22.0, 4.0 / 22.0, 1.0 / 22.0, 1.0 / 22.0]));
        assert!(near(shares(1e-9, 9.0), [1.0, 0.0, 0.0, 0.0]));
    }
}
