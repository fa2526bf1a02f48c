#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`weir tune`, and who uses what it writes: the real binary. No time is judged.

usage: tune_test.py WEIR_BINARY
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

WEIR = ""
CONSTANTS = ["worker_gb_s", "total_gb_s", "worker_gflop_s", "paged_gflop_s", "item_us", "launch_us",
             "merge_us"]
GENERATE = ["generate", "--model", "synth:tiny", "--max-model-len", "128", "--prompt", "x",
            "--max-tokens", "2", "--threads", "2"]


class Tune(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = pathlib.Path(folder.name)
        self.file = self.cache / "weir" / "device.json"

    def run_weir(self, *args: str, **env: str) -> subprocess.CompletedProcess:
        where = {"XDG_CACHE_HOME": str(self.cache), **env}
        return subprocess.run([WEIR, *args], capture_output=True, text=True, check=False,
                              env={**os.environ, **where})

    def write(self, **changes):
        source = pathlib.Path(__file__).resolve().parents[2] / "src/attention/profiles/cpu.json"
        profile = {**json.loads(source.read_text()), "name": "mine", "num_workers": 2, "sm_count": 2}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({**profile, **changes}))

    def test_what_it_writes_is_used(self):
        done = self.run_weir("tune", "--threads", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        for constant in CONSTANTS:
            self.assertIn(constant, done.stdout)
        self.assertIn("old: built in", done.stdout)
        self.assertIn(f"written to {self.file}", done.stdout)
        self.assertIn("weir tune: ", done.stderr)
        profile = json.loads(self.file.read_text())
        self.assertEqual((profile["num_workers"], profile["sm_count"]), (2, 2))
        for constant in CONSTANTS:
            self.assertGreater(profile[constant], 0)
            self.assertIn("measured by weir tune: median of", profile["sources"][constant])
        plan = self.run_weir("plan", "--rows", "1x100", "--threads", "2")
        self.assertTrue(plan.stdout.startswith("device  cpu, tuned: 2 workers"), plan.stdout)
        generate = self.run_weir(*GENERATE)
        self.assertEqual(generate.returncode, 0, generate.stderr)
        self.assertIn(f"tuned device profile file={self.file}", generate.stderr)
        again = self.run_weir("tune", "--threads", "2", "--json")
        self.assertEqual(again.returncode, 0, again.stderr)
        report = json.loads(again.stdout)
        self.assertEqual(set(report), {"file", "previous", "threads", "disturbed", "constants",
                                       "profile"})
        self.assertEqual(report["previous"], str(self.file))
        self.assertEqual([c["constant"] for c in report["constants"]], CONSTANTS)
        for constant in report["constants"]:
            self.assertEqual(set(constant), {"constant", "old", "new", "median", "mad", "samples"})
            self.assertEqual(constant["old"], profile[constant["constant"]])
        self.assertEqual(report["profile"], json.loads(self.file.read_text()))

    def test_without_a_file_the_built_in_profile_is_used_silently(self):
        generate = self.run_weir(*GENERATE)
        self.assertEqual(generate.returncode, 0, generate.stderr)
        self.assertNotIn("tuned", generate.stderr)
        plan = self.run_weir("plan", "--rows", "1x100", "--threads", "2")
        self.assertTrue(plan.stdout.startswith("device  cpu: 2 workers"), plan.stdout)
        self.assertEqual(plan.stderr, "")

    def test_a_broken_file_stops_nobody(self):
        self.file.parent.mkdir()
        self.file.write_text("{\"name\": 3")
        generate = self.run_weir(*GENERATE)
        self.assertEqual(generate.returncode, 0, generate.stderr)
        self.assertIn("tuned device profile not used", generate.stderr)
        self.assertIn("device.json", generate.stderr)
        plan = self.run_weir("plan", "--rows", "1x100", "--threads", "2")
        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertTrue(plan.stdout.startswith("device  cpu: 2 workers"), plan.stdout)

    def test_a_file_for_other_threads_is_left_alone(self):
        self.write(num_workers=3, sm_count=3)
        generate = self.run_weir(*GENERATE)
        self.assertEqual(generate.returncode, 0, generate.stderr)
        self.assertIn("tuned device profile not used", generate.stderr)
        fits = self.run_weir("plan", "--rows", "1x100", "--threads", "3")
        self.assertTrue(fits.stdout.startswith("device  mine: 3 workers"), fits.stdout)

    def test_a_file_that_is_asked_for_goes_first(self):
        self.write()
        asked = self.cache / "asked.json"
        asked.write_text(self.file.read_text())
        generate = self.run_weir(*GENERATE, "--device-profile", str(asked))
        self.assertEqual(generate.returncode, 0, generate.stderr)
        self.assertNotIn("tuned device profile", generate.stderr)
        asked.write_text("{")
        self.assertEqual(self.run_weir(*GENERATE, "--device-profile", str(asked)).returncode, 1)

    def test_wrong_use(self):
        self.assertEqual(self.run_weir("tune", "--threads", "0").returncode, 2)
        self.assertEqual(self.run_weir("tune", "--fast").returncode, 2)
        nowhere = self.run_weir("tune", XDG_CACHE_HOME="", HOME="")
        self.assertEqual(nowhere.returncode, 2)
        self.assertIn("wanted --out FILE", nowhere.stderr)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    unittest.main()
