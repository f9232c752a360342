//! One file per trainer: its configuration, and which data files it reads.

mod axolotl;
mod hf_datasets;
mod jsonl;
mod llamafactory;
mod megatron;
mod mosaicml_streaming;
mod ms_swift;
mod open_instruct;
mod trl;
mod tsv;
mod verl;

use super::plan::Plan;
use super::{ExportError, Exported, Trainer};
use serde::Serialize;

/// The data files and the configuration for the trainer of a plan.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    match plan.settings.trainer {
        Trainer::LlamaFactory => llamafactory::files(plan),
        Trainer::Jsonl => Ok(jsonl::files(plan)),
        Trainer::Trl => trl::files(plan),
        Trainer::Axolotl => axolotl::files(plan),
        Trainer::MsSwift => ms_swift::files(plan),
        Trainer::Verl => Ok(verl::files(plan)),
        Trainer::OpenInstruct => Ok(open_instruct::files(plan)),
        Trainer::HfDatasets => Ok(hf_datasets::files(plan)),
        Trainer::Megatron => Ok(megatron::files(plan)),
        Trainer::MosaicmlStreaming => mosaicml_streaming::files(plan),
        Trainer::Tsv => Ok(tsv::files(plan)),
    }
}

/// A configuration in YAML below the head of the plan and a line that says what is to be known of
/// it.
fn yaml(plan: &Plan, about: &str, wire: &impl Serialize) -> Result<Vec<u8>, ExportError> {
    let yaml = serde_yaml::to_string(wire)
        .map_err(|cause| ExportError::Yaml { cause: cause.to_string() })?;
    Ok(format!("{}# {about}\n{yaml}", plan.head()).into_bytes())
}

/// A text as a shell reads it back.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A shell script that runs in its own folder, below the head of the plan.
fn script(plan: &Plan, body: &str) -> Vec<u8> {
    format!(
        "#!/usr/bin/env bash\n{}set -euo pipefail\ncd \"$(dirname \"$0\")\"\n{body}\n",
        plan.head()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_is_quoted() {
        let text = "a 'b' $HOME";
        let echoed = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!("printf %s {}", shell(text)))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(echoed.stdout).unwrap(), text);
    }
}
