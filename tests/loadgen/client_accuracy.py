#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How exact and how quick the client of `weir bench serve` is, by the clock of this machine: against
sse_load_server, which knows when it wrote. Wants a machine on which nothing else runs.

usage: client_accuracy.py WEIR_BINARY SSE_LOAD_SERVER

Prints measured against true means, which must agree within 1 ms or 1 %, and the client's CPU at
2,000 requests per second, which must stay below one CPU. Ends with 1 when one of them does not hold.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

PORT = "18765"


def measure(weir, server, script, load):
    process = subprocess.Popen([server, PORT, *map(str, script)], stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([weir, "bench", "serve", "--port", PORT, "--model", "scripted", "--disable-tqdm",
                        "--random-input-len", "8", "--num-prompts", str(script[-1]), "--prompt-format",
                        "ids", "--save-result", "--result-dir", folder, "--result-filename", "r.json",
                        *load], stdout=subprocess.DEVNULL, check=True)
        result = json.loads((pathlib.Path(folder) / "r.json").read_text())
    words = process.communicate(timeout=10)[0].split()
    return result, dict(zip(words[::2], map(float, words[1::2])))


def main(weir, server):
    good = True
    for name, script, load in (
            ("8 at a time, 5 ms gaps", (20, 5, 50, 80), ["--max-concurrency", "8"]),
            ("64 at a time, 10 ms gaps", (50, 10, 40, 256), ["--max-concurrency", "64"]),
            ("2,000 req/s of 8 tokens", (5, 1, 8, 20000), ["--request-rate", "2000"])):
        result, true = measure(weir, server, script, load)
        client = result["weir"]["client"]
        for metric in ("ttft", "itl"):
            found, wanted = result[f"mean_{metric}_ms"], true[f"mean_{metric}_ms"]
            near = abs(found - wanted) <= max(1.0, 0.01 * wanted)
            good &= near
            print(f"{name}: mean {metric} {found:.3f} ms, true {wanted:.3f} ms"
                  f"{'' if near else '   TOO FAR'}")
        good &= result["failed"] == 0 and client["cpu_share"] < 1
        print(f"{name}: {result['completed']} completed, {result['failed']} failed, "
              f"{result['request_throughput']:.0f} req/s, {100 * client['cpu_share']:.0f} % of a CPU")
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
