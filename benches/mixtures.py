#!/usr/bin/env python3
"""Held-out mixtures predicted by `parallot fit --mixtures` and by its peers, on the same splits.

    mixtures.py PARALLOT [DATA]      # DATA is the folder fitdata, with mixture/pile5.csv

Needs numpy, scipy and lightgbm. Peers: a line in the shares, the log-linear law of olmix (ln loss), LightGBM as RegMix has it, and the exponential law
of data mixing laws, c + k exp(t . p), per model size; the others take ln of the model's parameters as one more input. With a quarter of the runs the
means are over five draws of 20 of the 80 runs.
"""
import csv
import json
import subprocess
import sys
import tempfile
import warnings

import lightgbm
import numpy as np
from scipy.optimize import least_squares
from scipy.stats import spearmanr

warnings.filterwarnings("ignore")
DOMAINS = 5


def read(data):
    rows = list(csv.DictReader(open(f"{data}/mixture/pile5.csv")))
    table = lambda prefix: np.array([[float(row[f"{prefix}_{at}"]) for at in range(1, DOMAINS + 1)] for row in rows])
    sizes = np.array([float(row["model"][:-1]) * 1e6 for row in rows])
    return table("p"), sizes, table("loss"), np.array([row["split"] == "train" for row in rows])


def ours(program):
    def predict(shares, sizes, losses, asked_shares, asked_sizes):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            names = range(1, DOMAINS + 1)
            print(",".join(["split", "n_params", *(f"p_{at}" for at in names), *(f"loss_{at}" for at in names)]), file=file)
            for p, n, l in zip(shares, sizes, losses):
                print(",".join(map(str, ["fit", n, *p, *l])), file=file)
            for p, n in zip(asked_shares, asked_sizes):
                print(",".join(map(str, ["predict", n, *p, *[""] * DOMAINS])), file=file)
            file.flush()
            out = subprocess.run([program, "fit", "--mixtures", file.name, "--json"], capture_output=True, check=True, text=True).stdout
        found = json.loads(out)["predictions"]
        shape = (len(asked_shares), DOMAINS)
        return tuple(np.array(values).reshape(shape) for values in zip(*((one["prediction"], *one["interval_90"]) for one in found)))

    return predict


def inputs(shares, sizes):
    return np.c_[shares, np.log(sizes)]


def line(shares, sizes, losses, asked_shares, asked_sizes):
    return inputs(asked_shares, asked_sizes) @ np.linalg.lstsq(inputs(shares, sizes), losses, rcond=None)[0]


def log_linear(shares, sizes, losses, *asked):
    return np.exp(line(shares, sizes, np.log(losses), *asked))


def trees(shares, sizes, losses, *asked):
    def one(loss):
        model = lightgbm.LGBMRegressor(n_estimators=1000, learning_rate=0.01, num_leaves=15, min_child_samples=3, verbose=-1, random_state=1)
        return model.fit(inputs(shares, sizes), loss).predict(inputs(*asked))

    return np.array([one(loss) for loss in losses.T]).T


def exponential(shares, sizes, losses, asked_shares, asked_sizes):
    out = np.zeros((len(asked_shares), DOMAINS))
    for size in set(asked_sizes):
        own, asked = sizes == size, asked_sizes == size
        for at in range(DOMAINS):
            loss = losses[own, at]
            residual = lambda w: w[0] + np.exp(w[1] + shares[own] @ w[2:]) - loss
            start = lambda c: np.r_[loss.min() * c, np.log(loss.mean() * (1 - c)), np.zeros(DOMAINS)]
            best = min((least_squares(residual, start(c), max_nfev=4000) for c in (0.3, 0.6, 0.9)), key=lambda found: found.cost).x
            out[asked, at] = best[0] + np.exp(best[1] + asked_shares[asked] @ best[2:])
    return out


def main(program, data="../shared/fitdata"):
    shares, sizes, losses, is_train = read(data)
    asked = np.where(~is_train)[0]
    true = losses[asked]
    every = np.where(is_train)[0]
    quarters = [every[np.random.default_rng(seed).permutation(len(every))[:20]] for seed in range(5)]
    ways = {"parallot": ours(program), "a line": line, "log-linear": log_linear, "LightGBM": trees, "exponential, per size": exponential}
    for runs, designs in (("80", [every]), ("20", quarters)):
        for name, predict in ways.items():
            if name.startswith("exponential") and runs == "20":
                continue  # seven parameters, five runs
            errors, pooled, within, inside = [], [], [], []
            for design in designs:
                found = predict(shares[design], sizes[design], losses[design], shares[asked], sizes[asked])
                if isinstance(found, tuple):
                    found, low, high = found
                    inside.append(np.mean((low <= true) & (true <= high)))
                errors.append(np.mean(np.abs(found / true - 1)))
                pooled.append(np.mean([spearmanr(found[:, at], true[:, at])[0] for at in range(DOMAINS)]))
                of_size = [spearmanr(found[sizes[asked] == size, at], true[sizes[asked] == size, at])[0] for size in set(sizes) for at in range(DOMAINS)]
                within.append(np.nanmean(of_size))
            covered = f"{100 * np.mean(inside):.0f} % in 90 %" if inside else ""
            print(f"{runs} runs  {name:22} Spearman {np.mean(pooled):.4f}, within a size {np.mean(within):.4f}  error {100 * np.mean(errors):.2f} %  {covered}")


if __name__ == "__main__":
    main(*sys.argv[1:])
