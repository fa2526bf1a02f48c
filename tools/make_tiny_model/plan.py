# SPDX-License-Identifier: Apache-2.0
"""What is trained when: row lengths per phase and the learning rate."""

SEED = 1

# Rows of one worker's batch for each row length; NUM_WORKERS such batches make a step.
NUM_WORKERS = 2
BATCH_ROWS = {32: 64, 128: 12, 256: 8, 1024: 2, 2944: 1}

# Per phase:
#   row_len     share of each row length
#   recall      share of short rows with a recall document; dense: share of dense ones of these
#   arithmetic  share of sums among short tasks
#   gaps        share of rows with gaps in their positions
#   rate        learning rate relative to its peak, from begin to end of the phase
#   batch       multiplies BATCH_ROWS
# Short rows teach the tasks; longer ones then only have to stretch recall. Behind step GRAFT_STEP
# graft.py is applied.
GRAFT_STEP = 700
PLAN = [
    {"steps": 500, "row_len": {256: 1.0}, "recall": 0.45, "dense": 0.0, "arithmetic": 0.45,
     "gaps": 0.3, "rate": (1, 1), "batch": 2},
    {"steps": 200, "row_len": {128: 1.0}, "recall": 0.2, "dense": 0.5, "arithmetic": 0.45,
     "gaps": 0.0, "rate": (1, 1)},
    {"steps": 300, "row_len": {256: 0.9, 1024: 0.1}, "recall": 0.5, "dense": 0.3,
     "arithmetic": 0.45, "gaps": 0.2, "rate": (0.7, 0.7)},
    {"steps": 260, "row_len": {256: 0.9, 1024: 0.05, 2944: 0.05}, "recall": 0.2, "dense": 0.1,
     "arithmetic": 0.65, "gaps": 0.3, "rate": (0.8, 0.75)},
    {"steps": 120, "row_len": {256: 0.77, 1024: 0.08, 2944: 0.15}, "recall": 0.25, "dense": 0.1,
     "arithmetic": 0.6, "gaps": 0.15, "rate": (0.7, 0.53)},
    {"steps": 20, "row_len": {256: 0.87, 1024: 0.04, 2944: 0.09}, "recall": 0.2, "dense": 0.1,
     "arithmetic": 0.65, "gaps": 0.15, "rate": (0.53, 0.53)},
    {"steps": 260, "row_len": {32: 0.4, 256: 0.48, 1024: 0.03, 2944: 0.09}, "recall": 0.25,
     "dense": 0.1, "arithmetic": 0.6, "gaps": 0.15, "rate": (0.53, 0.02)},
]

WARMUP_STEPS = 40


def phase_at(step):
    """(phase, steps done in it) at `step`; (None, 0) behind the last."""
    for phase in PLAN:
        if step < phase["steps"]:
            return phase, step
        step -= phase["steps"]
    return None, 0


def rate(step):
    """Learning rate relative to its peak, linear within a phase, with warm-ups."""
    phase, done = phase_at(step)
    begin, end = phase["rate"]
    since = step - GRAFT_STEP if step >= GRAFT_STEP else step
    return min(1.0, (since + 1) / WARMUP_STEPS) * (begin + (end - begin) * done / phase["steps"])
