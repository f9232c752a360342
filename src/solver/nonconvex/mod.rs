//! Laws that are not convex: `branch` and bound over their convex `envelope`s, and the least level that coupled languages can `reach`.

pub(crate) mod branch;
pub(crate) mod envelope;
pub(crate) mod reach;
