//! The command line: flags to checked values, one file a verb; the only stdout, stderr, environment and clock.
