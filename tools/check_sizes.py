#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what has grown enough to be looked at again: files, functions, parameter lists, folders.
Habits, not gates: it fails nothing. Functions are found by their braces, so a rare shape may be missed.

usage: check_sizes.py ROOT
"""

import pathlib
import re
import sys
from typing import Iterator

import cpp_text

# The figure from which a file is worth a second look, by kind.
HEADER_LINES, SOURCE_LINES, KERNEL_LINES = 200, 400, 500
FUNCTION_LINES, PARAMETERS, FOLDER_FILES = 60, 6, 25

# What stands before the brace of a function's body: its name, its parameters, and what may follow.
_IN_PARENTHESES = r"\(((?:[^();{}]|\((?:[^();{}]|\([^();{}]*\))*\))*)\)"
SIGNATURE = re.compile(
    r"([\w:~]+|operator\W+)\s*" + _IN_PARENTHESES +
    r"(?:\s|&|const|noexcept|override|final|mutable|->[^;{}()]*|WEIR_\w+" + _IN_PARENTHESES +
    r"|:(?!:)[^;{}]*)*$")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\(?:.|\n))*", re.MULTILINE)
KEYWORDS = {"if", "for", "while", "switch", "catch", "return", "sizeof", "defined"}


def file_limit(path: pathlib.Path) -> int:
    if path.suffix in {".cu", ".cuh"} or path.name.endswith("-inl.h"):
        return KERNEL_LINES
    return HEADER_LINES if path.suffix == ".h" else SOURCE_LINES


def count_parameters(text: str) -> int:
    depth, commas = 0, 0
    for char in text:
        depth += (char in "(<[") - (char in ")>]")
        commas += char == "," and depth == 0
    return commas + 1 if text.strip() else 0


def functions(text: str) -> Iterator[tuple[str, int, int, int]]:
    """Name, first line, number of lines and number of parameters of each function body."""
    code = DIRECTIVE.sub(lambda match: "\n" * match[0].count("\n"), cpp_text.strip(text))
    stack = []  # per open brace: the function that it opens, or None
    begin = 0  # where the text before the next brace starts
    for match in re.finditer(r"[{};]", code):
        char, here = match[0], match.start()
        if char == "{":
            found = None
            if not any(stack):
                head = SIGNATURE.search(code, begin, here)
                if head and head[1].split("::")[-1] not in KEYWORDS:
                    line = code.count("\n", 0, head.start()) + 1
                    found = (head[1].strip(), line, count_parameters(head[2]))
            stack.append(found)
        elif char == "}" and stack:
            found = stack.pop()
            if found:
                name, line, parameters = found
                yield name, line, code.count("\n", 0, here) + 2 - line, parameters
        begin = here + 1


def look_again(root: pathlib.Path) -> Iterator[str]:
    folders = {}
    for path in (p for folder in ("include", "src", "bench", "tests") for p in
                 cpp_text.code_files(root / folder)):
        folders[path.parent] = folders.get(path.parent, 0) + (not path.stem.endswith("_test"))
        text = cpp_text.read(path)
        lines = text.count("\n")
        if lines > file_limit(path):
            yield f"{path}: {lines} lines, look again from {file_limit(path)}"
        for name, line, length, parameters in functions(text):
            if length > FUNCTION_LINES:
                yield f"{path}:{line}: {name} has {length} lines, look again from {FUNCTION_LINES}"
            if parameters > PARAMETERS:
                yield f"{path}:{line}: {name} has {parameters} parameters, more than {PARAMETERS}"
    for folder, count in sorted(folders.items()):
        if count > FOLDER_FILES:
            yield f"{folder}: {count} files besides tests, look again from {FOLDER_FILES}"


def main(args: list[str]) -> int:
    if len(args) != 1:
        print(__doc__)
        return 2
    found = list(look_again(pathlib.Path(args[0])))
    print("\n".join(found) or "sizes: nothing to look at again")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
