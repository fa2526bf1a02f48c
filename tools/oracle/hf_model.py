# SPDX-License-Identifier: Apache-2.0
"""The second oracle: Hugging Face transformers in float32 on the CPU with its plain attention."""

import torch
import transformers


class HfModel:
    def __init__(self, folder):
        self.model, report = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            local_files_only=True,
            output_loading_info=True,
        )
        # A misspelt weight would silently be replaced by a random one.
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if report[kind]:
                raise ValueError(f"{folder}: {kind} {report[kind]}")
        self.model.eval()

    @torch.no_grad()
    def logits(self, tokens):
        """[len(tokens), vocab] float32."""
        return self.model(torch.tensor([list(tokens)]), use_cache=False).logits[0].numpy()

    @torch.no_grad()
    def greedy(self, prompt, max_new):
        """With its own cache, so that the cached path is compared too."""
        ids = torch.tensor([list(prompt)])
        cache = None
        tokens = []
        for _ in range(max_new):
            out = self.model(ids, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            ids = out.logits[:, -1:].argmax(-1)
            tokens.append(int(ids))
        return tokens


def versions():
    return f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}"
