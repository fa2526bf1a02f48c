#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a word stands where it must not. Comments and string literals do not count.

usage: check_words.py vendor|getenv|throw SRC

vendor  the words of one GPU vendor only under kernels/gpu/ and in tensor/gpu_*
getenv  the environment is read in base/env.cpp only
throw   nowhere: what can fail returns a Result
"""

import pathlib
import re
import sys

import cpp_text

VENDOR = re.compile(
    r"\w*(?:cuda|musa|cublas|cudnn|mublas|mudnn|nvcc|nvrtc)\w*|\b(?:nccl|mccl|mcc)\w*"
    r"|__(?:global|device|host|shared|constant)__|__syncthreads|<<<",
    re.IGNORECASE,
)

# rule -> (pattern, the files of SRC in which it may match)
RULES = {
    "vendor": (VENDOR, re.compile(r"kernels/gpu/.*|tensor/gpu_[^/]*")),
    "getenv": (re.compile(r"\b(?:secure_)?getenv\b|\benviron\b"), re.compile(r"base/env\.cpp")),
    "throw": (re.compile(r"\bthrow\b"), re.compile(r"(?!)")),
}


def check(rule: str, src: pathlib.Path) -> list[str]:
    pattern, allowed = RULES[rule]
    bad = []
    for path in cpp_text.code_files(src):
        if not allowed.fullmatch(path.relative_to(src).as_posix()):
            bad += [f"{path}:{line}: '{word}'" for line, word in cpp_text.find(pattern, path)]
    return bad


def main(args: list[str]) -> int:
    if len(args) != 2 or args[0] not in RULES:
        print(__doc__)
        return 2
    bad = check(args[0], pathlib.Path(args[1]))
    print("\n".join(bad) or f"{args[0]}: ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
