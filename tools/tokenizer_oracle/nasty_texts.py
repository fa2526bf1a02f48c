# SPDX-License-Identifier: Apache-2.0
"""Inputs on which tokenizers differ: bytes, some of them no UTF-8."""

import random
import unicodedata

import corpus

SPACES = list(" \t\n\r\x0b\x0c\x85\xa0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000")
# What comes close: none of these is white space in the pattern's sense.
NO_SPACES = list("\x00\x1c\x1d\x1e\x1f\x7f\u180e\u200b\u200c\u200d\u2060\ufeff")

HAND_MADE = [
    "", " ", "  ", "\n", "a", "'", "'s", "it's", "IT'S", "I'Ll'vE", "'\u017f", "'\u017fa", "''s", "'\u212a",
    "'sa", " 's", "a'b", "don't can't we'll you're I've I'm he'd", "'lL'L", "'r", "'re", "'ree", "'RE",
    "a  b", "a   b", "  a", "a  ", " \n a", "\n\n a", "a \n", "a\r\n\r\nb", "\t\ta", "a\t b", " \t \n \r x",
    "!\n\n", " !\n\n x", "!!\r\n!!", " ...\n...", "1", "12", "123", "1234", "1234567", " 12", "a1b2", "\u0663\u06f4",
    "\u2167\u00bd\u2460", "x\u00b2", "abc123def", "#include <a>", "(a)", "\"a\"", "\u00a0a", "a\u00a0\u00a0b", "\u3000\u3000\u4f60",
    # Normalisation: decomposed, wrong order, Hangul jamo, singletons, exclusions, a mark at the start.
    "e\u0301", "E\u0301\u0323", "e\u0323\u0301", "e\u0301\u0323\u0301", "\u0301", "\u0301e", "a\u0301\u0301\u0301", "\u1e9b\u0323",
    "\u1100\u1161", "\u1100\u1161\u11a8", "\uac00\u11a8", "\uac00\u11a7", "\u1100\u1161\u11a8\u11a8", "\u1161\u11a8", "\u212b\u2126",
    "\u0958\u09dc", "\u0915\u093c", "\u2adc", "\u0344", "\u0f73\u0f71\u0f72", "\U0001d15e\U0001d1c0", "\ufb1d\ufb2c", "\uf900\uf902",
    "q\u0307\u0323", "\u0044\u0307\u0323", "\u1e0c\u0307", "\u0928\u093c", "\u30ab\u3099\u3046\u3099", "\U00011099\U000110ba",
    # Newer than the normaliser's data, older than the pattern's.
    "a\u0897\u0323", "\U00011935\U00011930", "\U000105d2\u0307", "a\U0001e08f\u0323", "\U00010d4a\U00010d50",
    # Added tokens, whole and nearly.
    "<|im_start|>user\nHi<|im_end|>", "<|im_start|><|im_start|>", "<|im_start", "|im_start|>", "<<|im_end|>>",
    "<|im_<|im_end|>end|>", "<think>\nx\n</think>", "<think></think", "<|endoftext|>", "a<|endoftext|>b",
    " <|im_end|> ", "<|IM_END|>", "<|im_end|>e\u0301<|im_end|>\u0301", "<|endoftext|><|endoftext|>long<|end", "caf\u00e9-token",
    "cafe\u0301-token", "caf\u00e9-token\u0301",
]

BROKEN = [
    b"\xff", b"\x80", b"a\x80b", b"\xc3", b"\xc3(", b"\xc0\x80", b"\xe2\x82", b"\xe2\x82a", b"\xe2(\xa1", b"\xed\xa0\x80",
    b"\xf0\x9f\x98", b"\xf0\x9f\x98\x80\xf0\x9f", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe\xff",
    b"\xe0\x80\xaf", b"\xf0\x80\x80\x80", b"<|im_\xffstart|>", b"<|im_start|>\xc3", b"\xcc\x81\xcc", b"e\xcc\x81\x81",
    bytes(range(256)), bytes(range(255, -1, -1)),
]


def pools():
    """Characters to draw from, by what they exercise."""
    def category(prefix):
        return [chr(cp) for cp in range(0x20000) if unicodedata.category(chr(cp)).startswith(prefix)]

    everywhere = [chr(cp) for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]
    decomposable = [c for c in everywhere[:0x30000] if unicodedata.normalize("NFD", c) != c]
    return [
        everywhere, decomposable, category("M"), category("N"), category("P"), category("L"),
        [chr(cp) for cp in range(0x20, 0x7F)], SPACES, SPACES + NO_SPACES + list("ab"),
        list("'sStTrReEvVmMlLdD\u017f "), [chr(cp) for cp in range(0x1100, 0x1200)],
        [chr(cp) for cp in range(0x300, 0x370)] + list("aeioqAEIO"),
        [chr(cp) for cp in range(0x1F300, 0x1F6FF)] + ["\u200d", "\ufe0f"],
        ["<|im_start|>", "<|im_end|>", "<think>", "<|", "|>", "<", "user", "\n", " "],
        [word + " " for line in corpus.SENTENCES for word in line.split()],
    ]


def drawn_text(rng, drawn_from, length):
    parts = []
    while len(parts) < length:
        pool = rng.choice(drawn_from)
        count = rng.choice([1, 1, 2, 3, 8])
        if rng.random() < 0.15:
            parts += [rng.choice(pool)] * rng.choice([2, 3, 5, 17])
        else:
            parts += [rng.choice(pool) for _ in range(count)]
    return "".join(parts)


def damaged(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 5])):
        if not data:
            break
        place = rng.randrange(len(data))
        what = rng.random()
        if what < 0.4:
            data[place] = rng.randrange(256)
        elif what < 0.7:
            del data[place]
        else:
            data.insert(place, rng.randrange(128, 256))
    return bytes(data)


def drawn(rng, count, lengths):
    """`count` random inputs, a fifth of them damaged."""
    all_pools = pools()
    for _ in range(count):
        some = all_pools if rng.random() < 0.5 else rng.sample(all_pools, 2)
        data = drawn_text(rng, some, rng.choice(lengths)).encode()
        yield damaged(rng, data) if rng.random() < 0.2 else data


def fixture_inputs(seed):
    rng = random.Random(seed)
    made = [text.encode() for text in HAND_MADE + corpus.SENTENCES] + BROKEN
    made += [(c * 3 + "a" + c).encode() for c in SPACES + NO_SPACES]
    made += [c.encode() * 70 for c in ("a", " ", "\n", "0", "-", "\u0301", "\U0001f600", "\u1100", "'")]
    return made + list(drawn(rng, 120, [1, 3, 8, 20]))
