#!/usr/bin/env bash
# Training steps beside PyTorch's on the same work, run by run, so that noise meets all alike: medians of tokens/s and our ratios.
#
#   benches/step.sh [ROUNDS] [STEPS]
#
# PARALLOT  our program (target/release/parallot)
# PYTHON    a Python with torch (python3)
# PEER      PyTorch's step (../shared/tools/pytorch_step.py), which takes {s|m} {hf|best} STEPS and two threads
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5} steps=${2:-10}
parallot=${PARALLOT:-target/release/parallot} python=${PYTHON:-python3} peer=${PEER:-../shared/tools/pytorch_step.py}

ours() { "$parallot" bench --model "$1" --threads "$2" --steps "$steps" --json | sed -E 's/.*"tokens_per_second":([0-9.]+).*/\1/'; }
theirs() { "$python" "$peer" "$1" "$2" $((steps + 1)) 2>/dev/null | sed -E 's/.* median ([0-9]+) .*/\1/'; }
side_by_side() { (ours "$1" 1 & ours "$1" 1; wait) | awk '{ sum += $1 } END { print sum }'; }
median() { sort -g | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'; }

printf '%-5s  %11s  %15s  %12s  %10s  %7s  %5s\n' model '1 run, 2 thr' '2 runs of 1 thr' 'PyTorch best' 'PyTorch hf' '/ best' '/ hf'
for model in s m; do
    two=() pair=() best=() hf=()
    for _ in $(seq "$rounds"); do
        two+=("$(ours "$model" 2)")
        best+=("$(theirs "$model" best)")
        pair+=("$(side_by_side "$model")")
        hf+=("$(theirs "$model" hf)")
    done
    row=()
    for speeds in "${two[*]}" "${pair[*]}" "${best[*]}" "${hf[*]}"; do
        row+=("$(tr ' ' '\n' <<<"$speeds" | median)")
    done
    awk -v model="$model" '{ printf "%-5s  %12.0f  %15.0f  %12.0f  %10.0f  %7.2f  %5.2f\n", model, $1, $2, $3, $4, $1 / $3, $1 / $4 }' <<<"${row[*]}"
done
