//! The model: a LLaMA decoder with differentiable fused ops, its tokenizer and its checkpoints.
//!
//! A batch is a run of whole sequences laid end to end, without padding: token `t` of a sequence
//! sees the tokens up to `t` of the same sequence and nothing else. With `n` tokens, `d` the width
//! and `V` the vocabulary:
//!
//! ```text
//! x_0     = E[tokens]                                     (n, d)
//! x_{l+½} = x_l + W_o attention(rope(W_qkv rms(x_l)))      (n, d)
//! x_{l+1} = x_{l+½} + W_down swiglu(W_gate_up rms(x_{l+½})) (n, d)
//! logits  = rms(x_L)[targets] E^T                          (m, V)
//! ```
//!
//! The families of checkpoints ([`Family`]) add biases or norms to queries and keys, or have a head
//! of their own in place of `E`.
//!
//! Several of candle's own ops cut the gradient in silence; every op used here is either one of
//! ours with its own backward, or one of candle's that has been checked against central differences
//! in the tests.

mod adapted;
mod arena;
mod attention;
mod backprop;
mod batch;
mod chat;
pub mod checkpoint;
mod composed;
mod config;
mod generate;
mod gpu;
mod inference;
mod kernels;
mod llama;
mod lora;
mod ops;
mod pass;
mod product;
mod recomputed;
mod stack;
mod tokenizer;

pub use backprop::{Backprop, Gradients, PART_TOKENS, Saving};
pub use batch::Batch;
pub use chat::{Chat, ChatError};
pub use checkpoint::{CheckpointError, WeightsError};
pub use config::{ConfigError, Family, Llama3Scaling, ModelConfig, RopeScaling};
pub use generate::{Choices, Choosing, Decoding, Request, generate};
#[cfg(test)]
pub(crate) use gpu::on_emulated_card;
pub use gpu::{
    CardFull, Networks, Part, Precision, Setting, Told, is_for_card, memory_on_card, on_card,
    take_variables,
};
pub use inference::Past;
use kernels::Real;
pub(crate) use kernels::vectorised;
pub use llama::Llama;
pub use lora::Lora;
pub use ops::Ops;
pub use stack::Stack;
pub use tokenizer::{Mark, Marks, Pieces, TokenizerError, Vocabulary};

#[cfg(test)]
mod tests;
