#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`weir bench attention` as its users meet it: the real binary on tiny steps. No time is judged.

usage: bench_test.py WEIR_BINARY
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

WEIR = ""
SVG = "{http://www.w3.org/2000/svg}"
SMALL = ["--shapes", "8/4/64", "--rounds", "2"]
STEPS = ["--rows", "3x40", "--rows", "1x32+0", "--rows", "2x50,1x16+64"]
REPORT_KEYS = {"table", "threads", "profile", "batch_invariant", "rounds", "interval",
               "even_tolerance", "cases"}
CASE_KEYS = {"name", "kind", "shape", "q_heads", "kv_heads", "head_dim", "kv_dtype", "seqs",
             "calls_per_sample", "steady", "ceilings", "bound", "policies"}
POLICY_KEYS = {"policy", "num_items", "num_slots", "plan_is_weirs", "median_ms", "mad_ms", "p10_ms",
               "p90_ms", "rate", "rate_unit", "fraction", "ratio", "ratio_low", "ratio_high",
               "verdict", "samples_ms"}
BOUND_KEYS = {"decode_bytes", "prefill_flops", "one_read_gb_s", "one_gflop_s", "samples_ms",
              "median_ms"}


def run(*args: str) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as cache:  # nobody's tuned profile
        return subprocess.run([WEIR, "bench", "attention", *args], capture_output=True, text=True,
                              check=False, env={**os.environ, "XDG_CACHE_HOME": cache})


class JsonOutput(unittest.TestCase):
    def check_policy(self, policy: dict, kind: str):
        self.assertEqual(set(policy), POLICY_KEYS)
        self.assertEqual(len(policy["samples_ms"]), 2)
        self.assertGreater(policy["num_items"], 0)
        self.assertLessEqual(policy["p10_ms"], policy["p90_ms"])
        self.assertEqual(policy["rate_unit"],
                         {"decode": "GB/s", "prefill": "GF/s", "mixed": None}[kind])
        if policy["policy"] == "weir":
            self.assertIsNone(policy["ratio"])
            self.assertTrue(policy["plan_is_weirs"])
        else:
            self.assertIn(policy["verdict"], ("faster", "even", "slower"))
            self.assertLessEqual(policy["ratio_low"], policy["ratio_high"])

    def check_case(self, case: dict):
        self.assertEqual(set(case), CASE_KEYS)
        self.assertEqual(len(case["ceilings"]), 3)
        self.assertEqual(case["bound"] is not None, case["kind"] == "mixed")
        if case["bound"]:
            self.assertEqual(set(case["bound"]), BOUND_KEYS)
            self.assertGreaterEqual(case["bound"]["median_ms"], 0.1)
            # 2 x 50 keys of 4 heads x 128 elements x 2 bytes.
            self.assertEqual(case["bound"]["decode_bytes"], 2 * 50 * 4 * 128 * 2)
        for policy in case["policies"]:
            self.check_policy(policy, case["kind"])

    def test_holds_every_case_policy_and_sample(self):
        done = run(*SMALL, *STEPS, "--threads", "2", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(set(report), REPORT_KEYS)
        self.assertEqual((report["threads"], report["rounds"]), (2, 2))
        self.assertEqual(report["profile"], "built in")
        self.assertEqual([case["name"] for case in report["cases"]], ["3x40", "1x32+0", "2x50,1x16+64"])
        self.assertEqual([case["kind"] for case in report["cases"]], ["decode", "prefill", "mixed"])
        for case in report["cases"]:
            self.check_case(case)
            self.assertEqual([p["policy"] for p in case["policies"]], ["before", "pr85", "weir"])
        self.assertEqual(done.stderr.count("weir bench attention: 8/4/64 "), 3, "progress")

    def test_one_policy_has_no_ratio(self):
        done = run(*SMALL, "--rows", "2x40", "--policy", "pr85", "--kv-dtype", "int8",
                   "--batch-invariant", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertTrue(report["batch_invariant"])
        case, = report["cases"]
        self.assertEqual(case["kv_dtype"], "int8")
        policy, = case["policies"]
        self.assertEqual(policy["policy"], "pr85")
        self.assertIsNone(policy["ratio"])


class TextAndPicture(unittest.TestCase):
    def test_are_of_one_run(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "ratios.svg"
            done = run(*SMALL, *STEPS, "--svg", str(path))
            self.assertEqual(done.returncode, 0, done.stderr)
            svg = ElementTree.fromstring(path.read_bytes())
        for part in ("before", "pr85", "weir", "GB/s", "GF/s", "bound", "8/4/64: 8 query heads"):
            self.assertIn(part, done.stdout)
        texts = [text.text or "" for text in svg.iter(SVG + "text")]
        for name in ("3x40", "1x32+0", "2x50,1x16+64", "before", "pr85"):
            self.assertIn(name, texts)
        # A dot per case and older policy, and three in the legend.
        self.assertEqual(len(list(svg.iter(SVG + "circle"))), 3 * 2 + 3)

    def test_a_picture_that_cannot_be_written(self):
        done = run(*SMALL, "--rows", "1x40", "--svg", "/no/such/folder/x.svg")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--svg: /no/such/folder/x.svg: ", done.stderr)


class WrongUse(unittest.TestCase):
    def test_ends_with_two_and_names_what_is_wrong(self):
        for args, part in (
                (["--shapes", "7b"], "--shapes: found 7b"),
                (["--shapes", "30/8/128"], "--shapes: found 30/8/128"),
                (["--rows", "1y100"], "--rows: character 2: found \"y\", wanted x"),
                (["--rows", "5000x1"], "found 5000 sequences"),
                (["--policy", "best"], "best"),
                (["--kv-dtype", "fp8"], "fp8"),
                (["--rounds", "1"], "--rounds"),
                (["--threads", "0"], "--threads"),
                (["--policy", "weir", "--svg", "x.svg"], "wanted --policy all"),
                (["--no-such-option"], "--no-such-option"),
        ):
            done = run(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(part, done.stderr, args)
            self.assertEqual(done.stdout, "", args)

    def test_bench_alone_asks_for_what(self):
        done = subprocess.run([WEIR, "bench"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)

    def test_a_profile_for_other_threads(self):
        source = pathlib.Path(__file__).resolve().parents[2] / "src/attention/profiles/cpu.json"
        done = run(*SMALL, "--threads", "2", "--device-profile", str(source))
        self.assertEqual(done.returncode, 2)
        self.assertIn("found num_workers 1, wanted the 2 threads", done.stderr)

    def test_a_step_that_no_memory_holds(self):
        done = run("--shapes", "1024/1024/4096", "--rows", "16x16384k")
        self.assertEqual(done.returncode, 1)
        self.assertIn("wanted at most the", done.stderr)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    unittest.main()
