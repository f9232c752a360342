#!/usr/bin/env bash
# All that is to be known of a GPU, from a binary that was built elsewhere: does it compute what the CPU computes, how fast are runs and stacks of runs
# beside PyTorch on the same card, how much memory do they take, and how long does a decision of six languages take. Made for nine minutes of an H100;
# each figure is in FOLDER/figures.txt as soon as it is there, so that a run that is cut off leaves what it has.
#
#   benches/gpu.sh [FOLDER]        # FOLDER keeps what is made (gpu-report)
#
# PARALLOT  a program with CUDA support (target/release/parallot)
# PYTHON    a Python, with torch for CUDA to compare with (python3); without torch PyTorch is left out
# DATA      the corpora of experiments/bible-six.yaml (../shared/data)
# HF        a checkpoint of a LLaMA of about 135 M parameters, to run a whole design on; left out without one
# DEVICE    cuda; `cpu` rehearses the script with tiny sizes
# PARTS     those to do, in the order of the script (losses speed six adapters full base)
set -uo pipefail
parts=${PARTS:-losses speed six adapters full base}
cd "$(dirname "$0")/.."
parallot=$(realpath "${PARALLOT:-target/release/parallot}") python=${PYTHON:-python3} device=${DEVICE:-cuda}
data=$(realpath -m "${DATA:-../shared/data}") root=$PWD failed=0
mkdir -p "${1:-gpu-report}"
cd "${1:-gpu-report}"
: >figures.txt
say() { echo "$*" | tee -a figures.txt; }
# one program at a time measures on the card
alone() { flock card.lock timeout 100 "$@"; }
bench() { alone "$parallot" bench --json --device "$@" 2>>errors.txt | tee -a bench.jsonl; }
field() { "$python" -c "import json, sys; print(json.loads(sys.stdin.readline() or '{}').get('$1', 'nothing'))"; }
# both lists of losses at a step, and whether they are within a tolerance, relative to the first
same() {
    "$python" - "$@" <<'P' | tee -a figures.txt
import json, sys
what, a, b, step, most = *sys.argv[1:4], int(sys.argv[4]), float(sys.argv[5])
try:
    a, b = (json.loads(text)["losses_nats"][step] for text in (a, b))
    apart = abs(b / a - 1)
    print(f"{what:52} {a:.6f} {b:.6f}  {apart:.1e} of {most:.0e} {'same' if apart <= most else 'DIFFERENT'}")
except (ValueError, IndexError, KeyError) as error:
    print(f"{what:52} nothing: {error!r}")
P
}

if [ "$device" = cpu ]; then
    f32=cpu steps=3 few=3 whole=3 models=nano stacks="1 2" compared="0 2" long=3
