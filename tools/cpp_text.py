# SPDX-License-Identifier: Apache-2.0
"""C++ source as the tree checks want it: the files of a folder, and their text without comments and
string literals, in the same lines, so that a finding can name its line."""

import pathlib
import re

CODE_SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}

_NOT_CODE = re.compile(
    r"""
      (?P<comment> //(?:[^\n\\]|\\(?:.|\n))* | /\*.*?\*/ )
    | (?P<raw> \b(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)" )
    | (?P<include> ^[ \t]*\#[ \t]*include\b[^\n]* )
    | (?P<number> \b\d(?:'?[\w.])* )
    | (?P<string> "(?:[^"\\\n]|\\(?:.|\n))*" | '(?:[^'\\\n]|\\(?:.|\n))*' )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def code_files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in CODE_SUFFIXES)


def read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def strip(text: str) -> str:
    """Comments become a space and literals become empty quotes; line breaks stay."""

    def replace(match: re.Match) -> str:
        piece = match[0]
        if match["include"] or match["number"]:
            return piece
        lines = "\n" * piece.count("\n")
        return (" " if match["comment"] else '""') + lines

    return _NOT_CODE.sub(replace, text)


def find(pattern: re.Pattern, path: pathlib.Path) -> list[tuple[int, str]]:
    """Line number and matched text of each finding in the code of a file."""
    found = []
    for number, line in enumerate(strip(read(path)).splitlines(), 1):
        found += [(number, match[0]) for match in pattern.finditer(line)]
    return found
