"""Compares what `parallot evaluate` found with transformers: python tests/it/evaluating.py MODEL PAIRS.tsv OUT

OUT holds what greedy translation from English into Turkish under the compact prompt wrote, and the table of the layers. Needs: pip install
torch transformers.
"""

import csv
import json
import sys
from pathlib import Path

import torch
from torch.nn.functional import normalize
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

folder, pairs, out = map(Path, sys.argv[1:])
marks = json.loads((folder / "tokenizer_config.json").read_text())
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token=marks.get("bos_token"), eos_token=marks["eos_token"])
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
start, end = [tokenizer.bos_token_id] if tokenizer.bos_token else [], tokenizer.eos_token_id
last = []
model.model.layers[-1].register_forward_hook(lambda module, given, output: last.append(output[0] if isinstance(output, tuple) else output))


def encode(text):
    return tokenizer(text, add_special_tokens=False).input_ids


def stream(tokens):
    """The residual stream (tokens, d) a layer; what transformers calls the last hidden state is already normalised."""
    last.clear()
    with torch.no_grad():
        states = list(model.model(torch.tensor([tokens]), output_hidden_states=True).hidden_states)
    return [state[0] for state in states[:-1]] + [last[0].reshape(states[0].shape)[0]]


def sentences(texts):
    layers = zip(*[[state[len(start) :].mean(0).double() for state in stream(start + encode(text))] for text in texts])
    return [torch.stack(layer) for layer in layers]


def same_answer(row):
    prompt = torch.tensor([start + encode(row["prompt"])])
    tokens = model.generate(prompt, do_sample=False, max_new_tokens=8, eos_token_id=end, pad_token_id=end)[0, prompt.shape[1] :].tolist()
    tokens = tokens[: tokens.index(end)] if end in tokens else tokens
    return tokenizer.decode(tokens, skip_special_tokens=True).strip() == row["answer"]


answers = [json.loads(line) for line in (out / "generations.jsonl").read_text().splitlines()]
equal = sum(map(same_answer, answers))
rows = [line.split("\t") for line in pairs.read_text().splitlines()][1:]
lens = []
for source, target in rows:
    wanted = [encode(target)[0], encode(source)[0]]
    if wanted[0] != wanted[1]:
        states = stream(start + encode(f"English:\n{source}\nTurkish:\n"))
        with torch.no_grad():
            lens.append(torch.stack([model.lm_head(model.model.norm(state[-1:])).softmax(-1)[0, wanted].double() for state in states]))
lens = torch.stack(lens).mean(0)
lines = (line for line in (out / "representation.csv").read_text().splitlines() if not line.startswith("#"))
worst, n, places = 0.0, len(rows), torch.arange(len(rows))
table = list(csv.DictReader(lines))
for layer, (x, y) in enumerate(zip(sentences([row[0] for row in rows]), sentences([row[1] for row in rows]), strict=True)):
    cosines = normalize(x, dim=1) @ normalize(y, dim=1).T
    x, y = x - x.mean(0), y - y.mean(0)
    theirs = {
        "cosine_parallel": cosines.diag().mean(),
        "cosine_random": (cosines.sum() - cosines.trace()) / (n * (n - 1)),
        "retrieval_from_source": (cosines.argmax(1) == places).double().mean(),
        "retrieval_to_source": (cosines.argmax(0) == places).double().mean(),
        "cka": (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm()),
        "lens_translation": lens[layer, 0],
        "lens_source": lens[layer, 1],
    }
    worst = max([worst] + [abs(float(table[layer][name]) - value.item()) for name, value in theirs.items()])
print(f"{equal} of {len(answers)} answers equal, {len(table)} layers, largest distance {worst:.1e}")
sys.exit(0 if equal == len(answers) == n and worst < 1e-6 else 1)
