#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`weir bench serve` and `weir bench mixed` as their users meet them: the real binary against the
scripted server. No time is judged.

usage: bench_serve_test.py WEIR_BINARY
"""

import html.parser
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

WEIR = ""
HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "models" / "weir-tiny"


class ScriptedServer:
    def __init__(self, *args: str):
        self.process = subprocess.Popen([sys.executable, "-B", str(HERE / "sse_server.py"), *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = self.process.stdout.readline().strip()

    def bodies(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/bodies") as answer:
            return json.load(answer)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class BenchTest(unittest.TestCase):
    SERVER = ()

    @classmethod
    def setUpClass(cls):
        cls.server = ScriptedServer(*cls.SERVER)
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def command(self, *args: str, kind="serve"):
        return [WEIR, "bench", kind, "--port", self.server.port, *args]

    def run_weir(self, *args: str, kind="serve", **env: str):
        return subprocess.run(self.command(*args, kind=kind), capture_output=True, text=True,
                              check=False, cwd=self.folder, env={**os.environ, **env}, timeout=120)

    def serve(self, *args: str, **env: str):
        small = ["--num-prompts", "3", "--random-input-len", "8", "--random-output-len", "4",
                 "--disable-tqdm"]
        return self.run_weir(*small, *args, **env)

    def result(self, *args: str):
        done = self.serve("--save-result", "--result-filename", "r.json", *args)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads((self.folder / "r.json").read_text()), done

    def script(self, name: str, *args: str):
        return self.serve("--extra-body", json.dumps({"script": name}), *args)


class Output(BenchTest):
    SERVER = ("--metrics", "yes")

    def test_text_and_json_agree(self):
        result, done = self.result("--save-detailed", "--metadata", "version=1", "tp=2",
                                   "--percentile-metrics", "ttft,tpot,itl,e2el")
        self.assertEqual((result["completed"], result["failed"]), (3, 0))
        self.assertEqual((result["total_input_tokens"], result["total_output_tokens"]), (24, 12))
        self.assertEqual((result["version"], result["tp"]), ("1", "2"))
        self.assertEqual(result["request_rate"], "inf")
        self.assertEqual(result["model_id"], "scripted")
        self.assertEqual(result["output_lens"], [4, 4, 4])
        self.assertTrue(all(len(gaps) == 3 for gaps in result["itls"]))
        for name in ("ttft", "tpot", "itl", "e2el"):
            line = f"Mean {name.upper()} (ms):".ljust(41) + f"{result[f'mean_{name}_ms']:.2f}"
            self.assertIn(line, done.stdout)
        for row in result["weir"]["cross_check"]:
            self.assertEqual(row["difference"], 0, row)
        self.assertIn("Client against the server's /metrics", done.stdout)

    def test_a_name_is_made_when_none_is_given(self):
        done = self.serve("--save-result", "--result-dir", "a/b", "--max-concurrency", "2", "--label", "x")
        self.assertEqual(done.returncode, 0, done.stderr)
        name, = [path.name for path in (self.folder / "a/b").iterdir()]
        self.assertRegex(name, r"^x-infqps-concurrency2-scripted-\d{8}-\d{6}\.json$")

    def test_runs_are_lines_with_variation_and_can_be_compared(self):
        done = self.serve("--num-runs", "2", "--append-result", "--result-filename", "a.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Variation over 2 runs", done.stdout)
        lines = (self.folder / "a.json").read_text().splitlines()
        self.assertEqual([json.loads(line)["weir"]["seed"] for line in lines], [0, 1])
        compared = self.run_weir("--compare", "a.json", "a.json")
        self.assertEqual(compared.returncode, 0, compared.stderr)
        self.assertIn("Mean TTFT (ms)", compared.stdout)
        self.assertIn("1.000", compared.stdout)
        self.assertNotIn("better", compared.stdout)

    def test_same_seed_same_prompts(self):
        for _ in range(2):
            self.assertEqual(self.serve("--seed", "7", "--random-range-ratio", "0.5").returncode, 0)
        prompts = [body["body"]["prompt"] for body in self.server.bodies()[-8:]
                   if body["body"].get("stream")]
        self.assertEqual(sorted(prompts[:3]), sorted(prompts[3:]))

    def test_the_picture_stands_alone(self):
        self.assertEqual(self.serve("--plot", "p.html").returncode, 0)
        page = (self.folder / "p.html").read_text()
        for word in ("http://www", "https://", "<script", "src=", "@import", "url("):
            self.assertNotIn(word, page)
        parser = TagCounter()
        parser.feed(page)
        self.assertEqual(parser.open, [])
        self.assertEqual(parser.counts["svg"], 6)
        self.assertIn("prefers-color-scheme: dark", page)

    def test_headers_and_key(self):
        done = self.serve("--header", "X-Extra=yes", "--request-id-prefix", "mine-", OPENAI_API_KEY="secret")
        self.assertEqual(done.returncode, 0, done.stderr)
        last = self.server.bodies()[-1]
        self.assertEqual((last["extra"], last["authorization"]), ("yes", "Bearer secret"))
        self.assertRegex(last["id"], r"^mine-\d$")
        self.assertNotIn("secret", done.stdout + done.stderr)


class TagCounter(html.parser.HTMLParser):
    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.counts = [], {}

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open[-1] != tag:
            raise AssertionError(f"</{tag}> closes <{self.open[-1]}>")
        self.open.pop()


class Servers(BenchTest):
    def test_ways_of_good_servers(self):
        for script in ("plain", "until_close", "no_done", "crlf", "empty_first", "merged", "comments",
                       "slow_start", "no_usage"):
            done = self.script(script)
            self.assertEqual(done.returncode, 0, (script, done.stdout, done.stderr))
            self.assertRegex(done.stdout, r"Successful requests: +3\b", script)
            self.assertRegex(done.stdout, r"Total generated tokens: +12\b", script)

    def test_split_anywhere(self):
        self.assertRegex(self.script("split").stdout, r"Successful requests: +3\b")

    def test_ways_of_bad_servers(self):
        for script, part in (("error_in_stream", "the stream reports an error: out of pages"),
                             ("bad_json", "no JSON object"),
                             ("cut", "in the middle of its answer"),
                             ("no_answer", "without an answer"),
                             ("refused", "HTTP 400 Bad Request: max_tokens is too large"),
                             ("busy", "HTTP 503 Service Unavailable: the queue is full"),
                             ("no_stream", "no chunk with choices")):
            done = self.script(script)
            self.assertEqual(done.returncode, 1, script)
            self.assertIn("Error 0: ", done.stdout, script)
            self.assertIn(part, done.stdout, script)
            self.assertRegex(done.stdout, r"Failed requests: +3\b")

    def test_unknown_lengths_are_told(self):
        self.assertIn("their chunks were counted", self.script("no_usage").stdout)
        counted = self.script("no_usage", "--tokenizer", str(MODEL))
        self.assertIn("counted again with the tokenizer", counted.stdout)

    def test_chat_needs_a_tokenizer_and_tells_of_role_chunks(self):
        self.assertEqual(self.serve("--backend", "openai-chat").returncode, 2)
        done = self.script("role_first", "--backend", "openai-chat", "--tokenizer", str(MODEL))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("began with a chunk without text", done.stdout)
        body = self.server.bodies()[-1]["body"]
        self.assertEqual(body["messages"][0]["content"][0]["type"], "text")

    def test_a_time_limit(self):
        done = self.script("stall", "--request-timeout-sec", "0.5")
        self.assertIn("no end within the time allowed", done.stdout)

    def test_an_interrupt_prints_and_saves_what_was_measured(self):
        command = self.command("--num-prompts", "400", "--random-input-len", "8", "--random-output-len",
                               "4", "--max-concurrency", "1", "--save-result", "--result-filename",
                               "cut.json", "--disable-tqdm")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=self.folder)
        before = len(self.server.bodies())
        while len(self.server.bodies()) < before + 4 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("Serving Benchmark Result", out)
        self.assertIn("Interrupted: ", out)
        result = json.loads((self.folder / "cut.json").read_text())
        self.assertTrue(result["weir"]["interrupted"])
        self.assertGreater(result["completed"], 0)
        self.assertLess(result["completed"], 400)

    def test_mixed(self):
        small = ["--background", "2", "--background-context", "20", "--background-output-len", "900",
                 "--inject-len", "40", "--inject-count", "1", "--inject-interval", "0.2", "--settle",
                 "0.2", "--disable-tqdm"]
        done = self.run_weir(*small, "--json", kind="mixed")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["inject_cached"], 30)
        for kind in ("steady", "under_fresh_prefill", "under_cached_prefill"):
            self.assertGreater(result["gaps"][kind]["count"], 0, kind)
        self.assertGreater(result["prefill"]["fresh"]["loaded_tok_s"], 0)


class CustomPrompts(BenchTest):
    def prompts(self, *args: str):
        (self.folder / "custom.jsonl").write_text('{"prompt": "hello"}\n')
        done = self.run_weir("--dataset-name", "custom", "--dataset-path", "custom.jsonl",
                             "--num-prompts", "1", "--custom-output-len", "2", "--disable-tqdm", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.server.bodies()[-1]["body"]

    def test_are_rendered_for_completions_unless_told_otherwise(self):
        self.assertEqual(self.prompts("--skip-chat-template")["prompt"], "hello")
        rendered = self.prompts("--tokenizer", str(MODEL))["prompt"]
        self.assertIn("user\nhello", rendered)
        self.assertNotIn("user\nhello", json.dumps(self.prompts("--backend", "openai-chat")))

    def test_need_a_template(self):
        (self.folder / "custom.jsonl").write_text('{"prompt": "hello"}\n')
        done = self.run_weir("--dataset-name", "custom", "--dataset-path", "custom.jsonl")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--skip-chat-template", done.stderr)


class ServersWithoutTokenPrompts(BenchTest):
    SERVER = ("--takes-ids", "no")

    def test_text_is_sent_instead(self):
        done = self.serve("--tokenizer", str(MODEL))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("does not take prompts as token ids (HTTP 400)", done.stdout)
        self.assertIsInstance(self.server.bodies()[-1]["body"]["prompt"], str)


class WrongUse(BenchTest):
    def test_ends_with_two_and_names_what_is_wrong(self):
        for args, part in (
                (["--backend", "tgi"], "--backend: found \"tgi\", wanted openai"),
                (["--base-url", "https://h"], "--base-url: found https://h, wanted http://"),
                (["--base-url", "h:80"], "wanted http://HOST:PORT"),
                (["--header", "x"], "--header: found \"x\""),
                (["--dataset-name", "hf"], "--dataset-name: found \"hf\""),
                (["--dataset-name", "custom", "--skip-chat-template"], "--dataset-path: not given"),
                (["--skip-chat-template"], "--skip-chat-template: found with"),
                (["--max-concurrency", "0"], "--max-concurrency"),
                (["--request-rate", "0"], "--request-rate: found 0"),
                (["--burstiness", "0", "--request-rate", "3"], "--burstiness: found 0"),
                (["--ramp-up-strategy", "linear"], "--ramp-up-strategy: wanted with"),
                (["--ramp-up-strategy", "linear", "--ramp-up-start-rps", "1", "--ramp-up-end-rps", "2",
                  "--request-rate", "3"], "--request-rate: found with"),
                (["--percentile-metrics", "ttft,x"], "--percentile-metrics: found \"x\""),
                (["--metric-percentiles", "99,101"], "--metric-percentiles: found \"101\""),
                (["--goodput", "itl:3"], "--goodput: found \"itl:3\""),
                (["--goodput", "ttft"], "--goodput: found \"ttft\""),
                (["--metadata", "x"], "--metadata: found \"x\""),
                (["--extra-body", "[1]"], "--extra-body: found array"),
                (["--extra-body", "{"], "--extra-body"),
                (["--self-timed"], "--self-timed: found with"),
                (["--endpoint", "v1"], "--endpoint: found \"v1\""),
                (["--random-range-ratio", "1"], "--random-range-ratio: found 1"),
                (["--num-runs", "0"], "--num-runs"),
                (["--compare", "only_one.json"], "--compare"),
                (["--prompt-format", "text"], "--tokenizer: not given"),
        ):
            done = self.serve(*args)
            self.assertEqual(done.returncode, 2, (args, done.stdout, done.stderr))
            self.assertIn(part, done.stderr, args)

    def test_a_server_that_is_not_there(self):
        done = subprocess.run([WEIR, "bench", "serve", "--port", "1"], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:1: cannot connect: Connection refused", done.stderr)

    def test_a_path_that_is_not_there(self):
        done = self.serve("--endpoint", "/v2/completions")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/v2/completions: HTTP 404", done.stderr)

    def test_files_that_are_no_results(self):
        (self.folder / "x.json").write_text("{\"a\": 1}")
        done = self.run_weir("--compare", "x.json", "x.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("x.json: found no request_throughput", done.stderr)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    unittest.main()
