# SPDX-License-Identifier: Apache-2.0
"""Gives a half-trained model a head start in recall, which is slow to appear by itself.

Recall takes two attention layers: one moves the name of a key to the value that stands after
it and to the place where it is asked for, the next one compares the two names. This script
inserts a new decoder layer before the last one, whose first two heads look a fixed number of
tokens back, and solves by least squares on the model's own hidden states for the projections
of two heads of the last layer that compare names and copy values. Everything is trained
further afterwards; nothing is fixed, and the architecture stays plain Qwen3.

Usage: python graft.py --run DIR       (rewrites DIR/checkpoint.pt, which then has one layer more)
"""

import argparse
import dataclasses
import pathlib
import random

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import tasks
from batches import Encoder
from model import TinyQwen3
from words import KEYS, VALUES

ROW_LEN = 160
CODE_LEN = 40           # a key's name is compared in this many dimensions
FIRST_SLOW_PAIR = 42    # RoPE pairs from here on hardly turn within a few thousand tokens
NUM_FAST_PAIRS = 12     # pairs that tell neighbouring tokens apart
SLOW = [*range(FIRST_SLOW_PAIR, 64), *range(64 + FIRST_SLOW_PAIR, 128)]


class Samples:
    """Tokens of many rows with what a recall circuit has to know about each of them."""

    def __init__(self, tok, num_rows, seed=5):
        self.encoder = Encoder(tok)
        rng = random.Random(seed)
        mix = {"recall": 0.7, "dense": 0.3, "arithmetic": 0.45}
        self.rows = [self.encoder.row(rng, ROW_LEN, mix)[0] for _ in range(num_rows)]
        token = tok.token_to_id
        keys = {token("Ġ" + k): i for i, k in enumerate(KEYS)}
        values = {token("Ġ" + v): i for i, v in enumerate(VALUES)}
        equals, mark, newline, assistant = token("Ġ="), token("?"), token("Ċ"), token("assistant")
        ids = [i for row in self.rows for i in row]
        n = len(ids)
        none = [-1] * n
        # Index of the key that a token is, has as its name, or asks for.
        self.key, self.name, self.asked, self.value = none[:], none[:], none[:], none[:]
        self.chat_answer = [0.0] * n
        for i in range(n):
            if i % ROW_LEN > ROW_LEN - 8:
                continue  # what follows may belong to the next row
            if i and ids[i] == newline and ids[i - 1] == assistant:
                self.chat_answer[i] = 1.0
            if ids[i] not in keys:
                continue
            self.key[i] = keys[ids[i]]
            if i + 2 < n and ids[i + 1] == equals:
                self.asked[i + 1] = keys[ids[i]]
                if ids[i + 2] in values:
                    self.name[i + 2], self.value[i + 2] = keys[ids[i]], values[ids[i + 2]]
            elif i + 6 < n and ids[i + 1] == mark:
                self.asked[i + 1] = keys[ids[i]]
                if ids[i + 2] in values:
                    self.name[i + 2], self.value[i + 2] = keys[ids[i]], values[ids[i + 2]]
                elif ids[i + 6] == newline and ids[i + 5] == assistant:
                    self.asked[i + 6] = keys[ids[i]]
        for field in ("key", "name", "asked", "value", "chat_answer"):
            setattr(self, field, torch.tensor(getattr(self, field)))

    @torch.no_grad()
    def inputs_of(self, model, layer):
        """What the attention of `layer` reads at each token, [tokens, hidden], and the residual."""
        caught = {}
        module = model.model.layers[layer].input_layernorm
        handle = module.register_forward_hook(
            lambda _, args, out: caught.update(residual=args[0], normed=out))
        normed, residual = [], []
        for begin in range(0, len(self.rows), 32):
            model.hidden(torch.tensor(self.rows[begin:begin + 32]))
            normed.append(caught["normed"].flatten(0, 1))
            residual.append(caught["residual"].flatten(0, 1))
        handle.remove()
        return torch.cat(normed), torch.cat(residual)


def solve(x, y, weight=None, ridge=1e-4):
    """W [out, in] that minimises |x W^T - y|^2, with optional weights of the samples."""
    weight = torch.ones(len(x)) if weight is None else weight
    xw = x * weight[:, None]
    gram = xw.T @ x
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
    return torch.linalg.solve(gram, xw.T @ y).T


def offset_query(cfg, back):
    """A query that, against `offset_query(cfg, 0)` as the key, prefers the token `back` before."""
    half = cfg.head_dim // 2
    angle = back * cfg.rope_theta ** (-torch.arange(half) * 2.0 / cfg.head_dim)
    use = (torch.arange(half) < NUM_FAST_PAIRS).float()
    return torch.cat((angle.cos() * use, -angle.sin() * use))


def rows_of(codes, index):
    """codes[index], and zeros where the index is negative."""
    return codes[index.clamp(min=0)] * (index >= 0)[:, None]


def sized(w, x, index, size):
    """`w` scaled so that its output has the norm `size` where the index is set."""
    return w * size / (x[index >= 0] @ w.T).norm(dim=1).mean()


def balanced(index):
    """Sample weights that give the marked samples half of the total."""
    marked = (index >= 0).float()
    return marked / marked.sum() + (1 - marked) / (1 - marked).sum()


@torch.no_grad()
def enlarge_embedding(model, factor):
    """Makes tokens visible behind the first layer, whose output is far larger than they are."""
    model.model.embed_tokens.weight *= factor
    model.model.norm.weight /= factor


