#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a tracked text file names a path that exists on one person's machine only.

usage: check_paths.py ROOT
"""

import pathlib
import re
import subprocess
import sys

# A path inside a longer one, after a variable or in an address is not meant: $TMPDIR/tmp/x, //host/home/x.
PRIVATE = re.compile(r"(?<![\w./:})\]*~-])/(?:home|root|tmp|work|workspace|mnt|scratch|Users)/[\w.]")
BINARY = {".safetensors", ".png", ".f32"}


def tracked_files(root: pathlib.Path) -> list[pathlib.Path]:
    """What git tracks or would add; in an unpacked archive, what does not look like a by-product."""
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "-co",
               "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        by_products = {".git", ".cache", "build", "out", "__pycache__"}
        files = (p for p in root.rglob("*") if not by_products & set(p.relative_to(root).parts))
    else:
        files = (root / name for name in listed.decode().split("\0") if name)
    return sorted(p for p in files if p.is_file() and p.suffix not in BINARY)


def check_file(path: pathlib.Path) -> list[str]:
    data = path.read_bytes()
    if b"\0" in data:
        return []
    lines = data.decode("utf-8", errors="replace").splitlines()
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(lines, 1)
        if PRIVATE.search(line)
    ]


def main(args: list[str]) -> int:
    if len(args) != 1:
        print(__doc__)
        return 2
    files = tracked_files(pathlib.Path(args[0]))
    bad = [line for path in files for line in check_file(path)]
    print("\n".join(bad) or f"paths: ok ({len(files)} files)")
    return 0 if files and not bad else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
