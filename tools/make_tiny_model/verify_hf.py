# SPDX-License-Identifier: Apache-2.0
"""Checks that Hugging Face transformers reads the model folder and agrees with it.

Compares logits of model.py and Qwen3ForCausalLM in fp32, the chat template with the markup of
tasks.py, and greedy answers of some held-out examples.

Usage: python verify_hf.py --model models/weir-tiny --tasks tests/fixtures/tiny_tasks.jsonl
"""

import argparse
import json
import pathlib
import random

import torch
from transformers import AutoTokenizer, Qwen3ForCausalLM

import tasks
from evaluate import load


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--tasks", type=pathlib.Path, required=True)
    parser.add_argument("--num-examples", type=int, default=60)
    args = parser.parse_args()

    ours, tok = load(args.model)
    hf_tok = AutoTokenizer.from_pretrained(args.model)
    hf = Qwen3ForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    examples = [json.loads(line) for line in args.tasks.read_text().splitlines()]
    examples = random.Random(1).sample(examples, min(args.num_examples, len(examples)))

    worst = 0.0
    for example in examples[:10]:
        ids = torch.tensor([tok.encode(example["prompt"]).ids])
        assert hf_tok(example["prompt"])["input_ids"] == ids[0].tolist(), example["id"]
        worst = max(worst, (ours.logits(ours.hidden(ids)) - hf(ids).logits).abs().max().item())
    print(f"largest difference of logits: {worst:.2e}")
    assert worst < 1e-2

    messages = [{"role": "system", "content": "You are Weir."}, {"role": "user", "content": "hello"}]
    text = hf_tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == tasks.system_turn("You are Weir.") + tasks.user_turn("hello"), text
    for i in range(ours.cfg.vocab_size):
        assert tok.id_to_token(i) is not None, i

    hf = hf.bfloat16()
    right = 0
    for example in examples:
        ids = hf_tok(example["prompt"], return_tensors="pt")["input_ids"]
        out = hf.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                          max_new_tokens=example["max_tokens"])
        answer = hf_tok.decode(out[0, ids.shape[1]:], skip_special_tokens=True)
        right += answer == example["answer"]
    print(f"greedy generation in bf16: {right} of {len(examples)} exact")


if __name__ == "__main__":
    main()