else
    # a card does 32 steps at a time, of which the first 32 warm it up: 64 in all, as on the CPU with its 3
    f32=$device/f32 steps=320 few=32 whole=61 models="nano micro small 135m" stacks="1 4 16 64" compared="0 7 63" long=64
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee -a figures.txt
fi
torch() { "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; }
if [[ $parts == *speed* && $device != cpu ]] && torch; then
    has_torch=yes
    # these compile for a minute each on the CPU while ours is measured; each waits for the card alone before it measures
    for model in nano small 135m; do
        (timeout 280 "$python" "$root/benches/gpu.py" $model 100 cuda --how graph-bf16 --lock card.lock >"torch-$model.json" 2>"torch-$model.err") &
    done
else
    has_torch=no
    [[ $parts != *speed* ]] || say "PyTorch with CUDA is not there: not measured"
fi

mkdir -p experiments
preset=micro sizes='[0, 500, 1000, 2000, 4000, 8000, 16000]' seeds='[1, 2, 3]' mixtures='{count: 24, least: 2000, most: 12000}' tokens=3000000 evaluated=250 together='--stack 16'
[ "$device" = cpu ] && preset=nano sizes='[0, 8, 16, 32]' seeds='[1]' mixtures='{count: 8, least: 48, most: 96}' tokens=20000 evaluated=8 together=
sed -E -e "s|^data: .*|data: $data|" -e "s/preset: nano/preset: $preset/" -e "s/^sizes: .*/sizes: $sizes/" -e "s/^seeds: .*/seeds: $seeds/" \
    -e "s/^mixtures: .*/mixtures: $mixtures/" -e "s/tokens: 3000000/tokens: $tokens/" -e "s/pairs: 250/pairs: $evaluated/" -e 's/peak_lr: 0.003/peak_lr: 0.002/' \
    "$root/experiments/bible-six.yaml" >experiments/six.yaml
timed() { # runs a command and says how long it took
    local start=$(date +%s.%N)
    "$@" >>verbs.txt 2>&1 && say "$2 $3: $(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }') s" || { failed=1; say "$2 $3 failed"; tail -3 verbs.txt; }
}
on() { # sweeps of an experiment on the CPU and on the card, and the largest difference of all their losses
    for where in cpu "$f32"; do
        rm -rf "experiments/records/$1" "on/$1-${where//\//-}"
        alone "$parallot" sweep "$1" --device "$where" >>verbs.txt 2>&1 || say "$1 on $where: nothing: $(tail -2 verbs.txt)"
        mv "experiments/records/$1" "on/$1-${where//\//-}"
    done
    "$python" - "$1" "on/$1-cpu" "on/$1-${f32//\//-}" <<'P' | tee -a figures.txt
import json, pathlib, sys
def losses(folder):
    records = (json.loads(path.read_text()) for path in pathlib.Path(folder).glob("*.json"))
    return {(r["pairs"], e["lang"]): e["nats"] / e["target_tokens"] for r in records for e in r.get("evaluations", [])}
ours, card = losses(sys.argv[2]), losses(sys.argv[3])
apart = max((abs(card[key] / ours[key] - 1) if key in card else 1 for key in ours), default=1)
print(f"{sys.argv[1]:12} {len(ours)} losses, at most {apart:.1e} of 1e-04 apart: {'same' if apart <= 1e-4 else 'DIFFERENT'}")
P
}
one() { # NAME BASE TUNING: an experiment of a base alone and one run
    cat >"experiments/$1.yaml" <<E
analysis: the card against the CPU
data: $data
languages:
  - {lang: vie_Latn, corpora: [{path: bible/vi.jsonl.gz, english: en, other: xx, split: split}]}
base: $2
tuning: {direction: en-x, prompt: alpaca, epochs: 1, batch_pairs: 8, optimisation: {peak_lr: 0.002}$3}
sizes: [0, 64]
seeds: [1]
evaluation: {pairs: 40}
E
}
tiny='{preset: nano, vocab_size: 2048, context: 256, pretraining: {tokens: 20000, shares: {eng_Latn: 0.9}}}'

part_losses() {
    say "# the CPU against the card: losses of steps from the same weights on the same batch"
    for model in nano $([ "$device" = cpu ] || echo micro); do
        cpu=$(bench cpu --model $model --steps $whole)
        single=$(bench "$f32" --model $model --steps $few) half=$(bench "$device" --model $model --steps $few)
        again=$(bench "$device" --model $model --steps $few) stacked=$(bench "$device" --model $model --steps $few --stack 4)
        for step in $compared; do same "$model, f32, loss of step $step" "$cpu" "$single" "$step" 1e-4; done
        for step in $compared; do same "$model, bf16, loss of step $step" "$cpu" "$half" "$step" 2e-2; done
        same "$model, a second run, last loss" "$half" "$again" -1 0
        same "$model, a stack of 4, last loss" "$half" "$stacked" -1 1e-4
    done
}

part_speed() {
    # what is measured from here on has the card to itself
    wait
    if [ $has_torch = yes ]; then
        for model in nano small 135m; do say "PyTorch, CUDA graph: $(cat torch-$model.json)"; done
        for how in eager-bf16 compile-bf16; do
            say "PyTorch: $(alone "$python" "$root/benches/gpu.py" 135m 20 cuda --how $how --sequences 512 2>>errors.txt)"
        done
    fi

    say "# tokens/s: 16 sequences of 128 tokens, half of them targets; medians of 32 steps"
    for model in $models; do
        for stack in $stacks; do
            case $model-$stack in small-64 | 135m-4 | 135m-16 | 135m-64) continue ;; esac
            say "$model, stack of $stack: $(bench "$device" --model $model --steps $((stack > 4 ? few : steps)) --stack "$stack" | field tokens_per_second)"
        done
    done
    if [ "$device" != cpu ]; then
        (while sleep 0.2; do nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits; done >used.txt 2>/dev/null) &
        poll=$!
        say "135m, 512 sequences: $(bench "$device" --model 135m --steps $long --sequences 512 | field tokens_per_second) tokens/s"
        kill $poll
        say "its peak on the card: $(sort -n used.txt | tail -1) MiB"
    fi
}

