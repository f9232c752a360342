//! Plain networks on a graphics card: the forward and backward of [`super::pass`], AdamW, and R runs side by side, in few launches.
//!
//! One code for a run and for a stack of them: every buffer has a leading run axis, every product is a batched one. Weights, gradients and moments of a
//! run lie in flat buffers ([`layout`]), batches go over as arrays of numbers ([`feed`]), activations have fixed places ([`places`]), so that the work
//! of a step can be recorded once and repeated ([`card::Card::repeat`]). The host waits for the card only to read the losses of many steps at once; what
//! is to be decided in a step, clipping and whether a run has failed, the card decides.
//!
//! The kernels are in `kernels.cu` and `attention.cu`. `emulator.h` runs the same text on a CPU, thread for thread, so that all of this is tested
//! without a card.

mod card;
#[cfg(test)]
mod emulated;
mod feed;
mod layout;
mod pass;
mod places;
#[cfg(test)]
mod tests;
mod trainer;

pub use card::Precision;
