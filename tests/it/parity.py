"""The PyTorch program that made parity.json: python tests/it/parity.py > tests/it/parity.json

A small LLaMA with weights from a formula, its logits on one batch, and the losses of ten AdamW steps with clipping,
warm-up and cosine, all in f64. tests/it/parity.rs does the same with ours. Needs: pip install torch.
"""

import json
import math

import torch
import torch.nn.functional as F

V, D, L, H, KV, FF, EPS, THETA = 61, 32, 2, 4, 2, 48, 1e-5, 10000.0
HD = D // H
STEPS, PEAK, MIN_SHARE, WARMUP_SHARE, DECAY, CLIP = 10, 0.005, 0.1, 0.2, 0.1, 1.0


def weights(index, shape):
    """Variable number `index`: 0.3 sin(0.7 i + index) for matrices, 1 + 0.1 sin(...) for norms, i over entries in row-major order."""
    count = math.prod(shape)
    values = [math.sin(0.7 * i + index) for i in range(count)]
    values = [1 + 0.1 * v for v in values] if len(shape) == 1 else [0.3 * v for v in values]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_()


SHAPES = [(V, D)]
for _ in range(L):
    SHAPES += [(D,), ((H + 2 * KV) * HD, D), (D, D), (D,), (2 * FF, D), (D, FF)]
SHAPES += [(D,)]
PARAMETERS = [weights(index, shape) for index, shape in enumerate(SHAPES)]


def batch(step):
    """Three sequences of 7, 12 and 4 tokens; from token 3, 5 and 1 on they are predicted."""
    lengths, firsts = [7, 12, 4], [3, 5, 1]
    return [([(s * 31 + i * i * 7 + step * 5 + 1) % V for i in range(n)], first) for s, (n, first) in enumerate(zip(lengths, firsts))]


def rotate(x):  # (H, T, HD)
    t = x.shape[1]
    frequencies = 1 / THETA ** (torch.arange(0, HD, 2).double() / HD)
    angles = torch.outer(torch.arange(t).double(), frequencies)
    cos, sin = torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()
    half = torch.cat([-x[..., HD // 2 :], x[..., : HD // 2]], -1)
    return x * cos + half * sin


def logits(tokens):  # one sequence, (T, V)
    parameters = iter(PARAMETERS)
    embedding = next(parameters)
    x = embedding[torch.tensor(tokens)]
    for _ in range(L):
        norm_attention, qkv, out, norm_feed_forward, gate_up, down = (next(parameters) for _ in range(6))
        h = F.rms_norm(x, (D,), norm_attention, EPS) @ qkv.T
        q, k, v = (part.reshape(len(tokens), -1, HD).transpose(0, 1) for part in h.split([H * HD, KV * HD, KV * HD], -1))
        k, v = (part.repeat_interleave(H // KV, 0) for part in (rotate(k), v))
        a = F.scaled_dot_product_attention(rotate(q)[None], k[None], v[None], is_causal=True)[0]
        x = x + a.transpose(0, 1).reshape(len(tokens), D) @ out.T
        gate, up = (F.rms_norm(x, (D,), norm_feed_forward, EPS) @ gate_up.T).chunk(2, -1)
        x = x + (F.silu(gate) * up) @ down.T
    return F.rms_norm(x, (D,), next(parameters), EPS) @ embedding.T


def targets(sequences):
    """Logits and targets of all predicted tokens."""
    rows, wanted = [], []
    for tokens, first in sequences:
        rows.append(logits(tokens[:-1])[first - 1 :])
        wanted += tokens[first:]
    return torch.cat(rows), torch.tensor(wanted)


def rate(step):
    warmup = math.ceil(WARMUP_SHARE * STEPS)
    if step < warmup:
        return PEAK * (step + 1) / warmup
    done = (step - warmup + 1) / (STEPS - warmup)
    return PEAK * MIN_SHARE + 0.5 * PEAK * (1 - MIN_SHARE) * (1 + math.cos(math.pi * done))


rows, _ = targets(batch(0))
result = {"logits": [[float(x) for x in row[:5]] for row in rows], "losses": []}
optimiser = torch.optim.AdamW(
    [{"params": [p for p in PARAMETERS if p.dim() > 1], "weight_decay": DECAY}, {"params": [p for p in PARAMETERS if p.dim() == 1], "weight_decay": 0.0}],
    betas=(0.9, 0.99),
    eps=1e-8,
)
for step in range(STEPS):
    for group in optimiser.param_groups:
        group["lr"] = rate(step)
    loss = F.cross_entropy(*targets(batch(step % 2)))
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(PARAMETERS, CLIP)
    optimiser.step()
    result["losses"].append(float(loss.detach()))
print(json.dumps(result))
