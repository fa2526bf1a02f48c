#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`weir plan` as its users meet it: the real binary, its JSON and SVG read by others' parsers.

usage: plan_test.py WEIR_BINARY
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

WEIR = ""
SVG = "{http://www.w3.org/2000/svg}"
POLICY_KEYS = {"policy", "predicted_us", "floor_us", "num_items", "num_slots", "rows", "items"}
ITEM_KEYS = {"row", "kv_head", "kv_begin", "kv_end", "q_begin", "q_end", "route", "worker_order",
             "slot", "shared_rows"}
ROUTES = {"none", "decode", "fresh", "prefix", "varlen"}
MIXED = ["--rows", "8x2500,2x1500+0,1x512+2k"]
SKEWED = ["--rows", "1x128k, 31x1k", "--sm", "132", "--workers", "264"]
PUBLISHED = ["--rows", "8x2500", "--q-heads", "32", "--kv-heads", "8", "--head-dim", "128",
             "--device", "s5000"]


def run(*args: str) -> subprocess.CompletedProcess:
    return subprocess.run([WEIR, "plan", *args], capture_output=True, text=True, check=False)


def plan(*args: str):
    done = run(*args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Text(unittest.TestCase):
    def test_compares_the_policies(self):
        done = run(*PUBLISHED)
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("s5000: 60 multiprocessors", "before", "pr85", "weir", "8 decodes at 2500", "floor"):
            self.assertIn(part, done.stdout)
        self.assertEqual(done.stderr, "")

    def test_items_are_shown_on_demand(self):
        self.assertNotIn("begin us", run(*MIXED).stdout)
        few = run(*MIXED, "--device", "h200", "--policy", "weir", "--items", "2").stdout
        self.assertIn("more, see --items=all", few)
        every = run(*MIXED, "--device", "h200", "--policy", "weir", "--items=all").stdout
        self.assertNotIn("--items=all", every)
        self.assertGreater(every.count("\n"), few.count("\n"))
        self.assertIn("begin us", run(*MIXED, "--items", "--policy", "weir").stdout)

    def test_defaults_to_this_machine(self):
        self.assertTrue(run("--rows", "1x100").stdout.startswith("device  cpu: "))
        self.assertIn("cpu: 3 workers", run("--rows", "1x100", "--threads", "3").stdout)


class JsonOutput(unittest.TestCase):
    def check(self, policy):
        self.assertEqual(set(policy), POLICY_KEYS)
        self.assertEqual(len(policy["items"]), policy["num_items"])
        self.assertGreaterEqual(policy["predicted_us"], policy["floor_us"])
        for row in policy["rows"]:
            self.assertEqual(set(row), {"route", "reason", "splits"})
            self.assertIn(row["route"], ROUTES)
        slots = set()
        for order, item in enumerate(policy["items"]):
            self.assertEqual(set(item), ITEM_KEYS)
            self.assertEqual(item["worker_order"], order)
            self.assertLess(item["kv_begin"], item["kv_end"])
            self.assertIn(item["route"], ROUTES)
            self.assertLess(item["slot"], policy["num_slots"])
            self.assertTrue(item["slot"] == -1 or item["slot"] not in slots)
            slots.add(item["slot"])

    def test_all_policies_are_an_array(self):
        for step in (MIXED, SKEWED, PUBLISHED, MIXED + ["--batch-invariant"],
                     ["--rows", "16x9k", "--shared-prefix", "8192", "--device", "h200"],
                     MIXED + ["--window", "512", "--softcap", "30", "--sinks", "--kv-dtype", "int8"]):
            plans = plan(*step)
            self.assertEqual([policy["policy"] for policy in plans], ["before", "pr85", "weir"])
            for policy in plans:
                self.check(policy)

    def test_one_policy_is_an_object(self):
        for name in ("before", "pr85", "weir"):
            policy = plan(*MIXED, "--policy", name)
            self.check(policy)
            self.assertEqual(policy["policy"], name)
            self.assertEqual(len(policy["rows"]), 11)

    def test_a_changed_rule_stands_beside_the_three(self):
        plans = plan(*PUBLISHED, "--kv-splits", "fixed:4")
        self.assertEqual([p["policy"] for p in plans], ["before", "pr85", "weir", "weir, fixed:4"])
        self.assertEqual({row["splits"] for row in plans[3]["rows"]}, {4})
        one = plan(*PUBLISHED, "--policy", "pr85", "--kv-splits", "fixed:7", "--attn-routing", "row")
        self.assertEqual(one["policy"], "pr85, row, fixed:7")
        self.assertEqual({row["splits"] for row in one["rows"]}, {7})

    def test_the_published_rule(self):
        # clamp(ceil(60 / (8 rows x 8 KV heads)), 1, 32) = 1, and ceil(60 / (1 x 8)) = 8.
        self.assertEqual(plan(*PUBLISHED, "--policy", "pr85")["rows"][0]["splits"], 1)
        one = plan("--rows", "1x2500", "--device", "s5000", "--policy", "pr85")
        self.assertEqual(one["rows"][0]["splits"], 8)

    def test_skewed_lengths_gain_fivefold(self):
        _, pr85, weir = plan(*SKEWED)
        self.assertGreaterEqual(pr85["predicted_us"], 5 * weir["predicted_us"])

    def test_is_the_same_each_time(self):
        self.assertEqual(run(*MIXED, "--json").stdout, run(*MIXED, "--json").stdout)


class Svg(unittest.TestCase):
    def draw(self, *args: str) -> ElementTree.Element:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "plan.svg"
            done = run(*args, "--svg", str(path))
            self.assertEqual(done.returncode, 0, done.stderr)
            data = path.read_bytes()
        self.assertLess(len(data), 2 << 20)
        return ElementTree.fromstring(data)

    def texts(self, svg: ElementTree.Element) -> list[str]:
        return [text.text or "" for text in svg.iter(SVG + "text")]

    def test_is_xml_with_a_panel_per_policy(self):
        for step in (MIXED, SKEWED, PUBLISHED):
            svg = self.draw(*step)
            self.assertEqual(svg.tag, SVG + "svg")
            texts = self.texts(svg)
            for name in ("before", "pr85", "weir", "us"):
                self.assertIn(name, texts)
            self.assertTrue(any(text.startswith("row") for text in texts))
            self.assertGreater(len(list(svg.iter(SVG + "path"))), 3)

    def test_many_items_stay_small(self):
        self.draw("--rows", "512x2000,512x9000,64x700+3000", "--device", "h200")

    def test_goes_with_json(self):
        svg = self.draw(*PUBLISHED, "--policy", "weir", "--json")
        self.assertNotIn("pr85", self.texts(svg))

    def test_a_name_from_a_file_is_escaped(self):
        source = pathlib.Path(__file__).resolve().parents[2] / "src/attention/profiles/h200.json"
        profile = json.loads(source.read_text())
        profile["name"] = "</text><a href=\"x\"> & co"
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "device.json"
            path.write_text(json.dumps(profile))
            svg = self.draw("--rows", "1x100", "--device", str(path))
        self.assertTrue(any(profile["name"] in text for text in self.texts(svg)))

    def test_a_file_that_cannot_be_written(self):
        done = run(*PUBLISHED, "--svg", "/no/such/folder/x.svg")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--svg: /no/such/folder/x.svg: ", done.stderr)


class WrongUse(unittest.TestCase):
    def test_ends_with_two_and_names_what_is_wrong(self):
        one = ["--rows", "1x100"]
        for args, part in (
                ([], "--rows"),
                (["--rows", "1y100"], "--rows: character 2: found \"y\", wanted x"),
                (["--rows", "1024kx1"], "pieces, wanted at most"),
                (one + ["--device", "h300"], "--device: found \"h300\""),
                (one + ["--q-heads", "30"], "--q-heads: found 30"),
                (one + ["--head-dim", "3"], "--head-dim: found 3"),
                (one + ["--kv-dtype", "fp8"], "fp8"),
                (one + ["--policy", "best"], "found \"best\", wanted before, pr85 or weir"),
                (one + ["--attn-routing", "all"], "found \"all\", wanted batch-paged"),
                (one + ["--kv-splits", "fixed:0"], "found \"fixed:0\""),
                (one + ["--device", "cpu", "--sm", "2"], "wanted --threads"),
                (one + ["--device", "h200", "--threads", "2"], "wanted --device cpu"),
                (one + ["--shared-prefix", "100"], "--shared-prefix: found 100"),
                (one + ["--items", "few"], "--items: found few"),
                (one + ["--window", "-1"], "--window"),
                (one + ["--softcap", "nan"], "--softcap"),
                (one + ["--sm", "0"], "--sm"),
        ):
            done = run(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(part, done.stderr, args)
            self.assertEqual(done.stdout, "", args)

    def test_a_file_that_is_no_profile(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "device.json"
            path.write_text("{\"name\": \"x\"}")
            done = run("--rows", "1x100", "--device", str(path))
        self.assertEqual(done.returncode, 2)
        self.assertIn("device.json: sm_count is missing", done.stderr)
        self.assertEqual(run("--rows", "1x1", "--device", "/no/such/file.json").returncode, 1)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    unittest.main()
