#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/fixtures/tokenizer: small tokenizer.json files and, for each, the ids and texts that
Hugging Face tokenizers makes of nasty inputs.

Usage: pip install -r requirements.txt && python make_fixtures.py ../../tests/fixtures/tokenizer

NAME.json        the tokenizer
NAME.cases.json  a list of [input, parse_special, ids, text, text without special tokens];
                 an input that is no UTF-8 is {"hex": "..."} in place of a string; the first text is
                 null when it equals the input, the second when it equals the first
"""

import argparse
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

import corpus
import nasty_texts

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
ADDED = [AddedToken(text, special=True, normalized=False)
         for text in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
PLAIN_ADDED = [AddedToken(text, special=False, normalized=False)
               for text in ("<think>", "</think>", "<|endoftext|><|endoftext|>long")]


def trained(num_tokens, pattern, nfc, alphabet=None):
    tok = Tokenizer(models.BPE())
    if nfc:
        tok.normalizer = normalizers.NFC()
    if pattern:
        tok.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    else:
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    full = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=num_tokens, show_progress=False, initial_alphabet=full)
    tok.train_from_iterator(corpus.lines(), trainer)
    return json.loads(tok.to_str())


def added(document, tokens):
    tok = Tokenizer.from_str(json.dumps(document))
    for token in tokens:
        (tok.add_special_tokens if token.special else tok.add_tokens)([token])
    return json.loads(tok.to_str())


def qwen2():
    return added(trained(1400, QWEN2, nfc=True), ADDED + PLAIN_ADDED)


def llama3():
    """ignore_merges, with whole words in the vocabulary that no merge makes."""
    document = trained(600, LLAMA3, nfc=False)
    model = document["model"]
    model["ignore_merges"] = True
    for word in ("\u0120water", "mill", "\u0120mornings", "12", "don"):
        model["vocab"].setdefault(word, len(model["vocab"]))
    return added(document, ADDED)


def gpt2():
    """Merges as strings, the special token also in the vocabulary, sought in normalised text."""
    document = trained(500, None, nfc=False)
    model = document["model"]
    model["vocab"]["<|endoftext|>"] = len(model["vocab"])
    document = added(document, [AddedToken("<|endoftext|>", special=True, normalized=True)])
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    return document


def scrambled(fuse_unk):
    """Merges in an order that no training would give, a vocabulary that lacks bytes, and added tokens
    that are sought after normalising, one of them written decomposed."""
    rng = random.Random(2)
    document = trained(700, QWEN2, nfc=True)
    model = document["model"]
    rng.shuffle(model["merges"])
    missing = {c for c in model["vocab"] if len(c) == 1 and (c in "qxzQXZ0!" or rng.random() < 0.2)}
    gone = {token for token in model["vocab"] if missing & set(token)}
    model["merges"] = [pair for pair in model["merges"] if not gone & {*pair, "".join(pair)}]
    kept = sorted(set(model["vocab"]) - gone)
    rng.shuffle(kept)
    model["vocab"] = {token: i for i, token in enumerate(["<unk>", *kept])}
    model["unk_token"] = "<unk>"
    model["fuse_unk"] = fuse_unk
    return added(document, [*ADDED, AddedToken("cafe\u0301-token", special=False, normalized=True),
                            AddedToken("<|im_", special=False, normalized=True)])


def recorded(document, inputs):
    tok = Tokenizer.from_str(json.dumps(document))
    cases = []
    for i, data in enumerate(inputs):
        parse_special = i % 4 != 3
        tok.encode_special_tokens = not parse_special
        ids = tok.encode(data.decode("utf-8", "replace"), add_special_tokens=False).ids
        try:
            shown = data.decode()
        except UnicodeDecodeError:
            shown = {"hex": data.hex()}
        text, plain = (tok.decode(ids, skip_special_tokens=skip) for skip in (False, True))
        cases.append([shown, parse_special, ids, None if text == shown else text,
                      None if plain == text else plain])
    return cases


def write(folder, name, document, inputs):
    with open(folder / f"{name}.json", "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=None, separators=(",", ":"))
        file.write("\n")
    with open(folder / f"{name}.cases.json", "w", encoding="utf-8") as file:
        lines = (json.dumps(case, separators=(",", ":")) for case in recorded(document, inputs))
        file.write("[\n" + ",\n".join(lines) + "\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "qwen2", qwen2(), nasty_texts.fixture_inputs(1))
    write(folder, "llama3", llama3(), nasty_texts.fixture_inputs(2)[:260])
    write(folder, "gpt2", gpt2(), nasty_texts.fixture_inputs(3)[:260])
    write(folder, "fused_unknown", scrambled(True), nasty_texts.fixture_inputs(4))
    write(folder, "unknown", scrambled(False), nasty_texts.fixture_inputs(5)[:120])


if __name__ == "__main__":
    main()
