#!/usr/bin/env bash
# The shares of a sweep on a real Slurm: 4 nodes on this machine, one of them killed, one task failed; the points must be those of one undisturbed sweep.
#
#     run.sh PARALLOT [SLURM_ONE_BOX]    # the script of `../shared/tools`, which starts Slurm from Debian's packages, as root
set -euo pipefail
parallot=$(realpath "$1")
box=$(realpath "${2:-$(dirname "$0")/../../../shared/tools/slurm-one-box.sh}")
place=$(mktemp -d)
trap '"$box" down "$place/slurm"; sleep 7; rm -rf "$place"' EXIT

mkdir -p "$place/whole/experiments" "$place/shared/experiments"
cat > "$place/whole/experiments/many.yaml" <<'Y'
analysis: 199 simulated runs
base:
  preset: nano
  vocab_size: 300
  context: 64
  tokenizer_pairs: 50
  pretraining: {tokens: 2000, shares: {eng_Latn: 0.94}, batch_tokens: 512}
tuning: {prompt: compact, batch_pairs: 4}
sizes: [0, 100, 200, 400, 800, 1200, 1600]
seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
evaluation: {pairs: 8}
constructed:
  seed: 1
  train: 1600
  dev: 20
  test: 20
  sisters:
  - {lang: qaa_Latn, name: Near, vocabulary: 0.9, order: svo, morphology: english}
  - {lang: qab_Latn, name: Middle, vocabulary: 0.5, order: svo, morphology: suffix}
  - {lang: qac_Latn, name: Far, vocabulary: 0.1, order: sov, morphology: case}
Y
cp "$place/whole/experiments/many.yaml" "$place/shared/experiments/"
sweep="$parallot sweep many --trainer simulated"
(cd "$place/whole" && $sweep 2>/dev/null)

"$box" up "$place/slurm" 4 2 >/dev/null
source "$place/slurm/env.sh"
cd "$place/shared"
# the first try of one task fails, and all take long enough for a node to be lost under them
task="sleep 3; if [ \$SLURM_ARRAY_TASK_ID = 5 ] && mkdir failed 2>/dev/null; then exit 7; fi; $sweep --shard \$SLURM_ARRAY_TASK_ID/24"
runs=$(sbatch --parsable --output "$place/%a.log" --array=1-24%6 --requeue --wrap "$task")
sleep 5
kill -9 "$(cat "$place/slurm/run/slurmd-n2.pid")"
echo "node n2 killed; $(ls experiments/records/many 2>/dev/null | grep -c json || true) files there"
end=$((SECONDS + 240))
# tasks of the lost node wait for it: what they leave is missing, and the last job does it
while [ "$(squeue -h -t RUNNING,PENDING -o %T -j "$runs" | grep -vc REQUEUE || true)" -gt 2 ] && [ $SECONDS -lt $end ]; do sleep 3; done
scancel "$runs"
echo "array ended; missing: $($sweep --missing 2>/dev/null | wc -l)"
last=$(sbatch --parsable --output "$place/last.log" --wrap "$sweep --missing | xargs -r -n 20 -P 2 sh -c 'for id; do $sweep --run \$id; done' sh && $sweep")
end=$((SECONDS + 120))
while [ -n "$(squeue -h -j "$last" -o %T 2>/dev/null)" ] && [ $SECONDS -lt $end ]; do sleep 2; done
tail -1 "$place/last.log"
cmp "$place/whole/experiments/records/many/points.csv" experiments/records/many/points.csv
left=$(find experiments/records/many -name '*.claim' -o -name '*.failed' | wc -l)
[ "$left" = 0 ] || { echo "$left claims or failures are left" >&2; exit 1; }
echo "the points are those of one sweep"
