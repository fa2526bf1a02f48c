# SPDX-License-Identifier: Apache-2.0
"""A decoder in float64 NumPy, written from the papers and meant to be read beside them.

Qwen3ForCausalLM, Qwen2ForCausalLM and LlamaForCausalLM are one computation with few choices:

    x = embedding[token]
    for each layer:
        x += attention(rms_norm(x))      grouped queries, rotary positions, causal
        x += down(silu(gate(h)) * up(h)) with h = rms_norm(x)
    logits = head @ rms_norm(x)

No cache: every call computes all positions, so it cannot share a caching error with what it checks.

Usage: python numpy_model.py FOLDER --prompt 5,17,3 --max-new 8
"""

import argparse
import json
import pathlib

import numpy as np

import rope
import safetensors_io

# What attention_bias and a norm of each head default to.
ARCHITECTURES = {
    "Qwen3ForCausalLM": {"qk_norm": True},
    "Qwen2ForCausalLM": {"qk_norm": False, "qkv_bias": True},
    "LlamaForCausalLM": {"qk_norm": False},
}


def rms_norm(x, weight, eps):
    """Zhang and Sennrich, arXiv 1910.07467, over the last axis."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def rotate(x, angles, factor):
    """x [tokens, heads, d]; pair (i, i + d/2) of a head turns by angles[token, i]."""
    cos = np.cos(angles)[:, None, :] * factor
    sin = np.sin(angles)[:, None, :] * factor
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def causal_attention(q, k, v):
    """q [tokens, hq, d], k and v [tokens, hkv, d]; query head h reads KV head h // (hq / hkv)."""
    tokens, hq, d = q.shape
    group = hq // k.shape[1]
    seen = np.tril(np.ones((tokens, tokens), dtype=bool))
    out = np.empty_like(q)
    for head in range(hq):
        scores = q[:, head] @ k[:, head // group].T / np.sqrt(d)
        scores = np.where(seen, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        out[:, head] = weights / weights.sum(axis=1, keepdims=True) @ v[:, head // group]
    return out


class NumpyModel:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = safetensors_io.load_folder(folder)
        self._check()
        c = self.config
        self.arch = ARCHITECTURES[c["architectures"][0]]
        self.eps = c["rms_norm_eps"]
        self.hq = c["num_attention_heads"]
        self.hkv = c.get("num_key_value_heads") or self.hq
        self.d = c.get("head_dim") or c["hidden_size"] // self.hq
        self.inv_freq, self.rope_factor = rope.frequencies(c, self.d)

    def _check(self):
        c = self.config
        if c["architectures"][0] not in ARCHITECTURES:
            raise ValueError(f"architecture {c['architectures'][0]} is not known to this oracle")
        if c.get("hidden_act", "silu") != "silu":
            raise ValueError(f"hidden_act {c['hidden_act']} is not known to this oracle")
        if c.get("use_sliding_window") or c.get("partial_rotary_factor", 1.0) != 1.0:
            raise ValueError("sliding windows and partial rotation are not known to this oracle")

    def _stored(self, x):
        """What the next product sees of x; sensitivity.py rounds here, where Weir does."""
        return x

    def _linear(self, x, name, bias=False):
        y = self._stored(x) @ self.weights[f"{name}.weight"].T
        return y + self.weights[f"{name}.bias"] if bias else y

    def _attention(self, x, layer):
        name = f"model.layers.{layer}.self_attn"
        tokens = len(x)
        all_bias = self.config.get("attention_bias", False)
        qkv_bias = self.arch.get("qkv_bias", all_bias)
        q = self._linear(x, f"{name}.q_proj", qkv_bias).reshape(tokens, self.hq, self.d)
        k = self._linear(x, f"{name}.k_proj", qkv_bias).reshape(tokens, self.hkv, self.d)
        v = self._linear(x, f"{name}.v_proj", qkv_bias).reshape(tokens, self.hkv, self.d)
        if self.arch["qk_norm"]:
            q = rms_norm(q, self.weights[f"{name}.q_norm.weight"], self.eps)
            k = rms_norm(k, self.weights[f"{name}.k_norm.weight"], self.eps)
        angles = np.arange(tokens)[:, None] * self.inv_freq
        q = self._stored(rotate(q, angles, self.rope_factor))
        k = self._stored(rotate(k, angles, self.rope_factor))
        out = causal_attention(q, k, self._stored(v)).reshape(tokens, self.hq * self.d)
        return self._linear(out, f"{name}.o_proj", all_bias)

    def _mlp(self, x, layer):
        name = f"model.layers.{layer}.mlp"
        bias = self.config.get("mlp_bias", False)
        gate = self._linear(x, f"{name}.gate_proj", bias)
        up = self._linear(x, f"{name}.up_proj", bias)
        return self._linear(gate / (1 + np.exp(-gate)) * up, f"{name}.down_proj", bias)

    def logits(self, tokens):
        """[len(tokens), vocab] float64: the prediction after each token."""
        w = self.weights
        x = w["model.embed_tokens.weight"][np.asarray(tokens)]
        for layer in range(self.config["num_hidden_layers"]):
            name = f"model.layers.{layer}"
            h = rms_norm(x, w[f"{name}.input_layernorm.weight"], self.eps)
            x = x + self._attention(h, layer)
            h = rms_norm(x, w[f"{name}.post_attention_layernorm.weight"], self.eps)
            x = x + self._mlp(h, layer)
        x = rms_norm(x, w["model.norm.weight"], self.eps)
        tied = self.config.get("tie_word_embeddings", False)
        return self._linear(x, "model.embed_tokens" if tied else "lm_head")


def best_and_margin(logits):
    """Of each row: the largest logit's token, and its lead over the second."""
    top = np.sort(logits, axis=-1)[..., -2:]
    return logits.argmax(axis=-1), top[..., 1] - top[..., 0]


def greedy(model, prompt, max_new):
    """(tokens, their margins)"""
    tokens, margins = list(prompt), []
    for _ in range(max_new):
        best, margin = best_and_margin(model.logits(tokens)[-1])
        tokens.append(int(best))
        margins.append(float(margin))
    return tokens[len(prompt) :], margins


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--prompt", required=True, help="token ids, comma separated")
    parser.add_argument("--max-new", type=int, default=8)
    args = parser.parse_args()
    prompt = [int(token) for token in args.prompt.split(",")]
    for token, margin in zip(*greedy(NumpyModel(args.folder), prompt, args.max_new)):
        print(f"{token}\t{margin:.6f}")


if __name__ == "__main__":
    main()
