"""Makes the tiny checkpoints beside this file and expected.json: python tests/it/checkpoints/make.py

One randomly initialised model a family, written by transformers in the forms that checkpoints come in (f32, bf16, f16; one file or
shards; tied or not), and the logits that transformers computes from what it wrote, in f32. tests/it/checkpoints.rs reads them with ours.
Needs: pip install torch transformers.
"""

import json
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen3Config

HERE = Path(__file__).parent
SIZES = dict(
    vocab_size=64, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128
)
# with head_dim 8 and theta 100, this leaves one frequency alone, mixes two and divides one
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
FAMILIES = {
    "llama": (LlamaConfig(**SIZES, head_dim=8, rope_parameters=dict(rope_theta=100.0, **LLAMA3)), torch.float32, "1GB"),
    "mistral": (MistralConfig(**SIZES, sliding_window=32, rms_norm_eps=1e-5), torch.bfloat16, "4KB"),
    "qwen2": (Qwen2Config(**SIZES, tie_word_embeddings=True, use_sliding_window=False, sliding_window=8), torch.float16, "1GB"),
    "qwen3": (Qwen3Config(**SIZES, head_dim=6), torch.float32, "1GB"),
}
# as their tokenizers have them: Qwen's start a sequence with nothing
MARKS = {"llama": ("<|begin|>", "<|end|>"), "mistral": ("<s>", "</s>"), "qwen2": (None, "<|end|>"), "qwen3": (None, "<|end|>")}
SEQUENCES = [[(7 * i * i + 3 * i + 1) % 64 for i in range(20)], [5, 0, 63, 12, 12]]


def randomise(model):
    """Weights large enough that attention, gates and norms are far from linear."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data = 1 + 0.3 * noise if "norm" in name else 0.4 * noise


def tokenizer(bos, eos):
    tokens = [token for token in (bos, eos) if token]
    tokens += [f"w{i}" for i in range(64 - len(tokens))]
    core = Tokenizer(WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="w0"))
    core.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token=bos, eos_token=eos)


expected = {"sequences": SEQUENCES, "logits": {}}
for family, (config, dtype, shard) in FAMILIES.items():
    folder = HERE / family
    shutil.rmtree(folder, ignore_errors=True)
    model = AutoModelForCausalLM.from_config(config)
    randomise(model)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    tokenizer(*MARKS[family]).save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = [model(torch.tensor([tokens])).logits[0] for tokens in SEQUENCES]
    expected["logits"][family] = [[[round(x, 6) for x in row] for row in rows.tolist()] for rows in logits]
    print(family, "logits up to", max(rows.abs().max().item() for rows in logits))
(HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
