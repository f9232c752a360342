"""PyTorch's training step on the work of `parallot bench`: sequences of 128 tokens, targets after the second half.

    gpu.py MODEL STEPS DEVICE [--sequences N] [--how eager-f32|eager-bf16|compile-bf16|graph-bf16] [--lock FILE]

Packed projections, fused attention, targets gathered before the head, fused AdamW; in bf16 by autocast over weights in f32. `compile` is torch.compile,
`graph` the same with CUDA graphs. With --lock the steps that count wait for others who measure. Prints one JSON object: median tokens per second, peak memory, seconds until the first step that counts.
"""
import argparse
import fcntl
import json
import time
from statistics import median

import torch
import torch.nn.functional as F

# vocabulary, width, layers, heads, key and value heads, feed-forward
MODELS = {
    "nano": (2048, 128, 4, 4, 2, 352),
    "micro": (4096, 256, 5, 8, 4, 704),
    "small": (8192, 512, 7, 8, 4, 1408),
    "s": (4096, 256, 4, 8, 8, 704),
    "m": (4096, 512, 6, 8, 8, 1408),
    "135m": (49152, 576, 30, 9, 3, 1536),
}
CONTEXT, WARM_UP = 128, 5


def main(name, steps, device, sequences, how, lock):
    start_of_all = time.perf_counter()
    vocab, d, layers, heads, kv_heads, d_ff = MODELS[name]
    head_dim = d // heads
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    kind, precision = how.split("-")

    def weight(*shape):
        return torch.nn.Parameter(torch.randn(*shape, device=device) * 0.02)

    def norm():
        return torch.nn.Parameter(torch.ones(d, device=device))

    embedding, last_norm = weight(vocab, d), norm()
    blocks = [
        (norm(), weight((heads + 2 * kv_heads) * head_dim, d), weight(d, heads * head_dim), norm(), weight(2 * d_ff, d), weight(d, d_ff))
        for _ in range(layers)
    ]
    parameters = [embedding, last_norm, *(w for block in blocks for w in block)]
    optimiser = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    angles = torch.arange(CONTEXT, device=device)[:, None] * 10_000 ** (-torch.arange(0, head_dim, 2, device=device) / head_dim)
    cos, sin = angles.cos(), angles.sin()  # (t, head_dim / 2)
    if precision == "bf16":
        cos, sin = cos.bfloat16(), sin.bfloat16()
    tokens = torch.randint(vocab, (sequences, CONTEXT + 1), device=device)

    def turn(x):  # (b, h, t, head_dim)
        low, high = x.chunk(2, -1)
        return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)

    def loss():
        x = F.embedding(tokens[:, :-1], embedding)  # (b, t, d)
        for norm_attention, qkv, out, norm_feed_forward, gate_up, down in blocks:
            heads_of = F.linear(F.rms_norm(x, (d,), norm_attention, 1e-5), qkv).view(sequences, CONTEXT, -1, head_dim).transpose(1, 2)
            q, k, v = heads_of.split([heads, kv_heads, kv_heads], 1)  # (b, h, t, head_dim)
            k, v = (each.repeat_interleave(heads // kv_heads, 1) for each in (turn(k), v))
            attended = F.scaled_dot_product_attention(turn(q), k, v, is_causal=True)  # (b, h, t, head_dim)
            x = x + F.linear(attended.transpose(1, 2).reshape(sequences, CONTEXT, heads * head_dim), out)  # (b, t, d)
            gate, up = F.linear(F.rms_norm(x, (d,), norm_feed_forward, 1e-5), gate_up).chunk(2, -1)  # (b, t, d_ff)
            x = x + F.linear(F.silu(gate) * up, down)  # (b, t, d)
        h = F.rms_norm(x[:, CONTEXT // 2 :], (d,), last_norm, 1e-5)  # (b, t / 2, d)
        return F.cross_entropy(F.linear(h, embedding).flatten(0, 1), tokens[:, CONTEXT // 2 + 1 :].flatten())

    def forward():
        with torch.autocast("cuda" if device.startswith("cuda") else "cpu", torch.bfloat16, enabled=precision == "bf16"):
            return loss()

    if kind != "eager":
        forward = torch.compile(forward, mode="reduce-overhead" if kind == "graph" else None)

    def step():
        optimiser.zero_grad(set_to_none=True)
        found = forward()
        found.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return found

    speeds = []
    for at in range(WARM_UP + steps):
        start = time.perf_counter()
        step()
        if at + 1 == WARM_UP:
            if lock:
                lock = open(lock, "w")
                fcntl.flock(lock, fcntl.LOCK_EX)
            ready = time.perf_counter() - start_of_all
        speeds.append(sequences * CONTEXT / (time.perf_counter() - start))
    peak = torch.cuda.max_memory_allocated() if device.startswith("cuda") else 0
    print(json.dumps({"model": name, "how": how, "sequences": sequences, "tokens_per_second": round(median(speeds[WARM_UP:])),
                      "peak_mb": round(peak / 1e6), "ready_seconds": round(ready, 1)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("steps", type=int)
    parser.add_argument("device")
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--how", default="eager-f32", choices=["eager-f32", "eager-bf16", "compile-bf16", "graph-bf16"])
    parser.add_argument("--lock")
    found = parser.parse_args()
    main(found.model, found.steps, found.device, found.sequences, found.how, found.lock)
