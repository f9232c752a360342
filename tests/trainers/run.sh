#!/usr/bin/env bash
# Exports of a tiny plan, loaded by the trainers themselves: the rows that each draws per language are held against `realised.csv`, and
# LLaMA-Factory and TRL train ten steps of a tiny LLaMA on the CPU from the files as they are. Ends with the table of README.md.
#
#   tests/trainers/run.sh [TRAINER ...]
#
# Needs Python 3.12, PyPI, and 12 GB below TRAINERS, where the virtual environments stay. No part of .ci/run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${TRAINERS:-${XDG_CACHE_HOME:-$HOME/.cache}/parallot/trainers}
python=${PYTHON:-python3.12}
export HF_HUB_OFFLINE=1 CUDA_VISIBLE_DEVICES='' TOKENIZERS_PARALLELISM=false
mkdir -p "$home"

if [ -z "${PARALLOT:-}" ]; then
    (cd "$here/../.." && cargo build --release --locked)
    PARALLOT=${CARGO_TARGET_DIR:-$here/../../target}/release/parallot
fi

# one torch for all environments, which find it by a path file
torch=2.11.0
site() { echo "$home/$1/lib/python3.12/site-packages"; }
if [ ! -f "$home/torch/done" ]; then
    "$python" -m venv "$home/torch"
    "$home/torch/bin/pip" install -q "torch==$torch" "torchaudio==$torch" torchvision numpy
    touch "$home/torch/done"
fi

# environment NAME PACKAGE ...
environment() {
    local name=$1
    shift
    if [ ! -f "$home/$name/done" ]; then
        "$python" -m venv "$home/$name"
        site torch > "$(site "$name")/torch.pth"
        "$home/$name/bin/pip" install -q "$@" "torch==$torch"
        # its own requirements are of a trainer on GPUs
        if [ "$name" = verl ]; then "$home/$name/bin/pip" install -q --no-deps verl==0.9.1; fi
        touch "$home/$name/done"
    fi
}

install() {
    case $1 in
        trl | hf-datasets | jsonl) environment trl 'trl[peft]==1.16.0' transformers==5.24.0 datasets==5.2.0 pyyaml ;;
        llamafactory) environment llamafactory llamafactory==0.9.5 ;;
        ms-swift) environment ms-swift ms-swift==4.6.0 ;;
        axolotl) environment axolotl axolotl==0.19.0 ;;
        mosaicml-streaming) environment mosaicml-streaming mosaicml-streaming==0.13.0 pyyaml ;;
        verl) environment verl 'transformers>=5.5.3,<5.11,!=5.6.0' 'tensordict>=0.8,<=0.10,!=0.9.0' ray omegaconf hydra-core pandas pyarrow \
            codetiming datasets ;;
        *) echo "run.sh: no trainer \`$1\`, expected one of $all" >&2; exit 2 ;;
    esac
}

bin() {
    case $1 in
        hf-datasets | jsonl) echo "$home/trl/bin" ;;
        *) echo "$home/$1/bin" ;;
    esac
}

all='jsonl hf-datasets trl llamafactory ms-swift axolotl mosaicml-streaming verl'
trainers=${*:-$all}
install trl
for trainer in $trainers; do install "$trainer"; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir experiments
for plan in once repeated; do cp "$here/experiment.yaml" "experiments/$plan.yaml"; done
planned() {
    "$PARALLOT" sweep "$1" --trainer simulated
    "$PARALLOT" fit "$1" --n-draws 20
    "$PARALLOT" allocate "$1" --budget "$2" --epochs 3
} > plans.log 2>&1
planned once 1500
planned repeated 6k
"$PARALLOT" export once --policy uniform --to jsonl --out corpus > corpus.log 2>&1
export MODEL=$work/model
tenth=$("$home/trl/bin/python" "$here/tiny.py" corpus/data/*/train.jsonl "$MODEL" 2> tiny.log | tail -n 1)

# flags TRAINER: those that its export needs beside the tokenizer
flags() {
    case $1 in
        jsonl | hf-datasets) ;;
        llamafactory) echo "--model $MODEL --template qwen3_nothink" ;;
        *) echo "--model $MODEL" ;;
    esac
}

failed=0
: > table.md
for trainer in $trainers; do
    limits="2048 $tenth"
    # so short that of some rows no target is left, which it drops
    [ "$trainer" != trl ] || limits="$limits 40"
    for plan in once repeated; do
        for limit in $limits; do
            out=$work/out/$trainer-$plan-$limit
            # shellcheck disable=SC2046
            "$PARALLOT" export "$plan" --policy uniform --to "$trainer" --out "$out" --tokenizer "$MODEL" --limit "$limit" $(flags "$trainer") \
                > export.log 2>&1 || { cat export.log >&2; exit 1; }
            if ! "$(bin "$trainer")/python" "$here/count.py" "$trainer" "$out" > count.log 2>&1; then
                tail -n 20 count.log >&2
                failed=1
                continue
            fi
            python3 "$here/compare.py" "$out" "$trainer" "$plan" "$limit" < <(tail -n 1 count.log) | tee -a table.md
            [ "${PIPESTATUS[0]}" = 0 ] || failed=1
        done
    done
done

# ten steps from the files as they are; the CPU is all that is said
steps() {
    local trainer=$1
    shift
    (cd "out/$trainer-once-2048" && rm -rf saves && PATH=$(bin "$trainer"):$PATH "$@" > "$work/steps.log" 2>&1 \
        && ls saves/*/adapter_model.safetensors > /dev/null) || { tail -n 20 steps.log >&2; failed=1; return; }
    echo "ten steps: $*"
}
for trainer in $trainers; do
    case $trainer in
        trl)
            steps trl python train.py --max_steps 10 --use_cpu true
            steps trl trl sft --config sft.yaml --max_steps 10 --use_cpu true
            ;;
        llamafactory) steps llamafactory llamafactory-cli train train.yaml max_steps=10 use_cpu=true ;;
    esac
done
exit "$failed"
