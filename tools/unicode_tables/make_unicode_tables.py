#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/text/unicode/unicode_tables.cpp.

Usage: pip install unicodedata2==16.0.0 && python make_unicode_tables.py > unicode_tables.cpp

Hugging Face tokenizers takes \\p{L}, \\p{N} and \\s from Oniguruma (Unicode 16.0) but normalises with
the data of Unicode 9.0. Normalisation of assigned characters never changes, so the latter are those of
16.0 without the characters that came after 9.0. check_against_hf.py compares both with the library.
"""

import unicodedata2 as ucd

assert ucd.unidata_version == "16.0.0", ucd.unidata_version

BLOCK_BITS = 7
NUM_CODE_POINTS = 0x110000
SPACES = [*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
          0x205F, 0x3000]
LETTER, NUMBER, SPACE, NFC_UNSURE, NON_STARTER = 1, 2, 3, 4, 8

# Characters with a combining class or a canonical decomposition that Unicode 9.0 did not have.
AFTER_UNICODE_9 = [
    (0x7FD, 0x7FD), (0x897, 0x89F), (0x8CA, 0x8D3), (0x9FE, 0x9FE), (0xC3C, 0xC3C), (0xD3B, 0xD3C),
    (0xEBA, 0xEBA), (0x1715, 0x1715), (0x1ABF, 0x1ACE), (0x1DF6, 0x1DFA), (0xA82C, 0xA82C),
    (0x105C9, 0x105C9), (0x105E4, 0x105E4), (0x10D24, 0x10D27), (0x10D69, 0x10D6D),
    (0x10EAB, 0x10EAC), (0x10EFD, 0x10EFF), (0x10F46, 0x10F50), (0x10F82, 0x10F85),
    (0x11070, 0x11070), (0x1133B, 0x1133B), (0x11383, 0x11383), (0x11385, 0x11385),
    (0x1138E, 0x1138E), (0x11391, 0x11391), (0x113C5, 0x113C5), (0x113C7, 0x113C8),
    (0x113CE, 0x113D0), (0x1145E, 0x1145E), (0x11839, 0x1183A), (0x11938, 0x11938),
    (0x1193D, 0x1193E), (0x11943, 0x11943), (0x119E0, 0x119E0), (0x11A34, 0x11A34),
    (0x11A47, 0x11A47), (0x11A99, 0x11A99), (0x11D42, 0x11D42), (0x11D44, 0x11D45),
    (0x11D97, 0x11D97), (0x11F41, 0x11F42), (0x16121, 0x16128), (0x1612F, 0x1612F),
    (0x16D68, 0x16D6A), (0x16FF0, 0x16FF1), (0x1E08F, 0x1E08F), (0x1E130, 0x1E136),
    (0x1E2AE, 0x1E2AE), (0x1E2EC, 0x1E2EF), (0x1E4EC, 0x1E4EF), (0x1E5EE, 0x1E5EF)]
NEWER = {cp for first, last in AFTER_UNICODE_9 for cp in range(first, last + 1)}


def is_hangul(cp):
    return 0xAC00 <= cp < 0xAC00 + 11172


def code_points():
    return (cp for cp in range(NUM_CODE_POINTS) if not 0xD800 <= cp < 0xE000)


def combining(cp):
    return 0 if cp in NEWER else ucd.combining(chr(cp))


def decompositions():
    """code point -> its full canonical decomposition, without Hangul."""
    found = {}
    for cp in code_points():
        full = ucd.normalize("NFD", chr(cp))
        if full != chr(cp) and cp not in NEWER and not is_hangul(cp):
            found[cp] = [ord(c) for c in full]
    return found


def compositions(decomposed):
    """(first, second) -> primary composite, without Hangul."""
    found = {}
    for cp in decomposed:
        pair = [int(x, 16) for x in ucd.decomposition(chr(cp)).split()]
        if len(pair) == 2 and ucd.normalize("NFC", chr(cp)) == chr(cp):
            found[tuple(pair)] = cp
    return found


def entries(decomposed, composed):
    joins_before = {second for _, second in composed}
    joins_before |= set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))  # Hangul V and T
    table = bytearray(NUM_CODE_POINTS)
    for cp in code_points():
        category = ucd.category(chr(cp))[0]
        value = {"L": LETTER, "N": NUMBER}.get(category, 0)
        if cp in SPACES:
            value = SPACE
        changes = cp in decomposed and ucd.normalize("NFC", chr(cp)) != chr(cp)
        if changes or cp in joins_before:
            value |= NFC_UNSURE
        if combining(cp):
            value |= NON_STARTER
        table[cp] = value
    return bytes(table)


def combining_ranges():
    ranges = []
    for cp in code_points():
        ccc = combining(cp)
        if ccc and ranges and ranges[-1][1] == cp - 1 and ranges[-1][2] == ccc:
            ranges[-1][1] = cp
        elif ccc:
            ranges.append([cp, cp, ccc])
    return ranges


def rows(items):
    """Items joined by commas, in lines of at most 100 characters."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join(lines + [line])


def array(head, items):
    return f"{head} = {{\n{rows(items)}\n}};\n"


def main():
    decomposed = decompositions()
    composed = compositions(decomposed)
    table = entries(decomposed, composed)
    block_len = 1 << BLOCK_BITS
    blocks, block_of = {}, []
    for begin in range(0, NUM_CODE_POINTS, block_len):
        block_of.append(blocks.setdefault(table[begin:begin + block_len], len(blocks)))
    assert len(blocks) <= 256
    pool, decomposition_rows = [], []
    for cp, parts in sorted(decomposed.items()):
        decomposition_rows.append(f"{{{cp:#x}, {len(pool)}, {len(parts)}}}")
        pool += parts
    assert len(pool) < 65536
    print("// SPDX-License-Identifier: Apache-2.0\n//\n"
          "// Written by tools/unicode_tables/make_unicode_tables.py; not to be edited.\n"
          '#include "text/unicode/unicode_tables.h"\n\nnamespace weir {\n\n// clang-format off\n')
    print(array("const uint8_t kBlockOf[0x110000 >> kBlockBits]", map(str, block_of)))
    print(f"const char kCharEntries[{len(blocks)}][kBlockLen + 1] = {{")
    for block in blocks:
        text = "".join(chr(ord("@") + value) for value in block)
        print(f'    "{text[:64]}"\n    "{text[64:]}",')
    print("};\n\nnamespace {\n")
    print(array("constexpr CombiningRange kCombiningRanges[]",
                (f"{{{a:#x}, {b:#x}, {ccc}}}" for a, b, ccc in combining_ranges())))
    print(array("constexpr Decomposition kDecompositions[]", decomposition_rows))
    print(array("constexpr uint32_t kDecompositionTexts[]", (f"{cp:#x}" for cp in pool)))
    print(array("constexpr Composition kCompositions[]",
                (f"{{{a:#x}, {b:#x}, {c:#x}}}" for (a, b), c in sorted(composed.items()))))
    print("}  // namespace\n\n// clang-format on\n")
    print("std::span<const CombiningRange> CombiningRanges() { return kCombiningRanges; }")
    print("std::span<const Decomposition> Decompositions() { return kDecompositions; }")
    print("std::span<const uint32_t> DecompositionTexts() { return kDecompositionTexts; }")
    print("std::span<const Composition> Compositions() { return kCompositions; }")
    print("\n}  // namespace weir")


if __name__ == "__main__":
    main()
