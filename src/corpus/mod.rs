//! Corpora: bitext and constructed languages, deduplicated, split, as nested prefixes of one seeded shuffle.
