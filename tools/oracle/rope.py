# SPDX-License-Identifier: Apache-2.0
"""Frequencies of rotary embeddings and their stretchings, in float64.

Plain      Su et al., arXiv 2104.09864: pair i turns by position * theta^(-2i/d).
linear     Chen et al., arXiv 2306.15595: every frequency divided by `factor`.
llama3     Llama 3.1: long waves divided by `factor`, short ones kept, those between blended.
yarn       Peng et al., arXiv 2309.00071: a ramp over the pairs between the two, and cosines and
           sines scaled by an attention factor.
"""

import math

import numpy as np


def parameters(config):
    """The rope fields of a config.json of either style, as one flat dict."""
    rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    rope.setdefault("rope_theta", config.get("rope_theta", 10000.0))
    rope.setdefault("rope_type", rope.get("type", "default"))
    rope.setdefault("original_max_position_embeddings", config["max_position_embeddings"])
    return rope


def llama3(inv_freq, rope):
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    factor = rope["factor"]
    turns = rope["original_max_position_embeddings"] * inv_freq / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0.0, 1.0)  # 1: a short wave, 0: a long one
    return inv_freq * (kept + (1 - kept) / factor)


def yarn(inv_freq, rope):
    pairs = len(inv_freq)
    dim = 2 * pairs
    factor = rope["factor"]

    def pair_with(turns):  # the pair, as a real number, that turns so often in the original context
        wave = rope["original_max_position_embeddings"] / (turns * 2 * math.pi)
        return dim * math.log(wave) / (2 * math.log(rope["rope_theta"]))

    first = pair_with(rope.get("beta_fast") or 32.0)
    last = pair_with(rope.get("beta_slow") or 1.0)
    if rope.get("truncate", True):
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, dim - 1)
    if first == last:
        last += 0.001
    stretched = np.clip((np.arange(pairs) - first) / (last - first), 0.0, 1.0)
    return inv_freq * (1 - stretched + stretched / factor)


def yarn_attention_factor(rope):
    def mscale(weight):
        return 1.0 if rope["factor"] <= 1 else 0.1 * weight * math.log(rope["factor"]) + 1.0

    if rope.get("attention_factor") is not None:
        return rope["attention_factor"]
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return mscale(rope["mscale"]) / mscale(rope["mscale_all_dim"])
    return mscale(1.0)


def frequencies(config, head_dim):
    """(angle per position of each of the head_dim / 2 pairs, factor of cosines and sines)."""
    rope = parameters(config)
    inv_freq = rope["rope_theta"] ** (-np.arange(0, head_dim, 2) / head_dim)
    kind = rope["rope_type"]
    if kind == "default":
        return inv_freq, 1.0
    if kind == "linear":
        return inv_freq / rope["factor"], 1.0
    if kind == "llama3":
        return llama3(inv_freq, rope), 1.0
    if kind == "yarn":
        return yarn(inv_freq, rope), yarn_attention_factor(rope)
    raise ValueError(f"rope_type {kind} is not known to this oracle")
