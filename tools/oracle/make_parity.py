# SPDX-License-Identifier: Apache-2.0
"""Writes tests/parity/cases: small random models and what two oracles say about them.

Each case is a folder with config.json and weights as Hugging Face stores them, and
  expected.json    prompts, greedy tokens, and the best token and its margin at every position
  expected.f32     logits of some rows: for each prompt the float64 oracle's, then transformers',
                   each [rows, vocab] little-endian float32

Usage: python make_parity.py --out ../../tests/parity/cases [--only NAME]
       python make_parity.py --out ../../tests/parity/cases --check    compares, writes nothing
"""

import argparse
import json
import pathlib

import numpy as np

import cases
import safetensors_io
from numpy_model import NumpyModel, best_and_margin, greedy

MAX_NEW = 24
# Logits are stored at these positions, beside edges of pages of 16, and at the last two.
ROWS = (0, 15, 16, 64)
# transformers computes angles and sums in float32; see README.md for what was found.
ORACLES_AGREE = 1e-4


def write_model(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    config = cases.config_json(case)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tensors = cases.weights(case)
    if case.shards == 1:
        safetensors_io.save(folder / "model.safetensors", tensors)
        return
    names = list(tensors)
    weight_map, total = {}, 0
    for shard in range(case.shards):
        file = f"model-{shard + 1:05}-of-{case.shards:05}.safetensors"
        # Dealt out like cards, so that the tensors of one layer lie in different files.
        mine = {name: tensors[name] for name in names[shard :: case.shards]}
        total += safetensors_io.save(folder / file, mine)
        weight_map.update(dict.fromkeys(mine, file))
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def ask_both(numpy_model, hf_model, prompt):
    """(what expected.json says of the prompt, logits of both oracles, their largest difference)"""
    ours = numpy_model.logits(prompt)
    theirs = hf_model.logits(prompt)
    best, margin = best_and_margin(ours)
    tokens, margins = greedy(numpy_model, prompt, MAX_NEW)
    # Random weights leave no tie as near as float32's error: if one turns up, take another seed.
    assert tokens == hf_model.greedy(prompt, MAX_NEW), "the oracles' greedy tokens differ"
    assert (best == theirs.argmax(-1)).all(), "the oracles' best tokens differ"
    last = range(len(prompt) - 2, len(prompt))
    rows = sorted({row for row in (*ROWS, *last) if 0 <= row < len(prompt)})
    said = {
        "tokens": prompt,
        "logit_rows": rows,
        "best": best.tolist(),
        "margin": [round(float(m), 5) for m in margin],
        "greedy": tokens,
        "greedy_margin": [round(m, 5) for m in margins],
    }
    return said, [ours[rows], theirs[rows]], float(np.abs(ours - theirs).max())


def ask(case, folder):
    """(expected.json as a dict, expected.f32 as an array)"""
    import hf_model  # slow to load

    models = NumpyModel(folder), hf_model.HfModel(folder)
    said, logits, difference = [], [], 0.0
    for prompt in cases.prompts(case):
        one, pair, apart = ask_both(*models, prompt)
        said.append(one)
        logits += [rows.ravel() for rows in pair]
        difference = max(difference, apart)
    assert difference < ORACLES_AGREE, f"{case.name}: the oracles are {difference:.1e} apart"
    flat = np.concatenate(logits).astype("<f4")
    expected = {
        "covers": case.covers,
        "oracles": f"NumPy float64; {hf_model.versions()}, float32",
        "logits_rms": round(float(np.sqrt((flat**2).mean())), 3),
        "oracles_differ_by": float(f"{difference:.1e}"),
        "prompts": said,
    }
    return expected, flat


def dump(expected):
    """Indented, with each list of numbers on one line."""
    text = json.dumps(expected | {"prompts": []}, indent=1)[:-len("[]\n}")]
    prompts = [
        "  {\n" + ",\n".join(f"   {json.dumps(k)}: {json.dumps(v)}" for k, v in p.items()) + "\n  }"
        for p in expected["prompts"]
    ]
    return text + "[\n" + ",\n".join(prompts) + "\n ]\n}\n"


def check(case, folder):
    """The committed records against a fresh run on the committed weights."""
    expected, flat = ask(case, folder)
    old = json.loads((folder / "expected.json").read_text())
    old_flat = np.fromfile(folder / "expected.f32", "<f4")
    assert [p["tokens"] for p in old["prompts"]] == [p["tokens"] for p in expected["prompts"]]
    assert [p["greedy"] for p in old["prompts"]] == [p["greedy"] for p in expected["prompts"]]
    assert np.abs(flat - old_flat).max() < ORACLES_AGREE
    return expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", help="one case by name")
    parser.add_argument("--check", action="store_true", help="compare with what is there")
    args = parser.parse_args()
    for case in cases.CASES:
        if args.only not in (None, case.name):
            continue
        folder = args.out / case.name
        if args.check:
            expected = check(case, folder)
        else:
            write_model(case, folder)
            expected, flat = ask(case, folder)
            (folder / "expected.json").write_text(dump(expected))
            flat.tofile(folder / "expected.f32")
        least = min(min(p["margin"] + p["greedy_margin"]) for p in expected["prompts"])
        print(f"{case.name:20} logits rms {expected['logits_rms']:.2f}  oracles apart "
              f"{expected['oracles_differ_by']:.1e}  least margin {least:.5f}")


if __name__ == "__main__":
    main()
