//! open-instruct: `train.sh`. A count without a dot is an absolute one; rows without any token of
//! an answer below the limit are filtered after it.

use super::{Plan, script, shell};
use crate::export::plan::{ACCUMULATION, BATCH, LEARNING_RATE, SEED, WARMUP};
use crate::export::{DataFile, Exported};

/// To be run in a checkout of open-instruct, which is no package.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Exported<'p> {
    let train = plan.train_files();
    let mixer = train
        .iter()
        .map(|file| format!("\"$here/{}\" {}", file.path(), file.count()))
        .collect::<Vec<_>>()
        .join(" ");
    let body = format!(
        "here=$PWD\ncd \"${{OPEN_INSTRUCT:?the folder of a checkout of open-instruct}}\"\n\
         accelerate launch --mixed_precision bf16 open_instruct/finetune.py \\\n  \
        --model_name_or_path {} \\\n  \
         --dataset_mixer_list {mixer} \\\n  --dataset_mixer_list_splits train \\\n  \
        --max_seq_length {} \\\n  --use_lora true \\\n  \
         --lora_rank 16 \\\n  --lora_alpha 32 \\\n  --per_device_train_batch_size {BATCH} \\\n  \
         --gradient_accumulation_steps {ACCUMULATION} \\\n  --learning_rate {LEARNING_RATE} \\\n  \
        --lr_scheduler_type cosine \\\n  \
         --warmup_ratio {WARMUP} \\\n  --num_train_epochs 1 \\\n  --logging_steps 1 \\\n  --seed \
        {SEED} \\\n  --output_dir \"$here/{}\" \"$@\"",
        shell(&plan.settings.model),
        plan.settings.limit,
        plan.output(),
    );
    let files = vec![("train.sh".to_owned(), script(plan, &body))];
    let data: Vec<DataFile> = train.into_iter().chain(plan.validation_files()).collect();
    Exported { files, data, start: Some("OPEN_INSTRUCT=~/open-instruct bash train.sh".to_owned()) }
}
