//! The head: logits, cross-entropy, and the gradient that it starts with.

use super::super::Precision;
use super::super::card::{Address, Card, Kind, Matrices, typed};
use super::super::feed::Part;
use super::{Pass, THREADS, arguments};
use crate::model::config::ModelConfig;
use candle_core::Result;

/// A vocabulary of which a row of logits has more threads: fewer rows at a time stay in the cache
/// until they are read again.
const MANY_TOKENS: usize = 16_384;

impl<C: Card> Pass<'_, C> {
    /// The loss of the last stream, some rows at a time; with gradients, those in its norm and in
    /// the embedding, which are added if they are to be.
    pub(super) fn head(&self, gradients: Option<bool>) -> Result<()> {
        let (p, m, precision) = (self.places, self.shape.m, self.plan.precision);
        let ModelConfig { d_model: d, vocab_size: vocab, n_layers, .. } = *self.config();
        self.norm(2 * n_layers, p.stream_rows, p.h_last, self.kept(p.x[n_layers]), m)?;
        // in f32 the gradient takes the place of the logits
        let dlogits = if precision == Precision::F32 { p.logits } else { p.dlogits };
        for from in (0..m).step_by(p.logits_rows) {
            let rows = p.logits_rows.min(m - from);
            let below = |at: Address| Matrices {
                at: at + (from * d * precision.bytes()) as u64,
                stride: m * d,
            };
            let (h, embedding) = (below(p.h_last), self.factor(0));
            let logits = |at| Matrices { at, stride: rows * vocab };
            self.multiply(
                Kind::Output,
                [rows, vocab, d],
                [h, embedding, logits(p.logits)],
                true,
                false,
            )?;
            let (of_rows, targets) = (self.part(Part::Rows), self.part(Part::Targets));
            let to = if gradients.is_some() { dlogits } else { 0 };
            let arguments = arguments![p.logits, of_rows, targets, p.nats, to, from, m, vocab];
            let threads = if vocab >= MANY_TOKENS { 4 * THREADS } else { THREADS };
            self.launch(
                typed!(precision, "cross_entropy"),
                [rows, self.plan.runs, 1],
                threads,
                0,
                arguments,
            )?;
            let Some(adds) = gradients else { continue };
            self.multiply(
                Kind::Input,
                [rows, vocab, d],
                [logits(dlogits), embedding, below(p.dh_last)],
                false,
                false,
            )?;
            self.multiply(
                Kind::Weights,
                [rows, vocab, d],
                [logits(dlogits), h, self.gradient(0)],
                true,
                adds || from > 0,
            )?;
        }
        Ok(())
    }
}
