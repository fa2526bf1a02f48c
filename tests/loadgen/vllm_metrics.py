#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of `vllm bench serve` as its documentation and design define them, written from those
definitions with Python's standard library and independently of Weir's C++: statistics by
`statistics` and `math.fsum`, percentiles by sorting.

usage: vllm_metrics.py RECORDING.json   prints one JSON object of the figures

A recording holds what was observed: {"duration": s, "goodput": {"ttft": ms, ...} or {},
"percentiles": [50, 99], "requests": [{"success": true, "start_time": s, "ttft": s, "latency": s,
"itl": [s, ...], "queue_time": s, "prompt_len": n, "output_tokens": n}, ...]}
"""

import json
import math
import statistics
import sys


def percentile(values, percent):
    """Linear interpolation between the neighbours of rank (n - 1) * percent / 100."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def summary(name, values, percents):
    values = values or [0.0]
    figures = {
        f"mean_{name}_ms": 1000 * math.fsum(values) / len(values),
        f"median_{name}_ms": 1000 * statistics.median(values),
        f"std_{name}_ms": 1000 * statistics.pstdev(values),
    }
    for percent in percents:
        figures[f"p{percent}_{name}_ms"] = 1000 * percentile(values, percent)
    return figures


def token_times(request):
    times = [request["start_time"] + request["ttft"]]
    for gap in request["itl"]:
        times.append(times[-1] + gap)
    return times


def peak_tokens_per_second(good):
    first = min(request["start_time"] for request in good)
    buckets = {}
    for request in good:
        for time in token_times(request):
            buckets[int(time - first)] = buckets.get(int(time - first), 0) + 1
    return float(max(buckets.values()))


def peak_concurrency(good):
    """Half-open intervals: counted at every start, which is where a peak begins."""
    return max(sum(r["start_time"] <= at["start_time"] < r["start_time"] + r["latency"] for r in good)
               for at in good)


def tpot(request):
    tokens = request["output_tokens"]
    return (request["latency"] - request["ttft"]) / (tokens - 1) if tokens > 1 else None


def is_good(request, limits):
    reached = {"ttft": request["ttft"], "tpot": tpot(request) or 0.0, "e2el": request["latency"]}
    return all(reached[name] <= limit / 1000 for name, limit in limits.items())


def evaluate(recording):
    good = [request for request in recording["requests"] if request["success"]]
    duration, limits = recording["duration"], recording["goodput"]
    inputs = sum(request["prompt_len"] for request in good)
    outputs = sum(request["output_tokens"] for request in good)
    figures = {
        "duration": duration,
        "completed": len(good),
        "failed": len(recording["requests"]) - len(good),
        "total_input_tokens": inputs,
        "total_output_tokens": outputs,
        "request_throughput": len(good) / duration,
        "request_goodput": sum(is_good(r, limits) for r in good) / duration if limits else None,
        "output_throughput": outputs / duration,
        "total_token_throughput": (inputs + outputs) / duration,
        "max_output_tokens_per_s": peak_tokens_per_second(good) if good else 0.0,
        "max_concurrent_requests": peak_concurrency(good) if good else 0,
    }
    samples = {
        "ttft": [request["ttft"] for request in good],
        "tpot": [tpot(request) for request in good if tpot(request) is not None],
        "itl": [gap for request in good for gap in request["itl"]],
        "e2el": [request["latency"] for request in good],
        "client_queue_time": [request["queue_time"] for request in good],
        "e2el_including_client_queue": [r["latency"] + r["queue_time"] for r in good],
    }
    for name, values in samples.items():
        figures.update(summary(name, values, recording["percentiles"]))
    return figures


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(json.dumps(evaluate(json.load(file))))
