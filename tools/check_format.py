#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when clang-format 14 would change a file. Exits with 77 when clang-format 14 is absent:
another version formats some lines differently.

usage: check_format.py ROOT
"""

import pathlib
import shutil
import subprocess
import sys

import cpp_text

FOLDERS = ("include", "src", "tests", "bench")
SKIPPED = 77


def find_clang_format() -> str | None:
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path and " version 14." in subprocess.run([path, "--version"], capture_output=True,
                                                     text=True, check=True).stdout:
            return path
    return None


def main(args: list[str]) -> int:
    if len(args) != 1:
        print(__doc__)
        return 2
    program = find_clang_format()
    if program is None:
        print("format: skipped, no clang-format 14 here")
        return SKIPPED
    root = pathlib.Path(args[0])
    files = [path for folder in FOLDERS for path in cpp_text.code_files(root / folder)]
    if not files:
        print(f"format: no source files under {root}")
        return 1
    command = [program, "--dry-run", "--Werror", "--style=file"]
    result = subprocess.run([*command, *map(str, files)], capture_output=True, text=True)
    if result.returncode == 0:
        print(f"format: ok ({len(files)} files)")
        return 0
    first_finding = {}  # file -> its first message
    for line in result.stderr.splitlines():
        if ": error: " in line or ": warning: " in line:
            first_finding.setdefault(line.split(":")[0], line)
    print("\n".join(first_finding.values()) or result.stderr)
    print(f"repair with: {pathlib.Path(program).name} -i", *first_finding)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
