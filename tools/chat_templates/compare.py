#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Weir's chat templates with Jinja as Hugging Face configures it.

usage: compare.py RENDER_CASES [--templates DIR] [--random COUNT [--seed SEED]]

RENDER_CASES is the program of tests/chat_templates. With --templates every *.jinja file of the
folder, by default that of tests/chat_templates, meets every conversation there; so templates of
models whose licence keeps them out of this repository can be tried from where they are. With
--random as many random templates are rendered on random values. Two errors count as equal,
whatever they say. Exit code 1 and a list when something differs; 77 when jinja2 is
absent.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import warnings

import corpus
import random_templates

try:
    import hf_jinja
except ImportError:
    print("skipped: the Python package jinja2 is absent")
    sys.exit(77)

def run_weir(program, cases):
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    if done.returncode != 0 or len(answers) != len(cases):
        sys.exit(f"{program} ended with {done.returncode} after {len(answers)} of {len(cases)} "
                 f"cases; {cases[min(len(answers), len(cases) - 1)]!r}\n{done.stderr[-2000:]}")
    return answers


# Where Weir reports an error and Python goes on: it prints generators, ranges and functions as what
# they are, takes them for keys of dicts, and does not mind slices of number literals.
REFUSALS = ["cannot be printed", "cannot be a key", "cannot be sliced"]


def differs(wanted, found):
    if any(refusal in found.get("error", "") for refusal in REFUSALS):
        return False
    if "text" in wanted and "text" in found:
        return wanted["text"] != found["text"]
    return ("text" in wanted) != ("text" in found) or "bug" in found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--templates", type=pathlib.Path, default=corpus.TEMPLATES)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="differences that are printed")
    args = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)  # of random nonsense such as 1[2]
    if args.random:
        cases = list(random_templates.cases(args.random, args.seed))
    else:
        cases = list(corpus.cases(args.templates))
    found = run_weir(args.program, cases)
    wanted = [hf_jinja.render(c["template"], c["variables"], c.get("constants")) for c in cases]
    bad = [i for i in range(len(cases)) if differs(wanted[i], found[i])]
    for i in bad[:args.show]:
        print(f"--- {cases[i].get('name', i)}\ntemplate {cases[i]['template'][:600]!r}\n"
              f"wanted {wanted[i]!r}\nfound  {found[i]!r}")
    good = sum("text" in answer for answer in wanted)
    print(f"{len(cases)} cases, {good} of them with text, {len(bad)} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
