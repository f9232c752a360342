#!/usr/bin/env bash
# Fills corpus/ with the first inputs of every target: logs and files as the tests make them.
set -euo pipefail
cd "$(dirname "$0")/.."

export PARALLOT_FUZZ_CORPUS="$PWD/fuzz/corpus"
cargo test --release --locked --lib -- import::tests::seeds
cargo test --release --locked --test it -- seeds::
cp experiments/*.yaml src/cli/quickstart.yaml fuzz/corpus/experiment/
