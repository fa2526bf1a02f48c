#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tables of make_unicode_tables.py with Hugging Face tokenizers, for every code point.

Usage: pip install -r ../tokenizer_oracle/requirements.txt && python check_against_hf.py
"""

import sys

from tokenizers import Regex, normalizers, pre_tokenizers

import make_unicode_tables as tables

CLASSES = {r"\p{L}": tables.LETTER, r"\p{N}": tables.NUMBER, r"\s": tables.SPACE}
# A character's combining class shows in where it goes among marks of these classes.
PROBES = ["\u0334", "\u3099", "\u0323", "\u0301", "\u0315", "\u0345", "\u094d", "\u05b0"]


def wrong_classes(entries):
    for pattern, value in CLASSES.items():
        remover = pre_tokenizers.Split(Regex(pattern), behavior="removed")
        for cp in tables.code_points():
            if (not remover.pre_tokenize_str(chr(cp))) != ((entries[cp] & 3) == value):
                yield f"{cp:#x} is {pattern} for one only"


def sorted_by_class(text):
    """Orders the marks after the first character of `text`, a starter without decomposition."""
    marks = [(tables.combining(ord(c)), i, c) for i, c in enumerate(text[1:])]
    result, run = text[0], []
    for mark in marks + [(0, 0, "")]:
        if mark[0] == 0:
            result += "".join(c for _, _, c in sorted(run)) + mark[2]
            run = []
        else:
            run.append(mark)
    return result


def wrong_normal_forms(decomposed, composed):
    nfc, nfd = normalizers.NFC(), normalizers.NFD()
    for cp in tables.code_points():
        if tables.is_hangul(cp):
            continue
        wanted = "".join(map(chr, decomposed.get(cp, [cp])))
        if nfd.normalize_str(chr(cp)) != wanted:
            yield f"{cp:#x} decomposes otherwise"
        for probe in PROBES if cp not in decomposed else []:
            for text in ("x" + chr(cp) + probe, "x" + probe + chr(cp)):
                if nfd.normalize_str(text) != sorted_by_class(text):
                    yield f"{cp:#x} has another combining class, seen beside {ord(probe):#x}"
    for (first, second), whole in composed.items():
        if nfc.normalize_str(chr(first) + chr(second)) != chr(whole):
            yield f"{first:#x} {second:#x} does not compose to {whole:#x}"


def main():
    decomposed = tables.decompositions()
    composed = tables.compositions(decomposed)
    entries = tables.entries(decomposed, composed)
    bad = [*wrong_classes(entries), *wrong_normal_forms(decomposed, composed)]
    print("\n".join(bad) or "tables: equal for every code point")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
