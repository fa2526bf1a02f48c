#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes a folder that is not below its own.

usage: check_layers.py SRC LAYERS [INCLUDE]

LAYERS lists the folders of SRC from the bottom up; folders on one line must not see each other.
INCLUDE holds the public headers in the folder weir/, which is the first layer. Also refused: files
of SRC with an unknown suffix, and includes that are relative, that stand in angle brackets although
they name a folder of SRC, or that stand in quotes although they name none.
"""

import pathlib
import re
import sys

import cpp_text

OTHER_FILES = {".txt", ".cmake", ".md", ".json", ".html", ".css", ".js"}
INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]*)"|<([^>]*)>|(.*))')


def read_ranks(layers: pathlib.Path) -> dict[str, int]:
    """Folder to line number."""
    ranks = {}
    for number, text in enumerate(layers.read_text().splitlines()):
        for folder in text.split("#")[0].split():
            ranks[folder] = number
    return ranks


def check_include(here: str, ranks: dict[str, int], match: re.Match) -> str | None:
    quoted, angled, other = match.groups()
    if other is not None:
        return f"cannot read the include '{other}'"
    target = quoted if quoted is not None else angled
    parts = target.split("/")
    if ".." in parts or "." in parts or target.startswith("/"):
        return f"'{target}' is not a path from src/"
    folder = parts[0] if len(parts) > 1 else None
    if quoted is None:
        if folder in ranks and folder != "weir":
            return f'<{target}> is a file of src/, write "{target}"'
    elif folder == "weir":
        return f'"{target}" is a public header, write <{target}>'
    elif folder not in ranks:
        return f'"{target}" does not start with a folder of layers.txt'
    if folder in ranks and folder != here and ranks[folder] >= ranks[here]:
        return f"{here} must not include {folder}"
    return None


def check_file(path: pathlib.Path, here: str, ranks: dict[str, int]) -> list[str]:
    bad = []
    for number, line in enumerate(cpp_text.strip(cpp_text.read(path)).splitlines(), 1):
        match = INCLUDE.match(line)
        complaint = match and check_include(here, ranks, match)
        if complaint:
            bad.append(f"{path}:{number}: {complaint}")
    return bad


def check_folder(root: pathlib.Path, ranks: dict[str, int]) -> list[str]:
    bad = []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        parts = path.relative_to(root).parts
        if path.suffix not in cpp_text.CODE_SUFFIXES:
            if path.suffix not in OTHER_FILES:
                bad.append(f"{path}: unknown suffix '{path.suffix}'")
        elif len(parts) == 1 or parts[0] not in ranks:
            bad.append(f"{path}: folder '{parts[0]}' is not in layers.txt")
        else:
            bad += check_file(path, parts[0], ranks)
    return bad


def main(args: list[str]) -> int:
    if len(args) not in (2, 3):
        print(__doc__)
        return 2
    ranks = read_ranks(pathlib.Path(args[1]))
    bad = [line for root in [args[0], *args[2:]] for line in check_folder(pathlib.Path(root), ranks)]
    print("\n".join(bad) or "layers: ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
