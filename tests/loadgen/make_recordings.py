#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the recordings of data/: timestamps of made-up runs with the figures that
vllm_metrics.py computes from them, and, where NumPy is installed, what NumPy and Python draw and
compute. Run it after a change of the definitions; the tests read what it wrote.

usage: make_recordings.py DATA_FOLDER
"""

import json
import pathlib
import platform
import random
import sys

import vllm_metrics

INF = float("inf")


def request(draw, start, chunks, tokens_per_chunk=1, **fields):
    gaps = [draw.expovariate(30) for _ in range(chunks - 1)]
    ttft = 0.02 + draw.expovariate(8)
    latency = ttft
    for gap in gaps:
        latency += gap
    return {"success": True, "start_time": start, "ttft": ttft, "latency": latency, "itl": gaps,
            "queue_time": draw.random() / 10, "prompt_len": draw.randint(1, 4000),
            "output_tokens": chunks * tokens_per_chunk, **fields}


def failed(start):
    return {"success": False, "start_time": start, "ttft": 0.0, "latency": 0.0, "itl": [],
            "queue_time": 0.0, "prompt_len": 10, "output_tokens": 0}


def runs():
    draw = random.Random(2024)
    poisson = [request(draw, 50 + i * 0.21 + draw.random(), draw.randint(1, 60)) for i in range(40)]
    yield "poisson", poisson, {"ttft": 120.0, "tpot": 35.0, "e2el": 1500.0}
    yield "failures", [failed(3.0) if i % 3 == 0 else request(draw, float(i), 7) for i in range(12)], {}
    yield "one_token", [request(draw, 0.5 * i, 1) for i in range(6)], {"tpot": 1.0}
    yield "speculative", [request(draw, 10.0 + i / 8, 9, 4) for i in range(16)], {"e2el": 400.0}
    # Ends and starts at equal times are no overlap; a limit that is met exactly is kept.
    exact = [request(draw, float(i), 1, ttft=1.0, latency=1.0, output_tokens=1) for i in range(5)]
    yield "touching", exact, {"ttft": 1000.0, "e2el": 1000.0}
    merged = [request(draw, 0.25 * i, 12) for i in range(5)]
    for one in merged:
        one["itl"][3] = one["itl"][7] = 0.0  # two chunks in one read
    yield "merged", merged, {}
    yield "all_failed", [failed(0.0), failed(1.0)], {"ttft": 1.0}


def metric_recordings():
    for name, requests, limits in runs():
        last = max(r["start_time"] + r["latency"] for r in requests)
        recording = {"name": name, "duration": last - requests[0]["start_time"] + 0.003,
                     "goodput": limits, "percentiles": [25, 50, 99, 99.9], "requests": requests}
        yield {**recording, "figures": vllm_metrics.evaluate(recording)}


def numpy_statistics(np):
    draw = np.random.default_rng(12345)
    sets = [[0.25], [1, 2], [3, 1, 2], [0.1] * 7, [1e-9, 1e9, 5]]
    sets += [draw.exponential(0.03, n) for n in (4, 5, 7, 8, 9, 16, 17, 127, 128, 129, 136, 255, 256,
                                                 257, 300, 777)]
    cases = []
    for values in ([float(value) for value in one] for one in sets):
        percents = (0, 1, 25, 50, 75, 90, 99, 99.9, 100)
        cases.append({"values": [value.hex() for value in values],
                      "mean": float(np.mean(values)).hex(), "std": float(np.std(values)).hex(),
                      "median": float(np.median(values)).hex(),
                      "percentiles": [[p, float(np.percentile(values, p)).hex()] for p in percents]})
    return {"source": f"NumPy {np.__version__}, doubles as hexadecimal text", "cases": cases}


def rate_at(ramp, rate, index, count):
    if not ramp:
        return rate
    kind, start, end = ramp
    progress = index / max(count - 1, 1)
    return start + (end - start) * progress if kind == "linear" else start * (end / start) ** progress


def arrivals(np, count, rate, burstiness, ramp, seed):
    np.random.seed(seed)
    rates = [rate_at(ramp, rate, index, count) for index in range(count)]
    gaps = [0.0 if r == INF else 1 / r if burstiness == INF else
            np.random.gamma(shape=burstiness, scale=1 / (r * burstiness)) for r in rates]
    times = [gaps[0]]
    for gap in gaps[1:]:
        times.append(times[-1] + gap)
    if not ramp and times[-1] != 0:
        factor = count / rate / times[-1]
        times = [time * factor for time in times]
    return {"n": count, "rate": str(rate), "burstiness": str(burstiness), "ramp_up": ramp,
            "seed": seed, "at_s": [float(time).hex() for time in times],
            "rates": [float(r).hex() for r in rates]}


def legacy(np, seed):
    def fresh():
        np.random.seed(seed)
        return np.random
    draws = {"seed": seed, "randint": fresh().randint(0, 151643, size=8).tolist(),
             "permutation": fresh().permutation(13).tolist(), "gamma": {}}
    for shape in (1.0, 0.5, 2.0, 10.0):
        draw = fresh()
        draws["gamma"][str(shape)] = [float(draw.gamma(shape, 0.25)).hex() for _ in range(12)]
    return draws


def default_rng(np, seed):
    draw = np.random.default_rng(seed)
    return {"seed": seed, "a": draw.integers(921, 1128, size=8).tolist(),
            "b": draw.integers(5, 6, size=3).tolist(), "c": draw.integers(0, 151643, size=8).tolist(),
            "e": draw.integers(0, 2**31 + 5, size=6).tolist()}


def python_random(seed):
    shuffled = list(range(20))
    random.Random(seed).shuffle(shuffled)
    choice, uniform = random.Random(seed), random.Random(seed)
    return {"seed": seed, "shuffle": shuffled, "choice": [choice.choice(range(1000)) for _ in range(6)],
            "uniform": [uniform.random().hex() for _ in range(3)]}


def numpy_random(np):
    wanted = ((5, INF, 1.0, None, 0), (10, 4.0, 1.0, None, 0), (10, 4.0, 0.3, None, 3),
              (10, 4.0, 8.0, None, 3), (6, 2.5, INF, None, 0), (9, INF, 1.0, ("linear", 1, 9), 5),
              (9, INF, 2.0, ("exponential", 2, 32), 5), (1, 2.0, 1.0, None, 1))
    return {"source": f"NumPy {np.__version__}, Python {platform.python_version()}",
            "default_rng_integers": [default_rng(np, s) for s in (0, 1, 42, 2**32 - 1, 2**40 + 7)],
            "legacy": [legacy(np, seed) for seed in (0, 7, 2**32 - 1)],
            "python": [python_random(seed) for seed in (0, 42, 2**35 + 1)],
            "arrivals": [arrivals(np, *one) for one in wanted]}


def main(folder):
    def write(name, data):
        (folder / name).write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
    write("metrics.json", {"recordings": list(metric_recordings())})
    try:
        import numpy as np
    except ImportError:
        print("NumPy is not installed: its recordings stay as they are")
        return
    write("numpy_statistics.json", numpy_statistics(np))
    write("numpy_random.json", numpy_random(np))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
