# SPDX-License-Identifier: Apache-2.0
"""What is trained when: row lengths per phase and the learning rate."""

SEED = 1

# Rows per batch for each row length.
BATCH_ROWS = {128: 24, 256: 32, 1024: 8, 2944: 3}

# Shares per phase: row lengths, rows that hold a recall document, dense ones among these, rows
# with gaps in their positions.
# Recall appears suddenly, on short rows full of facts and questions; longer rows then only have to
# stretch it.
PLAN = [
    {"steps": 500, "row_len": {256: 1.0}, "recall": 0.45, "dense": 0.0, "gaps": 0.3},
    {"steps": 1000, "row_len": {128: 1.0}, "recall": 0.2, "dense": 0.5, "gaps": 0.0},
    {"steps": 300, "row_len": {256: 1.0}, "recall": 0.6, "dense": 0.3, "gaps": 0.3},
    {"steps": 300, "row_len": {256: 0.7, 1024: 0.3}, "recall": 0.5, "dense": 0.2, "gaps": 0.3},
    {"steps": 900, "row_len": {256: 0.65, 1024: 0.15, 2944: 0.2}, "recall": 0.5, "dense": 0.1,
     "gaps": 0.3},
]

WARMUP_STEPS = 40
DECAY_STEPS = 800


def rate(step):
    """Learning rate relative to its peak: warm-up, plateau, linear decay at the end."""
    total = sum(phase["steps"] for phase in PLAN)
    up = min(1.0, (step + 1) / WARMUP_STEPS)
    down = min(1.0, (total - step) / DECAY_STEPS)
    return up * max(0.02, down)
