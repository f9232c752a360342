//! Numerics that know no language: roots, finite differences, quantiles, bootstrap indices from a given generator.
