#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/chat_templates/goldens: what Jinja, as Hugging Face configures it, makes of each
template and conversation there; null where it ends with an error.

usage: make_goldens.py [--check]     --check compares with the files and writes nothing

Exit code 77 when the Python package jinja2 (Debian: python3-jinja2) is absent.
"""

import json
import sys

import corpus

try:
    import hf_jinja
except ImportError:
    print("skipped: the Python package jinja2 is absent")
    sys.exit(77)


def main():
    goldens = {}
    for case in corpus.cases():
        answer = hf_jinja.render(case["template"], case["variables"], case["constants"])
        goldens.setdefault(case["file"], {})[case["conversation"]] = answer.get("text")
    stale = []
    corpus.GOLDENS.mkdir(exist_ok=True)
    for name, answers in goldens.items():
        path = corpus.GOLDENS / (name + ".json")
        text = json.dumps(answers, ensure_ascii=False, indent=0) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print("differ from what jinja2 makes:", *stale)
        return 1
    print(f"{len(goldens)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
