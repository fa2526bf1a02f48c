# SPDX-License-Identifier: Apache-2.0
"""Trains weir-tiny on CPU cores and writes checkpoints.

Usage: python train.py --run DIR [--compile] [--threads 2]

Starts from DIR/checkpoint.pt when there is one. Batch contents depend on the seed and the
step number only, so an interrupted run continues as if nothing had happened.
"""

import argparse
import collections
import pathlib
import random
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import heldout
import tasks
from batches import Encoder
from evaluate import accuracy, summary
from model import TinyConfig, TinyQwen3
from optimizer import Optimizer
from plan import BATCH_ROWS, PLAN, SEED, rate


def phase_of(step):
    """The phase of the plan that `step` belongs to, None behind the last."""
    begin = 0
    for phase in PLAN:
        begin += phase["steps"]
        if step < begin:
            return phase
    return None


def draw_row_len(step, phase):
    lengths, shares = zip(*phase["row_len"].items())
    return random.Random(f"len-{SEED}-{step}").choices(lengths, shares)[0]


def loss_of(model, hidden_fn, batch):
    tokens, positions, targets, weights = batch
    wanted = targets >= 0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model.logits(hidden_fn(tokens, positions)[wanted]).float()
    losses = F.cross_entropy(logits, targets[wanted], reduction="none")
    w = weights[wanted]
    right = (logits.argmax(-1) == targets[wanted]).float()
    recall = w == tasks.RECALL_WEIGHT
    return (losses * w).sum() / w.sum(), right[~recall].mean().item(), right[recall].mean().item()


@torch.no_grad()
def rounded_copy(model):
    """The model as it will be stored: weights rounded to bf16."""
    copy = TinyQwen3(model.cfg)
    copy.load_state_dict({k: v.bfloat16().float() for k, v in model.state_dict().items()})
    return copy.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="torch.compile; needs a C++ compiler")
    parser.add_argument("--report", type=int, default=25, help="steps between lines of progress")
    parser.add_argument("--check", type=int, default=250, help="steps between held-out scores")
    parser.add_argument("--save", type=int, default=50, help="steps between checkpoints")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)

    tok = Tokenizer.from_file(str(args.run / "tokenizer.json"))
    encoder = Encoder(tok)
    # Another seed than the published set, so that no decision is taken by looking at it.
    examples = heldout.build(tok, seed=7, num_recall=8, num_lists=40, sums=(40, 40, 20))
    model = TinyQwen3(TinyConfig(vocab_size=tok.get_vocab_size()))
    optimizer = Optimizer(model)
    hidden_fn = torch.compile(model.hidden, dynamic=False) if args.compile else model.hidden
    step, num_tokens, seconds = 0, 0, 0.0
    path = args.run / "checkpoint.pt"
    if path.exists():
        saved = torch.load(path, weights_only=False)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, num_tokens, seconds = saved["step"], saved["num_tokens"], saved["seconds"]

    start = time.time() - seconds
    recent = collections.defaultdict(list)
    while (phase := phase_of(step)) is not None:
        row_len = draw_row_len(step, phase)
        batch = encoder.batch(f"{SEED}-{step}", BATCH_ROWS[row_len], row_len, phase)
        loss, *right = loss_of(model, hidden_fn, batch)
        loss.backward()
        norm = optimizer.step(rate(step))
        step += 1
        num_tokens += batch[0].numel()
        recent[row_len].append((loss.item(), *right))
        if step % args.report == 0:
            parts = ["[{}] loss {:.3f} short {:.3f} recall {:.3f}".format(
                n, *(sum(column) / len(r) for column in zip(*r))) for n, r in sorted(recent.items())]
            recent.clear()
            print(f"step {step}  {'  '.join(parts)}  rate {rate(step):.3f}  norm {norm:.2f}  "
                  f"{num_tokens / 1e6:.2f} M tokens  {time.time() - start:.0f} s", flush=True)
        last = phase_of(step) is None
        if step % args.save == 0 or last:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step, "num_tokens": num_tokens, "seconds": time.time() - start,
                        "config": model.cfg}, path)
        if step % args.check == 0 or last:
            result = accuracy(rounded_copy(model), tok, examples)
            print(f"step {step}  held out: {summary(result)}", flush=True)


if __name__ == "__main__":
    main()
