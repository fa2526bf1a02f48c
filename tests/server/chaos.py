#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that behave badly, for as long as asked: they hang up midway, cancel, read slowly, send
nonsense, flood the queue. Afterwards everything must be given back: no request runs or waits, every
page is free or cached, memory has not grown, and a healthy answer is what it was. At last SIGTERM
comes under load and the server must end with 0. Works with a binary of any sanitizer.

usage: chaos.py WEIR_BINARY [--seconds 60] [--clients 24] [--seed 1] [--rss-drift 0.02]
                [-- SERVE_FLAGS...]     --rss-drift 0: memory is printed, not judged
"""
import argparse
import json
import pathlib
import random
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from serve_process import ServeProcess, Stream  # noqa: E402

NONSENSE = (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 5000, b"\r\n" * 100,
            b"GET /" + b"a" * 70000, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n")
PROBE = {"prompt": "sort: 83 12 57 40 9", "max_tokens": 16, "temperature": 0}


class Chaos:
    def __init__(self, server, seconds, seed):
        self.server, self.end, self.seed = server, time.monotonic() + seconds, seed
        self.counts, self.statuses, self.lock = {}, {}, threading.Lock()
        self.wrong = []

    def run(self, number):
        rng = random.Random(self.seed * 1000 + number)
        acts = (self.stream_whole, self.hang_up, self.hang_up_early, self.abort, self.read_slowly,
                self.nonsense, self.flood, self.long_prompt, self.bad_fields)
        while time.monotonic() < self.end and not self.wrong:
            act = rng.choice(acts)
            try:
                act(rng)
            except (OSError, ValueError) as error:  # being refused or cut off is part of it
                with self.lock:
                    self.counts[f"{act.__name__}: {type(error).__name__}"] = self.counts.get(
                        f"{act.__name__}: {type(error).__name__}", 0) + 1
                if self.server.process.poll() is not None:
                    self.wrong.append("the server is gone")
            except Exception as error:  # http.client's own: a cut stream
                with self.lock:
                    self.counts[type(error).__name__] = self.counts.get(type(error).__name__, 0) + 1
            with self.lock:
                self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1

    def saw(self, status):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
        if status >= 500 and status != 503:
            self.wrong.append(f"status {status}")

    def stream(self, rng, **fields):
        stream = self.server.stream(max_tokens=rng.choice((1, 8, 64, 200)),
                                    **({"n": rng.choice((1, 1, 2, 4)),
                                        "prompt": f"story {rng.randrange(20)}"} | fields))
        self.saw(stream.status)
        return stream

    def stream_whole(self, rng):
        stream = self.stream(rng)
        if stream.status == 200:
            events = stream.rest()
            if not events or events[-1] != "[DONE]":
                self.wrong.append(f"a stream ended without [DONE]: {events[-1:]}")
        stream.close()

    def hang_up(self, rng):
        stream = self.stream(rng, ignore_eos=True)
        for _ in range(rng.randrange(6)):
            stream.next()
        stream.close()

    def hang_up_early(self, rng):
        connection = self.server.connect()
        body = json.dumps({"prompt": "a " * rng.randrange(1, 400), "n": 2, "max_tokens": 200})
        connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
        if rng.random() < 0.5:
            time.sleep(rng.random() * 0.05)
        connection.close()

    def abort(self, rng):
        name = f"abort-{rng.randrange(10 ** 9)}"
        stream = Stream(self.server.connect(), "/v1/completions", {"X-Request-Id": name},
                        {"prompt": "a", "max_tokens": 400, "ignore_eos": True})
        self.saw(stream.status)
        self.saw(self.server.ask("POST", "/abort_request", {"request_id": name})[0])
        stream.rest()
        stream.close()

    def read_slowly(self, rng):
        sock = self.server.raw(receive_buffer=4096)
        body = json.dumps({"prompt": "a", "stream": True, "n": 4, "max_tokens": 200, "logprobs": 5,
                           "ignore_eos": True})
        sock.sendall((f"POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json"
                      f"\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
        for _ in range(rng.randrange(5)):
            sock.recv(100)
            time.sleep(0.05)
        sock.close()

    def nonsense(self, rng):
        sock = self.server.raw()
        sock.settimeout(5)
        sock.sendall(rng.choice(NONSENSE))
        if rng.random() < 0.5:
            sock.shutdown(socket.SHUT_WR)
        sock.recv(4096)
        sock.close()

    def flood(self, rng):
        streams = []
        try:
            for _ in range(30):
                streams.append(self.stream(rng, prompt=["b " * 50] * 4))
        finally:
            for stream in streams:
                stream.close()

    def long_prompt(self, rng):
        self.saw(self.server.ask("POST", "/v1/completions",
                                 {"prompt": f"{rng.random()} " * 150, "max_tokens": 4})[0])

    def bad_fields(self, rng):
        field = rng.choice(("n", "max_tokens", "temperature", "prompt", "stop", "logit_bias"))
        value = rng.choice((-1, 10 ** 20, "x", [], {}, None, 1e308, [[]], True))
        self.saw(self.server.ask("POST", "/v1/completions", {"prompt": "a", field: value})[0])


def under_load(server, chaos, seconds, clients):
    chaos.end = time.monotonic() + seconds
    threads = [threading.Thread(target=chaos.run, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    return threads


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("weir")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rss-drift", type=float, default=0.02)
    options, flags = parser.parse_known_args()
    flags = [flag for flag in flags if flag != "--"]
    flags += ["--access-log", "none", "--head-timeout", "2", "--shutdown-timeout", "5",
              "--max-num-queued-reqs", "64", "--max-unread-stream", "64KiB",
              "--kv-cache-memory", "32MiB"]  # small, so that it is full by half time
    with ServeProcess(options.weir, *flags) as server:
        before = server.ask("POST", "/v1/completions", PROBE)[1]["choices"][0]["text"]
        chaos = Chaos(server, options.seconds, options.seed)
        # Memory counts from the middle on: by then pools and caches have the size that they keep.
        rss = []
        for half in range(2):
            for thread in under_load(server, chaos, options.seconds / 2, options.clients):
                thread.join()
            if not chaos.wrong and not server.wait_until_empty():
                chaos.wrong.append("requests are left running or waiting")
            if chaos.wrong:
                break
            rss.append(server.rss_kib())
        if not chaos.wrong:
            after = server.ask("POST", "/v1/completions", PROBE)[1]["choices"][0]["text"]
            if after != before:
                chaos.wrong.append(f"the probe's answer changed from {before!r} to {after!r}")
            drift = rss[1] / rss[0] - 1
            print(f"memory: {rss[0]} KiB at half time, {rss[1]} KiB at the end, {drift:+.1%}")
            if options.rss_drift and drift > options.rss_drift:
                chaos.wrong.append(f"memory grew by {drift:.1%}")
        threads = under_load(server, chaos, 3, options.clients)
        time.sleep(1)
        wrong = list(chaos.wrong)
        server.signal()
        code = server.wait_end()
        for thread in threads:
            thread.join()
        if code != 0:
            wrong.append(f"the server ended with {code}: {server.log_text()[-3000:]}")
    print("acts:", dict(sorted(chaos.counts.items())))
    print("statuses:", dict(sorted(chaos.statuses.items())))
    for problem in wrong:
        print("WRONG:", problem)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
