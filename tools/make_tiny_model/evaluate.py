# SPDX-License-Identifier: Apache-2.0
"""Measures exact-match accuracy per kind of task.

All answer tokens, the stop token included, must be the most likely ones given the tokens
before them; that is the same as exact match of greedy decoding and needs one pass.

Usage: python evaluate.py --model models/weir-tiny --tasks tests/fixtures/tiny_tasks.jsonl
"""

import argparse
import collections
import json
import pathlib

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import tasks
from model import TinyConfig, TinyQwen3


def encode(tok, example):
    """(tokens, number of prompt tokens); the stop token is the last token."""
    prompt = tok.encode(example["prompt"]).ids
    chat = example["prompt"].startswith("<|im_start|>")
    stop = tok.token_to_id(tasks.END if chat else tasks.END_OF_TEXT)
    return prompt + tok.encode(example["answer"]).ids + [stop], len(prompt)


@torch.no_grad()
def margins(model, tok, examples, batch_tokens=8192, bf16=True):
    """For each example the smallest lead of an answer token's logit over the best other one.

    Greedy decoding gives the expected answer exactly where the margin is positive.
    """
    encoded = sorted(((*encode(tok, e), i) for i, e in enumerate(examples)), key=lambda t: len(t[0]))
    out = [0.0] * len(examples)
    while encoded:
        longest = len(encoded[-1][0])
        count = max(1, batch_tokens // longest)
        batch, encoded = encoded[-count:], encoded[:-count]
        tokens = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, (ids, _, _) in zip(tokens, batch):
            row[: len(ids)] = torch.tensor(ids)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            hidden = model.hidden(tokens)
            for h, (ids, num_prompt, i) in zip(hidden, batch):
                logits = model.logits(h[num_prompt - 1: len(ids) - 1]).float()
                wanted = torch.tensor(ids[num_prompt:])[:, None]
                mine = logits.gather(1, wanted)
                others = logits.scatter(1, wanted, -torch.inf).amax(1, keepdim=True)
                out[i] = (mine - others).min().item()
    return out


def accuracy(model, tok, examples, **options):
    """kind -> (number right, number of examples)"""
    right = collections.defaultdict(list)
    for example, margin in zip(examples, margins(model, tok, examples, **options)):
        right[example["kind"]].append(margin > 0)
    return {kind: (sum(r), len(r)) for kind, r in right.items()}


def summary(result):
    return "  ".join(f"{kind} {100 * n / of:.1f}" for kind, (n, of) in result.items())


def load(folder):
    """The exported model and its tokenizer."""
    config = json.loads((folder / "config.json").read_text())
    fields = {k: v for k, v in config.items() if k in TinyConfig.__dataclass_fields__}
    model = TinyQwen3(TinyConfig(**fields))
    weights = {k: v.float() for k, v in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(weights)
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--tasks", type=pathlib.Path, required=True)
    parser.add_argument("--show", type=int, default=0, help="print this many worst examples")
    args = parser.parse_args()
    model, tok = load(args.model)
    examples = [json.loads(line) for line in args.tasks.read_text().splitlines()]
    for bf16 in (True, False):
        found = margins(model, tok, examples, bf16=bf16)
        print("bf16 activations" if bf16 else "fp32 activations")
        for kind in dict.fromkeys(e["kind"] for e in examples):
            m = sorted(x for x, e in zip(found, examples) if e["kind"] == kind)
            print(f"  {kind:12} {sum(x > 0 for x in m):4} of {len(m):4}"
                  f"  {100 * sum(x > 0 for x in m) / len(m):5.1f} %   margin: worst {m[0]:.2f},"
                  f" 5th percentile {m[len(m) // 20]:.2f}, median {m[len(m) // 2]:.2f}")
    for margin, example in sorted(zip(found, examples), key=lambda t: t[0])[: args.show]:
        print(f"{margin:.2f} {example['id']} {example['prompt'][-90:]!r} {example['answer']!r}")


if __name__ == "__main__":
    main()
