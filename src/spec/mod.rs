//! Specs: experiment YAML to a checked sweep and its runs, each with an id that is the hash of all of it.
