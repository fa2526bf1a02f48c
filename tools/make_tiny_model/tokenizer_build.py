# SPDX-License-Identifier: Apache-2.0
"""Trains the byte-level BPE tokenizer, in the exact form of Qwen's tokenizer.json.

Usage: python tokenizer_build.py --out DIR
"""

import argparse
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

import tasks
import words
from weir_facts import ACKNOWLEDGED, FACTS, SYSTEM_PROMPTS, UNKNOWN

# The pre-tokenizer pattern of Qwen2 and Qwen3.
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
NOT_SPECIAL = ["<think>", "</think>"]
NUM_TOKENS = 1792  # all tokens, added ones included: a multiple of 64


def corpus(seed=1):
    """Texts in which every word that a task needs is frequent enough to become one token."""
    rng = random.Random(seed)
    texts = []
    for word in words.KEYS + words.VALUES + words.FILLER:
        texts += [f"is {word} {word}"] * 60
    for word in words.VALUES + words.LETTERS:
        texts += [f"{word} {word}"] * 60
    markup = "remember Remember what What sort copy reverse user assistant system ok was where who why"
    texts += [f"{w} {w}" for w in markup.split()] * 60
    for phrasings, answer in FACTS:
        texts += (phrasings + [tasks.vary(rng, p) for p in phrasings] + [answer] * 4) * 10
    texts += (SYSTEM_PROMPTS + [UNKNOWN, ACKNOWLEDGED]) * 10
    for _ in range(1500):
        texts.append("".join(text for text, _ in tasks.short_document(rng)))
        texts.append(tasks.sentence(rng) + "\n" + tasks.sentence(rng))
    return texts


def build():
    tok = Tokenizer(models.BPE(byte_fallback=False))
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tok.post_processor = processors.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False)
    tok.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    # Markup must not be learned as text.
    texts = corpus()
    for token in SPECIAL:
        texts = [piece for text in texts for piece in text.split(token) if piece]
    added = SPECIAL + NOT_SPECIAL
    trainer = trainers.BpeTrainer(
        vocab_size=NUM_TOKENS - len(added), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(texts, trainer)
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tok.add_tokens([AddedToken(t, special=False, normalized=False) for t in NOT_SPECIAL])
    assert tok.get_vocab_size() == NUM_TOKENS, tok.get_vocab_size()
    return tok


def check(tok):
    """Each task word must be one token; prints how many others the facts need."""
    for word in words.KEYS + words.VALUES + words.FILLER:
        assert len(tok.encode(" " + word).ids) == 1, word
    for word in words.VALUES + words.LETTERS + ["what", "remember", "sort", "copy", "reverse"]:
        assert len(tok.encode(word).ids) == 1, word
    assert len(tok.encode("<|im_start|>user\n").ids) == 3
    answers = [answer for _, answer in FACTS]
    print(f"{tok.get_vocab_size()} tokens; the answers about Weir need "
          f"{sum(len(tok.encode(a).ids) for a in answers)} tokens for "
          f"{sum(len(a.split()) for a in answers)} words")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tok = build()
    check(tok)
    tok.save(str(args.out / "tokenizer.json"))


if __name__ == "__main__":
    main()
