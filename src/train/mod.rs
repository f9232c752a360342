//! Training: one small run, from a base model to its losses on every language.
