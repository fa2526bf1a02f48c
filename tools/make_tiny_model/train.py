# SPDX-License-Identifier: Apache-2.0
"""Trains weir-tiny on CPU cores and writes checkpoints.

Usage: python train.py --run DIR [--compile] [--stop STEP]

Starts from DIR/checkpoint.pt when there is one. Batch contents depend on the seed and the
step number only, so an interrupted run continues as if nothing had happened.
"""

import argparse
import collections
import pathlib
import random
import tempfile
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from tokenizers import Tokenizer

import heldout
import tasks
from batches import Encoder
from evaluate import accuracy, summary
from model import TinyConfig, TinyQwen3
from optimizer import Optimizer
from plan import BATCH_ROWS, NUM_WORKERS, SEED, phase_at, rate


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
    share = [part.mean().item() if len(part) else 1.0 for part in (right[~recall], right[recall])]
    return (losses * w).sum() / w.sum(), *share


@torch.no_grad()
def rounded_copy(model):
    """The model as it will be stored: weights rounded to bf16."""
    copy = TinyQwen3(model.cfg)
    copy.load_state_dict({k: v.bfloat16().float() for k, v in model.state_dict().items()})
    return copy.eval()


def average(params):
    """Averages gradients over the workers."""
    flat = torch.cat([p.grad.flatten() for p in params])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, part in zip(params, flat.split([p.numel() for p in params])):
        p.grad.copy_(part.view_as(p))


def worker(rank, args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    dist.init_process_group("gloo", init_method=f"file://{args.meet}", rank=rank,
                            world_size=NUM_WORKERS)
    tok = Tokenizer.from_file(str(args.run / "tokenizer.json"))
    encoder = Encoder(tok)
    # Another seed than the published set, so that no decision is taken by looking at it.
    examples = heldout.build(tok, seed=7, num_recall=8, num_lists=20, sums=(20, 20, 10))
    path = args.run / "checkpoint.pt"
    saved = torch.load(path, weights_only=False) if path.exists() else {
        "config": TinyConfig(vocab_size=tok.get_vocab_size()), "step": 0, "num_tokens": 0, "seconds": 0}
    model = TinyQwen3(saved["config"])
    if "model" in saved:
        model.load_state_dict(saved["model"])
    optimizer = Optimizer(model)
    if saved.get("optimizer"):
        optimizer.load_state_dict(saved["optimizer"])
    hidden_fn = torch.compile(model.hidden, dynamic=False) if args.compile else model.hidden
    step, num_tokens = saved["step"], saved["num_tokens"]

    start = time.time() - saved["seconds"]
    recent = collections.defaultdict(list)
    while (phase := phase_at(step)[0]) is not None and step != args.stop:
        row_len = draw_row_len(step, phase)
        num_rows = BATCH_ROWS[row_len] * phase.get("batch", 1)
        batch = encoder.batch(f"{SEED}-{step}-{rank}", num_rows, row_len, phase)
        loss, *right = loss_of(model, hidden_fn, batch)
        loss.backward()
        average(optimizer.params)
        norm = optimizer.step(rate(step))
        step += 1
        num_tokens += batch[0].numel() * NUM_WORKERS
        last = phase_at(step)[0] is None or step == args.stop
        if rank > 0:
            continue
        recent[row_len].append((loss.item(), *right))
        if step % args.report == 0:
            parts = ["[{}] loss {:.3f} short {:.3f} recall {:.3f}".format(
                n, *(sum(column) / len(r) for column in zip(*r))) for n, r in sorted(recent.items())]
            recent.clear()
            print(f"step {step}  {'  '.join(parts)}  rate {rate(step - 1):.3f}  norm {norm:.2f}  "
                  f"{num_tokens / 1e6:.2f} M tokens  {time.time() - start:.0f} s", flush=True)
        if step % args.save == 0 or last:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step, "num_tokens": num_tokens, "seconds": time.time() - start,
                        "config": model.cfg}, path)
        if step % args.check == 0 or last:
            result = accuracy(rounded_copy(model), tok, examples)
            print(f"step {step}  held out: {summary(result)}", flush=True)
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1, help="threads of each worker")
    parser.add_argument("--compile", action="store_true", help="torch.compile; needs a C++ compiler")
    parser.add_argument("--report", type=int, default=25, help="steps between lines of progress")
    parser.add_argument("--check", type=int, default=250, help="steps between held-out scores")
    parser.add_argument("--save", type=int, default=50, help="steps between checkpoints")
    parser.add_argument("--stop", type=int, help="stop behind this step")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        args.meet = f"{folder}/meet"
        torch.multiprocessing.spawn(worker, (args,), nprocs=NUM_WORKERS)


if __name__ == "__main__":
    main()
