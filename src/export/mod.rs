//! Export: an allocation as a trainer's configuration and the exact data files that it reads.
