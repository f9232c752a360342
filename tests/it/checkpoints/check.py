"""Loads what parallot wrote and compares logits: python tests/it/checkpoints/check.py BASE TRAINED OURS.json

BASE is the checkpoint that was trained on, TRAINED the folder with a network or with adapters, OURS.json the tokens and our logits.
Fails where a logit differs by 1e-4, or where training changed nothing. Called by tests/it/checkpoints.rs if PARALLOT_PYTHON names a Python
with: pip install torch transformers peft.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base, trained, ours = (Path(argument) for argument in sys.argv[1:])
ours = json.loads(ours.read_text())


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def logits(model):
    with torch.no_grad():
        return model(torch.tensor([ours["tokens"]])).logits[0]


before = logits(load(base))
if (trained / "adapter_config.json").exists():
    kind, model = "adapters", PeftModel.from_pretrained(load(base), trained).eval()
else:
    kind, model = "network", load(trained)
    AutoTokenizer.from_pretrained(trained)
after = logits(model)
distance = (after - torch.tensor(ours["logits"])).abs().max().item()
change = (after - before).abs().max().item()
print(f"{kind}: largest distance {distance:.1e}, while training changed logits by up to {change:.2f}")
sys.exit(distance >= 1e-4 or change < 0.1)
