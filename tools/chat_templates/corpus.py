# SPDX-License-Identifier: Apache-2.0
"""The templates and conversations of tests/chat_templates."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "chat_templates"
TEMPLATES = FOLDER / "templates"
GOLDENS = FOLDER / "goldens"


def cases(folder=TEMPLATES):
    """Every *.jinja file of the folder with every conversation."""
    corpus = json.loads((FOLDER / "conversations.json").read_text(encoding="utf-8"))
    for path in sorted(folder.glob("*.jinja")):
        for name, variables in corpus["conversations"].items():
            yield {"name": f"{path.name} {name}", "file": path.stem, "conversation": name,
                   "template": path.read_text(encoding="utf-8"), "variables": variables,
                   "constants": corpus["constants"]}
