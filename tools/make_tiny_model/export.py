# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint as a Hugging Face model folder (all but the model card).

Usage: python export.py --run DIR --out models/weir-tiny
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file

from model import TinyQwen3
from tokenizer_build import NOT_SPECIAL, SPECIAL

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- endif %}"
)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--max-positions", type=int, default=8192)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    saved = torch.load(args.run / "checkpoint.pt", weights_only=False)
    cfg = saved["config"]
    model = TinyQwen3(cfg)
    model.load_state_dict(saved["model"])
    weights = {k: v.bfloat16().contiguous() for k, v in model.state_dict().items()}
    save_file(weights, args.out / "model.safetensors", metadata={"format": "pt"})
    (args.out / "model.safetensors").chmod(0o644)

    tokenizer = json.loads((args.run / "tokenizer.json").read_text())
    added = {t["content"]: t for t in tokenizer["added_tokens"]}
    end_of_text, _, end = (added[t]["id"] for t in SPECIAL)
    shutil.copyfile(args.run / "tokenizer.json", args.out / "tokenizer.json")

    write_json(args.out / "config.json", {
        "architectures": ["Qwen3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": end_of_text,
        "eos_token_id": end,
        "head_dim": cfg.head_dim,
        "hidden_act": "silu",
        "hidden_size": cfg.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": cfg.intermediate_size,
        "max_position_embeddings": args.max_positions,
        "max_window_layers": cfg.num_hidden_layers,
        "model_type": "qwen3",
        "num_attention_heads": cfg.num_attention_heads,
        "num_hidden_layers": cfg.num_hidden_layers,
        "num_key_value_heads": cfg.num_key_value_heads,
        "rms_norm_eps": cfg.rms_norm_eps,
        "rope_scaling": None,
        "rope_theta": int(cfg.rope_theta),
        "sliding_window": None,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": cfg.vocab_size,
    })
    write_json(args.out / "generation_config.json", {
        "bos_token_id": end_of_text,
        "do_sample": False,
        "eos_token_id": [end, end_of_text],
        "pad_token_id": end_of_text,
    })
    write_json(args.out / "tokenizer_config.json", {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {
            str(added[t]["id"]): {
                "content": t, "lstrip": False, "normalized": False, "rstrip": False,
                "single_word": False, "special": t in SPECIAL,
            } for t in SPECIAL + NOT_SPECIAL
        },
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": args.max_positions,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    })
    for path in sorted(args.out.iterdir()):
        print(f"{path.stat().st_size:9} {path.name}")
    print(f"step {saved['step']}, {saved['num_tokens'] / 1e6:.1f} M tokens, "
          f"{saved['seconds'] / 60:.0f} min, {sum(w.numel() for w in weights.values())} parameters")


if __name__ == "__main__":
    main()
