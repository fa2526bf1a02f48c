#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`weir explain` as its users meet it: the real binary, traces in files, a ledger behind HTTP.

usage: explain_test.py WEIR_BINARY
"""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

WEIR = ""
COST = {"step_us": 50000, "head_us": 5000, "hidden_token_us": 0, "token_us": 1500,
        "decode_key_us": 1, "fresh_pair_us": 0.5, "cached_pair_us": 0.5, "logits_us": 100,
        "hidden_tokens": 16}
HEADER = {"weir_trace": 1, "clock": "steady_us"}


def classes(**given: int) -> dict:
    return {"decode": 0, "fresh_prefill": 0, "cached_prefill": 0, **given}


def step(number: int, begin_us: int, total_us: int) -> dict:
    return {"step": number, "begin_us": begin_us, "num_seqs": classes(decode=1),
            "num_tokens": classes(decode=1), "num_splits": 0, "num_waiting": 0,
            "num_preempted": 0, "num_free_pages": 9, "limit": "all_in", "captured": False,
            "predicted_us": total_us, "schedule_us": 1, "plan_us": 1, "forward_us": total_us - 3,
            "sample_us": 1, "total_us": total_us}


def row(number: int, request: int, q_len: int, kv_len: int) -> dict:
    fresh = "fresh_prefill" if q_len == kv_len else "cached_prefill"
    return {"step": number, "request": request, "index": 0,
            "class": "decode" if q_len == 1 else fresh, "q_len": q_len, "kv_len": kv_len}


def ledger(num_steps: int = 10) -> dict:
    """Request 7 decodes; a chunk of request 9 stretches step 5."""
    steps, rows, now = [], [row(1, 7, 100, 100)], 1000
    for number in range(1, num_steps + 1):
        total = 243000 if number == 5 else 61000
        steps.append(step(number, now, total))
        now += total
        if number > 1:
            rows.append(row(number, 7, 1, 99 + number))
        if number == 5:
            rows.append(row(5, 9, 96, 2096))
    requests = [
        {"request": 7, "label": "chat", "arrived_us": 500, "num_prompt": 100, "num_outputs": 1},
        {"request": 9, "label": "report", "arrived_us": 900, "num_prompt": 4000, "num_outputs": 1}]
    return {"steps": steps, "rows": rows, "requests": requests, "cost": COST}


def trace_lines() -> list[str]:
    data = ledger()
    lines = [HEADER]
    lines += [{"request": request} for request in data["requests"]]
    for record in data["steps"]:
        lines += [{"row": r} for r in data["rows"] if r["step"] == record["step"]]
        lines.append({"step": record})
    lines.append({"cost": data["cost"]})
    return [json.dumps(line) + "\n" for line in lines]


def explain(*args: str) -> subprocess.CompletedProcess:
    return subprocess.run([WEIR, "explain", *args], capture_output=True, text=True, check=False)


class FromATrace(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir explain ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.trace = self.write("trace.jsonl", "".join(trace_lines()))

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def test_in_plain_words(self):
        done = explain("chat", "--trace", self.trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('request 7 "chat": 100 prompt tokens\n', done.stdout)
        self.assertIn("token 5 came after 243 ms, typical 61 ms (step 5): the step also computed 96 "
                      'prompt tokens of request 9 "report" (cached 2000), predicted share 220 ms',
                      done.stdout)

    def test_json(self):
        done = explain("7", "--trace", self.trace, "--json", "--gaps", "1")
        explained = json.loads(done.stdout)
        self.assertEqual(explained["label"], "chat")
        self.assertEqual(len(explained["outputs"][0]["worst"]), 1)
        self.assertEqual(explained["outputs"][0]["worst"][0]["causes"][0]["request"], 9)

    def test_a_chrome_trace_with_and_without_a_request(self):
        out = str(self.folder / "out.json")
        for request in ([], ["7"]):
            done = explain(*request, "--trace", self.trace, "--perfetto", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            events = json.loads(pathlib.Path(out).read_text(encoding="utf-8"))["traceEvents"]
            self.assertEqual(sum(e["name"] == "decode" for e in events), 9)
            for event in events:
                self.assertIn(event["ph"], "XMC")

    def test_a_trace_that_was_cut_off(self):
        cut = self.write("cut.jsonl", "".join(trace_lines())[:-20])
        self.assertEqual(explain("7", "--trace", cut).returncode, 0)

    def test_what_is_wrong_is_said(self):
        for args, code, message in (
                ([], 2, "found neither REQUEST_ID nor --perfetto"),
                (["7", "--trace", "/no/such/file"], 1, "/no/such/file"),
                (["nobody", "--trace", self.trace], 1, "request nobody: found no record"),
                (["7", "--trace", self.write("other.txt", "hello\n")], 1, "other.txt:1"),
                (["7", "--trace", self.trace, "--url", "http://h"], 2, "excludes"),
                (["7", "--url", "https://h"], 2, "wanted http://HOST"),
                (["7", "--url", "http://127.0.0.1:1"], 1, "cannot connect"),
                (["7", "--trace", self.trace, "--perfetto", "/no/such/folder/x"], 1, "--perfetto")):
            done = explain(*args)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertIn(message, done.stderr)
            self.assertEqual(done.stdout, "")


class Ledger(http.server.BaseHTTPRequestHandler):
    """Answers as `GET /weir/steps` does, a page of 70 steps at a time, to whoever has the key."""

    def do_GET(self):  # pylint: disable=invalid-name
        url = urllib.parse.urlparse(self.path)
        allowed = self.headers.get("Authorization") == "Bearer s3cret"
        if url.path != "/weir/steps" or not allowed:
            self.send_error(404 if allowed else 401)
            return
        since = int(urllib.parse.parse_qs(url.query)["since"][0])
        data = ledger(200)
        data["steps"] = [s for s in data["steps"] if s["step"] >= since][:70]
        held = {s["step"] for s in data["steps"]}
        data["rows"] = [r for r in data["rows"] if r["step"] in held]
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


class FromAServer(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ledger)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_reads_all_pages_with_the_key(self):
        with tempfile.NamedTemporaryFile("w", suffix=".key") as key:
            key.write("s3cret\nnot this\n")
            key.flush()
            done = explain("chat", "--url", self.url, "--api-key-file", key.name, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["outputs"][0]["num_tokens"], 200)

    def test_without_the_key(self):
        done = explain("chat", "--url", self.url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("answered 401", done.stderr)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    unittest.main()
