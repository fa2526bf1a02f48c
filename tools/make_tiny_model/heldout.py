# SPDX-License-Identifier: Apache-2.0
"""Writes the held-out task set, one JSON object per line.

Usage: python heldout.py --tokenizer DIR/tokenizer.json --out tests/fixtures/tiny_tasks.jsonl
"""

import argparse
import json
import pathlib
import random

from tokenizers import Tokenizer

import tasks
from weir_facts import FACTS
from words import KEYS

# Prompt length in tokens, from and to.
RECALL_LENGTHS = {"recall_256": (240, 272), "recall_1024": (1010, 1048), "recall_2500": (2515, 3000)}


def recall(rng, tok, shortest, longest, depth, raw):
    """A prompt that asks once for a fact at `depth` (0 first, 1 last) of a long text."""
    def num_tokens(text):
        return len(tok.encode(text).ids)

    target = rng.randint(shortest, longest)
    room = target - 14
    num_facts = rng.randint(1, min(len(KEYS), int(room * 0.8 / tasks.FACT_TOKENS)))
    keys = rng.sample(KEYS, num_facts)
    key, value = keys[0], tasks.draw_value(rng, keys[0], held_out=True)
    items = [tasks.statement(rng, k, tasks.draw_value(rng, k)) for k in keys[1:]]
    asked = tasks.statement(rng, key, value)
    used = sum(num_tokens(" " + item) for item in [*items, asked])
    while True:
        filler = tasks.sentence(rng)
        used += num_tokens(" " + filler)
        if used > room:
            break
        items.append(filler)
    rng.shuffle(items)
    items.insert(round(depth * len(items)), asked)
    text = " ".join(items) + "\n" + tasks.question(rng, key)
    return (text, f" {value}") if raw else (tasks.user_turn(text), value)


def short(rng, kind, raw, op=None):
    if kind == "arithmetic":
        expression, result = tasks.draw_arithmetic(rng, held_out=True, op=op)
        if raw:
            return f"{expression} =", f" {result}"
        return tasks.user_turn(tasks.arithmetic_request(rng, expression)), result
    items, answer = tasks.draw_list(rng, kind, held_out=True)
    request = f"{kind}: {' '.join(items)}"
    if raw:
        return request + " ->", " " + " ".join(answer)
    return tasks.user_turn(request), " ".join(answer)


def build(tok, seed=20240229, num_recall=40, num_lists=60, sums=(90, 90, 20)):
    """The examples as dicts, without repetition."""
    rng = random.Random(seed)
    out, seen = [], set()

    def add(kind, make):
        while True:
            prompt, answer = make()
            if prompt not in seen:
                break
        seen.add(prompt)
        out.append({"id": f"{kind}_{sum(e['kind'] == kind for e in out):03d}", "kind": kind,
                    "prompt": prompt, "answer": answer,
                    "max_tokens": len(tok.encode(answer).ids) + 4})

    for kind, (shortest, longest) in RECALL_LENGTHS.items():
        for i in range(num_recall):
            depth = i / max(1, num_recall - 1)
            add(kind, lambda: recall(rng, tok, shortest, longest, depth, raw=i % 4 == 3))
    for op, count in zip("+-*", sums):
        for i in range(count):
            add("arithmetic", lambda: short(rng, "arithmetic", raw=i % 2 == 1, op=op))
    for kind in ("sort", "copy", "reverse"):
        for i in range(num_lists):
            add(kind, lambda: short(rng, kind, raw=i % 2 == 1))
    for phrasings, answer in FACTS:
        for phrasing in phrasings:
            add("chat", lambda: (tasks.user_turn(phrasing), answer))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    examples = build(Tokenizer.from_file(str(args.tokenizer)))
    args.out.write_text("".join(json.dumps(e) + "\n" for e in examples))
    print(f"{len(examples)} examples, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
