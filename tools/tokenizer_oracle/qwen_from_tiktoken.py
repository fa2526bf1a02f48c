#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rebuilds Qwen's tokenizer.json from qwen.tiktoken, for comparisons; the result is not committed.

Usage: python qwen_from_tiktoken.py qwen.tiktoken tokenizer.json

qwen.tiktoken (in the PyPI package dashscope) has one line "base64-token rank" per regular token.
The merge that makes a token is the last one of byte-pair encoding its bytes with the tokens of lower
rank, and its rank is the token's.
"""

import base64
import json
import sys

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
           "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
           "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
NOT_SPECIAL = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
               "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>",
               "<think>", "</think>"]


def byte_alphabet():
    """byte -> its printable character in GPT-2's alphabet."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    shifted = [byte for byte in range(256) if byte not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(shifted)}}


def last_pair(ranks, token):
    """The two parts that merge into `token` when only lower ranks may be used."""
    parts = [bytes([b]) for b in token]
    while len(parts) > 2:
        candidates = [(ranks.get(a + b, len(ranks)), i)
                      for i, (a, b) in enumerate(zip(parts, parts[1:]))]
        rank, i = min(candidates)
        assert rank < ranks[token], token
        parts[i:i + 2] = [parts[i] + parts[i + 1]]
    return parts


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, file)}
    alphabet = byte_alphabet()

    def shown(token):
        return "".join(alphabet[b] for b in token)

    ordered = sorted(ranks, key=ranks.get)
    merges = [[shown(part) for part in last_pair(ranks, token)] for token in ordered if len(token) > 1]
    added = [{"id": len(ranks) + i, "content": content, "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": content in SPECIAL}
             for i, content in enumerate(SPECIAL + NOT_SPECIAL)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False,
                  "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    document = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                  "ignore_merges": False, "vocab": {shown(t): ranks[t] for t in ordered},
                  "merges": merges}}
    with open(target, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    main()
