//! verl: Parquet files and `train.sh`.
//!
//! Its loader drops the last batch where it is not full, of each process, and goes over the data
//! four times unless told otherwise: the batch divides the rows where a multiple of 8 between 64
//! and 256 does, it divides over the processes, and there is one epoch. A row above the limit would
//! stop it; here it is cut.

use super::{Plan, script, shell};
use crate::export::plan::{LEARNING_RATE, WARMUP};
use crate::export::trainer::gpus_for;
use crate::export::{DataFile, Exported};

/// A column `messages`, one file per language.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Exported<'p> {
    let train: Vec<DataFile> = plan.train_files().into_iter().map(DataFile::into_parquet).collect();
    let validation: Vec<DataFile> =
        plan.validation_files().into_iter().map(DataFile::into_parquet).collect();
    let list = |files: &[DataFile]| {
        format!("[{}]", files.iter().map(DataFile::path).collect::<Vec<_>>().join(","))
    };
    let validated = match validation.as_slice() {
        [] => String::new(),
        files => format!("  'data.val_files={}' \\\n", list(files)),
    };
    let body = format!(
        "torchrun --standalone --nproc_per_node=\"${{GPUS:-1}}\" -m verl.trainer.sft_trainer \\\n  \
         'data.train_files={}' \\\n{validated}  data.messages_key=messages \\\n  \
        data.max_length={} \\\n  data.truncation=right \\\n  \
         data.train_batch_size={} \\\n  data.micro_batch_size_per_gpu=4 \\\n  model.path={} \\\n  \
        model.lora_rank=16 \\\n  model.lora_alpha=32 \\\n  optim.lr={LEARNING_RATE} \\\n  \
        optim.lr_scheduler_type=cosine \\\n  \
         optim.lr_warmup_steps_ratio={WARMUP} \\\n  trainer.total_epochs=1 \\\n  \
        trainer.default_local_dir={} \"$@\"",
        list(&train),
        plan.settings.limit,
        plan.batch(),
        shell(&plan.settings.model),
        plan.output(),
    );
    let files = vec![("train.sh".to_owned(), script(plan, &body))];
    Exported {
        files,
        data: train.into_iter().chain(validation).collect(),
        start: Some(format!("GPUS={} bash train.sh", gpus_for(plan.batch()))),
    }
}

#[cfg(test)]
mod tests {
    use crate::export::tests::{file, plan};
    use crate::export::{Format, Trainer};

    #[test]
    fn the_batch_is_one_that_nothing_is_left_of() {
        let script = file(&plan(Trainer::Verl, Format::Messages), "train.sh");
        assert!(script.contains("data.train_batch_size=10 "), "{script}");
        assert_eq!(
            crate::export::export(&plan(Trainer::Verl, Format::Messages)).unwrap().start.unwrap(),
            "GPUS=2 bash train.sh"
        );
        let files = "[data/0123abcd/muit_swh_Latn.parquet,data/0123abcd/muit_tur_Latn.parquet]";
        assert!(script.contains(&format!("'data.train_files={files}'")), "{script}");
    }
}
