//! Laws that are not convex: `branch` and bound over their convex envelopes, and the least level
//! that coupled languages can `reach`.

pub(crate) mod branch;
pub(crate) mod reach;