@torch.no_grad()
def insert_offset_layer(old, samples, codes):
    """A copy of `old` with a new layer before the last one, and the codes' length in the residual."""
    cfg = dataclasses.replace(old.cfg, num_hidden_layers=old.cfg.num_hidden_layers + 1)
    model = TinyQwen3(cfg)
    last = old.cfg.num_hidden_layers - 1
    state = {k.replace(f"layers.{last}.", f"layers.{last + 1}."): v
             for k, v in old.state_dict().items()}
    model.load_state_dict(state, strict=False)
    layer, d = model.model.layers[last], cfg.head_dim
    _, residual = samples.inputs_of(old, last)
    x = layer.input_layernorm(residual)

    always = solve(x, torch.ones(len(x), 1))
    answer = solve(x, samples.chat_answer[:, None], balanced(samples.chat_answer - 0.5))
    attn = layer.self_attn
    attn.q_norm.weight.fill_(2.0)
    attn.k_norm.weight.fill_(2.0)
    # Head 0: the key asked for, six tokens before the answer of a chat, else one token before.
    attn.q_proj.weight[:d] = (offset_query(cfg, 1)[:, None] * (always - answer)
                              + offset_query(cfg, 6)[:, None] * answer)
    # Head 1: the key that a value belongs to.
    attn.q_proj.weight[d:2 * d] = offset_query(cfg, 2)[:, None] * always
    attn.k_proj.weight[:d] = offset_query(cfg, 0)[:, None] * always
    attn.v_proj.weight[:d] = 0
    name = solve(x, rows_of(codes, samples.key), balanced(samples.key))
    attn.v_proj.weight[:CODE_LEN] = sized(name, x, samples.key, 1.0)
    # Names are written where the residual has the least variance.
    basis = torch.linalg.eigh(residual.T.cov())[1][:, :2 * CODE_LEN]
    size = 0.35 * residual.norm(dim=1).mean()
    attn.o_proj.weight.zero_()
    attn.o_proj.weight[:, :CODE_LEN] = size * basis[:, :CODE_LEN]
    attn.o_proj.weight[:, d:d + CODE_LEN] = size * basis[:, CODE_LEN:]
    layer.mlp.down_proj.weight.zero_()
    return model


@torch.no_grad()
def write_match_head(model, samples, codes, group, strength=1.0):
    """Lets the query heads of `group` in the last layer compare names and copy values."""
    cfg = model.cfg
    layer = model.model.layers[-1]
    x, residual = samples.inputs_of(model, cfg.num_hidden_layers - 1)
    asked, named = (samples.asked >= 0).float(), (samples.name >= 0).float()

    def features(index, flag):
        # A token that takes no part meets the others in a dimension of its own.
        name = sized(solve(x, rows_of(codes, index), balanced(index)), x, index, 1.5)
        flags = torch.stack((flag, 1 - flag), dim=1)
        return torch.cat((name, solve(x, flags, balanced(index))))

    q, k = features(samples.asked, asked), features(samples.name, named)
    dims = SLOW[-len(q):]
    attn, d = layer.self_attn, cfg.head_dim
    heads = range(group * 2, group * 2 + 2)
    for head in heads:
        attn.q_proj.weight[head * d:(head + 1) * d] = 0
        attn.q_proj.weight[[head * d + i for i in dims]] = q
    attn.k_proj.weight[group * d:(group + 1) * d] = 0
    attn.k_proj.weight[[group * d + i for i in dims]] = k
    for norm in (attn.q_norm, attn.k_norm):
        norm.weight[SLOW] *= 1.2

    # The value to say, with and without a space before it.
    tok, embed = samples.encoder.tok, model.model.embed_tokens.weight
    targets = torch.stack([embed[tok.token_to_id("Ġ" + v)] + embed[tok.token_to_id(v)]
                           for v in VALUES])
    targets = F.normalize(targets - 2 * embed.mean(0), dim=1)
    wanted = rows_of(targets, samples.value)
    u, s, vt = torch.linalg.svd(solve(x, wanted, balanced(samples.value)))
    root = s[:d].sqrt()
    size = strength * residual.norm(dim=1).mean()
    attn.v_proj.weight[group * d:(group + 1) * d] = root[:, None] * vt[:d] * size ** 0.5
    for head in heads:
        attn.o_proj.weight[:, head * d:(head + 1) * d] = u[:, :d] * root * size ** 0.5 / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--group", type=int, default=1, help="KV head of the last layer to reuse")
    parser.add_argument("--embedding-factor", type=float, default=20.0)
    parser.add_argument("--num-rows", type=int, default=256)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    path = args.run / "checkpoint.pt"
    saved = torch.load(path, weights_only=False)
    old = TinyQwen3(saved["config"])
    old.load_state_dict(saved["model"])
    samples = Samples(Tokenizer.from_file(str(args.run / "tokenizer.json")), args.num_rows)
    enlarge_embedding(old, args.embedding_factor)
    codes = F.normalize(torch.randn(len(KEYS), CODE_LEN), dim=1)
    model = insert_offset_layer(old, samples, codes)
    write_match_head(model, samples, codes, args.group)
    saved.update(model=model.state_dict(), config=model.cfg, optimizer=None)
    torch.save(saved, path)
    print(f"step {saved['step']}: {model.cfg.num_hidden_layers} layers, "
          f"{sum(p.numel() for p in model.parameters())} parameters")


if __name__ == "__main__":
    main()
