# SPDX-License-Identifier: Apache-2.0
"""What tests/parity can see: how far rounding moves the logits, and how far mistakes do.

For each case, the largest change of any logit of the first prompt
  rounding   when weights and the inputs of every product are rounded to bfloat16, as Weir does
  then       when one thing is wrong: the smallest and its name, over all mistakes that concern it
A bound of the parity test lies between the two columns.

Usage: python sensitivity.py ../../tests/parity/cases
"""

import argparse
import json
import pathlib

import numpy as np

import numpy_model
import rope
from safetensors_io import from_bf16_bits, to_bf16_bits


def to_bf16(x):
    return from_bf16_bits(to_bf16_bits(x.astype(np.float32))).astype(np.float64)


class RoundedModel(numpy_model.NumpyModel):
    def __init__(self, folder):
        super().__init__(folder)
        for name, values in self.weights.items():
            if values.ndim == 2:
                self.weights[name] = to_bf16(values)

    def _stored(self, x):
        return to_bf16(x)


def with_weights(model, part, change):
    """Applies `change` to every weight whose name holds `part`; False when there is none."""
    names = [name for name in model.weights if part in name]
    for name in names:
        model.weights[name] = change(model.weights[name])
    return bool(names)


def shifted_positions(model):
    model.inv_freq = model.inv_freq * 1.01
    return True


def unscaled_rope(model):
    plain = rope.parameters(model.config)["rope_theta"] ** (-np.arange(0, model.d, 2) / model.d)
    changed = not np.array_equal(plain, model.inv_freq)
    model.inv_freq = plain
    return changed


def no_attention_factor(model):
    changed = model.rope_factor != 1.0
    model.rope_factor = 1.0
    return changed


def swapped_kv_heads(model):
    if model.hkv == 1:
        return False

    def swap(w):
        return np.concatenate([w[model.d :], w[: model.d]])

    return with_weights(model, "k_proj", swap)


MISTAKES = {
    "frequencies 1 % off": shifted_positions,
    "rope scaling ignored": unscaled_rope,
    "attention factor ignored": no_attention_factor,
    "KV heads swapped": swapped_kv_heads,
    "q_norm weights ignored": lambda m: with_weights(m, "q_norm", np.ones_like),
    "k_norm weights ignored": lambda m: with_weights(m, "k_norm", np.ones_like),
    "input norm weights ignored": lambda m: with_weights(m, "input_layernorm", np.ones_like),
    "MLP norm weights ignored": lambda m: with_weights(m, "post_attention_layer", np.ones_like),
    "q bias ignored": lambda m: with_weights(m, "q_proj.bias", np.zeros_like),
    "k bias ignored": lambda m: with_weights(m, "k_proj.bias", np.zeros_like),
    "v bias ignored": lambda m: with_weights(m, "v_proj.bias", np.zeros_like),
    "o bias ignored": lambda m: with_weights(m, "o_proj.bias", np.zeros_like),
    "up bias ignored": lambda m: with_weights(m, "up_proj.bias", np.zeros_like),
    "down bias ignored": lambda m: with_weights(m, "down_proj.bias", np.zeros_like),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=pathlib.Path)
    args = parser.parse_args()
    for folder in sorted(args.cases.iterdir()):
        prompt = json.loads((folder / "expected.json").read_text())["prompts"][0]["tokens"]
        right = numpy_model.NumpyModel(folder).logits(prompt)
        rounding = np.abs(RoundedModel(folder).logits(prompt) - right)
        shifts = {}
        for name, spoil in MISTAKES.items():
            model = numpy_model.NumpyModel(folder)
            if spoil(model):
                shifts[name] = np.abs(model.logits(prompt) - right).max()
        least = min(shifts, key=shifts.get)
        rms = np.sqrt((right**2).mean())
        print(f"{folder.name:20} logits rms {rms:.2f}  rounding {rounding.max():.3f} "
              f"(rms {np.sqrt((rounding**2).mean()):.4f})  then {shifts[least]:.2f} ({least})")


if __name__ == "__main__":
    main()
