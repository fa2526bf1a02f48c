# SPDX-License-Identifier: Apache-2.0
"""Muon for the weight matrices, AdamW for the embedding and the norm gains."""

import torch


def orthogonalize(g, steps=5):
    """Newton-Schulz iteration on a stack of matrices [n, rows, cols], rows <= cols."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return x.float()


class Muon:
    """Momentum whose update is made orthogonal. Matrices of one shape are treated together."""

    def __init__(self, params, momentum=0.95, weight_decay=0.02):
        self.momentum, self.weight_decay = momentum, weight_decay
        self.groups = {}
        for p in params:
            self.groups.setdefault(tuple(sorted(p.shape)), []).append(p)
        self.state = {shape: torch.zeros(len(ps), *shape) for shape, ps in self.groups.items()}

    @torch.no_grad()
    def step(self, lr):
        for shape, params in self.groups.items():
            wide = [p.shape[0] <= p.shape[1] for p in params]
            g = torch.stack([p.grad if w else p.grad.T for p, w in zip(params, wide)])
            buf = self.state[shape]
            buf.lerp_(g, 1 - self.momentum)
            update = orthogonalize(g.lerp_(buf, self.momentum))
            for p, u, w in zip(params, update, wide):
                u = u if w else u.T
                scale = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - lr * self.weight_decay).add_(u, alpha=-lr * scale)


class Optimizer:
    """One step of both; learning rates are relative to `rate`, which the schedule sets."""

    MUON_RATE, EMBED_RATE, GAIN_RATE = 0.02, 2e-3, 4e-3

    def __init__(self, model):
        named = list(model.named_parameters())
        embed = [p for n, p in named if "embed" in n]
        matrices = [p for n, p in named if p.ndim == 2 and "embed" not in n]
        gains = [p for n, p in named if p.ndim == 1]
        self.params = [p for _, p in named]
        self.muon = Muon(matrices)
        self.adam = torch.optim.AdamW(
            [{"params": embed, "base": self.EMBED_RATE, "weight_decay": 0.01},
             {"params": gains, "base": self.GAIN_RATE, "weight_decay": 0.0}],
            lr=0.0, betas=(0.9, 0.95))

    def step(self, rate):
        norm = torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.muon.step(self.MUON_RATE * rate)
        for group in self.adam.param_groups:
            group["lr"] = group["base"] * rate
        self.adam.step()
        for p in self.params:
            p.grad = None
        return norm

    def state_dict(self):
        return {"muon": self.muon.state, "adam": self.adam.state_dict()}

    def load_state_dict(self, state):
        self.muon.state = state["muon"]
        self.adam.load_state_dict(state["adam"])