part_six() {
    say "# six languages, six sizes, three seeds and mixtures, micro, from end to end"
    if [ "$device" != cpu ]; then
        say "estimate of the largest run: $("$parallot" sweep six --device "$device" $together --list --json 2>/dev/null | "$python" -c "
import json, sys
print(max(run['peak_memory_bytes'] or 0 for run in json.load(sys.stdin)['runs']) / 1e6)") MB"
        (while sleep 0.2; do nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits; done >used.txt 2>/dev/null) &
        poll=$!
    fi
    timed "$parallot" sweep six --device "$device" $together
    [ "$device" = cpu ] || { kill $poll; say "peak on the card: $(sort -n used.txt | tail -1) MiB"; }
    timed "$parallot" fit six
    timed "$parallot" allocate six --budget $([ "$device" = cpu ] && echo 100 || echo 30k)
}

part_adapters() {
    say "# adapters and checkpoints of each family: the card against the CPU, losses in nats"
    mkdir -p on
    one lora "$tiny" ', method: {lora: {rank: 8}}'
    on lora
    cp -r "$root/tests/it/checkpoints" .
    # its window of 32 would be shorter than the context
    sed -i 's/"sliding_window": 32/"sliding_window": null/' checkpoints/mistral/config.json
    for family in llama mistral qwen2 qwen3; do
        one $family "{checkpoint: ../checkpoints/$family, context: 128}" ''
        on $family
    done
}

part_full() {
    [ "$device" != cpu ] || return 0
    say "# a card that is full: an error with a hint, and what was finished is kept"
    one full "${tiny/nano/small}" ''
    sed -i -e 's/batch_pairs: 8/batch_pairs: 12000/' -e 's/sizes: .*/sizes: [0, 12000]/' experiments/full.yaml
    alone "$parallot" sweep full --device "$device" 2>&1 | tail -6 | tee -a figures.txt
    say "records kept: $(find experiments/records/full -name '*.json' | wc -l)"
}

part_base() {
    [ -n "${HF:-}" ] || return 0
    say "# a real base: 40 runs, of six languages"
    sed -E -e '/^base:/,/^tuning:/{/^tuning:/!d}' -e "s|^tuning:|base: {checkpoint: $(realpath "$HF"), context: 256}\ntuning:|" \
        -e 's/^sizes: .*/sizes: [0, 250, 500, 1000]/' -e 's/^seeds: .*/seeds: [1]/' -e 's/^mixtures: .*/mixtures: {count: 21, least: 400, most: 2000}/' \
        -e 's/batch_pairs: 8/batch_pairs: 32/' -e 's/^evaluation: .*/evaluation: {pairs: 100}/' -e 's/peak_lr: [0-9.]+/peak_lr: 0.0003/' \
        experiments/six.yaml >experiments/base.yaml
    timed "$parallot" sweep base --device "$device"
    timed "$parallot" fit base
}

for part in $parts; do "part_$part"; done
# a figure that is not there is as wrong as one that differs
grep -qE 'DIFFERENT|nothing' figures.txt && failed=1
exit $failed
