#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/text/jinja/python_tables.cpp from the str methods of the Python that runs it.

Usage: python3 make_python_tables.py > python_tables.cpp   (Python 3.11 has Unicode 14.0)
"""

import sys
import unicodedata

HEADER = """// SPDX-License-Identifier: Apache-2.0
//
// Written by tools/unicode_tables/make_python_tables.py from Unicode {version}; not to be edited.
#include "text/jinja/python_tables.h"

namespace weir::jinja {{
namespace {{

// clang-format off

"""
FOOTER = """
// clang-format on

}}  // namespace

std::span<const CaseMapping> UpperMappings() {{ return kUpper; }}
std::span<const CaseMapping> TitleMappings() {{ return kTitle; }}
std::span<const CaseMapping> LowerMappings() {{ return kLower; }}
std::span<const CodePointRange> PrintableRanges() {{ return kPrintable; }}

}}  // namespace weir::jinja
"""


def code_points():
    return (cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000)


def fill(items, width=100):
    """Joins items into lines of at most `width` columns."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 1 > width:
            lines.append(line)
            line = "   "
        line += " " + item
    return "\n".join([*lines, line])


def mappings(name, change):
    found = []
    for cp in code_points():
        to = change(chr(cp))
        if to is not None:
            assert len(to) <= 3, hex(cp)
            points = [*(ord(c) for c in to), 0, 0][:3]
            found.append("{0x%X, {%s}}," % (cp, ", ".join("0x%X" % p if p else "0" for p in points)))
    return "constexpr CaseMapping %s[] = {\n%s};\n" % (name, fill(found))


def printable_ranges():
    ranges = []
    for cp in code_points():
        if not chr(cp).isprintable():
            continue
        if ranges and ranges[-1][1] == cp - 1:
            ranges[-1][1] = cp
        else:
            ranges.append([cp, cp])
    return "constexpr CodePointRange kPrintable[] = {\n%s};\n" % fill(
        "{0x%X, 0x%X}," % (first, last) for first, last in ranges)


def main():
    out = HEADER.format(version=unicodedata.unidata_version)
    out += mappings("kUpper", lambda c: None if c.upper() == c else c.upper()) + "\n"
    out += "// Where it is not the upper case.\n"
    out += mappings("kTitle", lambda c: None if c.title() == c.upper() else c.title()) + "\n"
    # A lone capital sigma; at the end of a word it would be another.
    out += mappings("kLower", lambda c: None if c.lower() == c else c.lower()) + "\n"
    out += printable_ranges()
    sys.stdout.write(out + FOOTER.format())


main()
