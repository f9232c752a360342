"""Counts the rows per language that a trainer's own code loads from an export: `count.py TRAINER FOLDER`, run in the trainer's environment.

Which language a row is of is read off its prompt, which names it. The last line is JSON: rows per language, and versions.
"""

import functools
import json
import os
import re
import sys
from collections import Counter
from glob import glob
from importlib.metadata import PackageNotFoundError, version

LANGUAGES = {"Near": "qaa_Latn", "Middle": "qab_Latn", "Far": "qac_Latn"}
NAME = re.compile("|".join(LANGUAGES))


def language(text):
    return LANGUAGES[NAME.search(text).group()]


def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(os.environ["MODEL"])


def llamafactory():
    import yaml
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    with open("train.yaml", encoding="utf-8") as text:
        settings = yaml.safe_load(text) | {"use_cpu": True, "overwrite_cache": True, "preprocessing_num_workers": 1}
    model, data, training, _, _ = get_train_args(settings)
    module = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(module["tokenizer"], data)
    rows = get_dataset(template, model, data, training, stage="sft", **module)["train_dataset"]
    return (row["input_ids"] for row in rows)


def trl():
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser, get_dataset, get_peft_config

    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    _, training, model, mixture = parser.parse_args_and_config(["--config", "sft.yaml", "--use_cpu", "true"])
    trainer = SFTTrainer(
        model=model.model_name_or_path, args=training, train_dataset=get_dataset(mixture)["train"], peft_config=get_peft_config(model)
    )
    return (row["input_ids"] for row in trainer.train_dataset)


def axolotl():
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets

    config = load_cfg("axolotl.yaml", bf16=False, use_cpu=True)
    return (row["input_ids"] for row in load_datasets(cfg=config).train_dataset)


def ms_swift():
    import yaml
    from swift.pipelines import SwiftSft

    # a model without a name is of no type that it knows
    with open("train.yaml", encoding="utf-8") as text:
        settings = yaml.safe_load(text) | {"bf16": False, "torch_dtype": "float32", "model_type": "llama", "template": "chatml"}
    arguments = []
    for key, value in settings.items():
        arguments += [f"--{key}", *map(str, value if isinstance(value, list) else [value])]
    sft = SwiftSft(arguments)
    rows, _ = sft._prepare_dataset()
    return (row["input_ids"] for row in rows)


def verl():
    from omegaconf import OmegaConf
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

    with open("train.sh", encoding="utf-8") as text:
        flags = dict(re.findall(r"'?data\.(\w+)=(.+?)'? ", text.read()))
    files = flags["train_files"].strip("[]").split(",")
    config = {"max_length": int(flags["max_length"]), "truncation": flags["truncation"], "messages_key": flags["messages_key"]}
    rows = MultiTurnSFTDataset(files, tokenizer(), OmegaConf.create(config | {"pad_mode": "no_padding"}))
    # its loader drops the last batch where it is not full
    drawn = len(rows) // int(flags["train_batch_size"]) * int(flags["train_batch_size"])
    return (rows[at]["input_ids"].tolist() for at in range(drawn))


def hf_datasets():
    sys.path.insert(0, ".")
    from load import train

    return (row["messages"][0]["content"] for row in train)


def mosaicml_streaming():
    import subprocess

    import yaml
    from streaming import Stream, StreamingDataset

    subprocess.run([sys.executable, "prepare.py"], check=True)
    with open("train.yaml", encoding="utf-8") as text:
        streams = yaml.safe_load(text)["train_loader"]["dataset"]["streams"]
    rows = StreamingDataset(streams=[Stream(**stream) for stream in streams.values()], shuffle=True, batch_size=1)
    return (row["messages"][0]["content"] for row in rows)


def jsonl():
    from datasets import load_dataset

    (pooled,) = glob("data/*/train.jsonl")
    return (row["messages"][0]["content"] for row in load_dataset("json", data_files=pooled, split="train"))


READERS = {
    "llamafactory": (llamafactory, ["llamafactory", "transformers", "datasets"]),
    "trl": (trl, ["trl", "transformers", "datasets"]),
    "axolotl": (axolotl, ["axolotl", "transformers", "datasets"]),
    "ms-swift": (ms_swift, ["ms-swift", "transformers", "datasets"]),
    "verl": (verl, ["verl", "transformers"]),
    "hf-datasets": (hf_datasets, ["datasets"]),
    "mosaicml-streaming": (mosaicml_streaming, ["mosaicml-streaming"]),
    "jsonl": (jsonl, ["datasets"]),
}


def found(package):
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} ?"


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    os.chdir(folder)
    reader, packages = READERS[name]
    rows, tokens = Counter(), Counter()
    decode = functools.cache(tokenizer)
    for row in reader():
        lang = language(row if isinstance(row, str) else decode().decode(row))
        rows[lang] += 1
        tokens[lang] += 0 if isinstance(row, str) else len(row)
    print(json.dumps({"rows": rows, "tokens": tokens, "versions": ", ".join(map(found, packages))}, sort_keys=True))
