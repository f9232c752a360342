#!/usr/bin/env bash
# All that is to be known of a GPU, from a binary that was built elsewhere: does it compute what the CPU computes, how fast is a run and a stack of
# runs beside PyTorch on the same card, and how long does a sweep of six languages take.
#
#   benches/gpu.sh [FOLDER]        # FOLDER keeps what is made (gpu-report)
#
# PARALLOT  a program with CUDA support (target/release/parallot)
# PYTHON    a Python with torch for CUDA (python3); without one PyTorch is left out
# DATA      the corpora of experiments/bible-six.yaml (../shared/data)
# STEPS     steps of each measurement (50)
set -euo pipefail
cd "$(dirname "$0")/.."
parallot=$(realpath "${PARALLOT:-target/release/parallot}") python=$(command -v "${PYTHON:-python3}" || echo false)
data=$(realpath -m "${DATA:-../shared/data}") steps=${STEPS:-50}
root=$PWD
mkdir -p "${1:-gpu-report}"
cd "${1:-gpu-report}"

number() { sed -E "s/.*\"$1\":([0-9.eE+-]+).*/\1/"; }
# prints both numbers and fails where they are further apart than the tolerance, relative to the first
same() { awk -v what="$1" -v a="$2" -v b="$3" -v most="$4" 'BEGIN { d = (b - a) / a; d = d < 0 ? -d : d; ok = d <= most
    printf "%-40s %.6f %.6f  %.1e of %.0e %s\n", what, a, b, d, most, ok ? "same" : "DIFFERENT"; exit !ok }'; }
median() { sort -g | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'; }

echo "# the CPU against the GPU: losses of steps from the same weights on the same batches, in f32"
for model in nano micro; do
    cpu=$("$parallot" bench --model $model --steps 5 --json) gpu=$("$parallot" bench --model $model --steps 5 --device cuda --json)
    same "$model, first loss" "$(number loss_first <<<"$cpu")" "$(number loss_first <<<"$gpu")" 1e-5
    same "$model, eighth loss" "$(number loss_last <<<"$cpu")" "$(number loss_last <<<"$gpu")" 1e-4
    stack=$("$parallot" bench --model $model --steps 5 --device cuda --stack 4 --json)
    same "$model, eighth loss of a stack" "$(number loss_last <<<"$gpu")" "$(number loss_last <<<"$stack")" 1e-4
done

echo "# tokens/s, medians of three"
speed() { "$parallot" bench --model "$1" --steps "$steps" --device cuda --stack "$2" --json | number tokens_per_second; }
theirs() { "$python" "$root/benches/gpu.py" "$1" "$steps" cuda; }
for model in nano micro s m; do
    for stack in 1 4 16 32; do
        for _ in 1 2 3; do speed $model $stack; done | median | sed "s/^/$model, stack of $stack: /"
    done
done
if "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    for model in nano micro s m; do
        for _ in 1 2 3; do theirs $model; done | median | sed "s/^/$model, PyTorch: /"
    done
else
    echo "PyTorch with CUDA is not there: not measured"
fi

echo "# six languages, six sizes, three seeds, micro, from end to end"
mkdir -p experiments
sed -E -e "s|^data: .*|data: $data|" -e 's/preset: nano/preset: micro/' -e 's/^sizes: .*/sizes: [0, 500, 1000, 2000, 4000, 8000, 16000]/' \
    -e 's/^seeds: .*/seeds: [1, 2, 3]/' -e 's/peak_lr: 0.003/peak_lr: 0.002/' "$root/experiments/bible-six.yaml" >experiments/six-micro.yaml
time "$parallot" sweep six-micro --device cuda --stack 18
time "$parallot" fit six-micro
time "$parallot" allocate six-micro --budget 30k
