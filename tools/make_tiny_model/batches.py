# SPDX-License-Identifier: Apache-2.0
"""Turns documents into rows of tokens with targets, weights and positions."""

import random

import numpy as np
import torch

import tasks

NO_TARGET = -1
MAX_POSITION = 8192


class Encoder:
    def __init__(self, tok):
        self.tok = tok
        self.stop = tok.token_to_id(tasks.END_OF_TEXT)
        self.turn = tok.token_to_id("<|im_start|>")
        self.user = tok.token_to_id("user")
        self.dot = tok.token_to_id(".")

    def document(self, pieces):
        """(tokens, target of each token itself, weight); targets are shifted later."""
        encoding = self.tok.encode("".join(text for text, _ in pieces))
        ids = encoding.ids
        targets, weights = [NO_TARGET] * len(ids), [0.0] * len(ids)
        ends, end = [], 0
        for text, _ in pieces:
            end += len(text)
            ends.append(end)
        piece = 0
        for i, (begin, end) in enumerate(encoding.offsets):
            while begin >= ends[piece]:
                piece += 1
            assert end <= ends[piece], ("a token crosses pieces", pieces)
            weight = pieces[piece][1]
            if weight == tasks.END_OF_TEXT:
                # Only the first token of the piece is where the model should have stopped.
                first = begin == (ends[piece - 1] if piece else 0)
                targets[i], weights[i] = (self.stop, 1.0) if first else (NO_TARGET, 0.0)
            elif weight > 0:
                targets[i], weights[i] = ids[i], weight
        return ids, targets, weights

    def row(self, rng, row_len, mix):
        """One training row of exactly `row_len` tokens."""
        ids, targets, weights = [], [], []

        def add(pieces):
            for whole, part in zip((ids, targets, weights), self.document(pieces)):
                whole.extend(part)

        if row_len < 128:
            # A plain task at the very beginning, where its first digit is also the first token.
            add((tasks.short_raw if rng.random() < 0.7 else tasks.short_chat)(rng, mix["arithmetic"]))
        elif row_len > 256:
            if rng.random() < 0.15:
                add(tasks.story_request(rng))
            budget = (row_len - len(ids)) * rng.uniform(0.9, 1.02)
            add(tasks.recall_document(rng, budget, mix["dense"]))
        elif rng.random() < mix["recall"]:
            add(tasks.recall_document(rng, rng.uniform(0.3, 1.0) * row_len, mix["dense"]))
        elif rng.random() < 0.05:
            add(tasks.story_request(rng))
        while len(ids) < row_len:
            add(tasks.short_document(rng, mix["arithmetic"]))
        return ids[:row_len], targets[:row_len], weights[:row_len]

    def positions(self, rng, ids, gaps):
        """0, 1, 2, ... or, sometimes, with gaps between sentences or turns.

        The gaps let short rows teach the distances of long ones.
        """
        step = np.ones(len(ids), dtype=np.int64)
        step[0] = 0
        if rng.random() < gaps:
            array = np.array(ids)
            after_dot = array[:-1] == self.dot
            new_turn = (array[1:] == self.turn) & (np.roll(array, -2)[:-1] == self.user)
            places = np.flatnonzero(after_dot | new_turn) + 1
            room = MAX_POSITION - len(ids)
            for _ in range(rng.randint(1, 4) if len(places) else 0):
                gap = int(room * rng.random() ** 2)
                step[places[rng.randrange(len(places))]] += gap
                room -= gap
        return np.cumsum(step)

    def batch(self, seed, num_rows, row_len, mix):
        rng = random.Random(seed)
        rows = [self.row(rng, row_len, mix) for _ in range(num_rows)]
        tokens, targets, weights = (torch.tensor(part) for part in zip(*rows))
        positions = torch.from_numpy(np.stack([self.positions(rng, ids, mix["gaps"]) for ids, _, _ in rows]))
        # The target of a token is the next one.
        targets = torch.roll(targets, -1, 1)
        weights = torch.roll(weights, -1, 1)
        targets[:, -1] = NO_TARGET
        return tokens, positions, targets, weights
