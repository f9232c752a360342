//! Sweeps: which runs are missing, and running them.
