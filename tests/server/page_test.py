#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The built-in page in a headless Chromium, against the real server and the bundled model.

usage: page_test.py WEIR [--pictures DIR]

Skips, visibly, where no Chromium is installed. With --pictures it leaves a picture of each layout.
"""

import json
import pathlib
import sys
import tempfile
import unittest

from browser import Browser, find_browser
from serve_process import ServeProcess

WEIR = ""
PICTURES = None
EXIT_SKIPPED = 77

TILES = {"running": r"^\d+$", "waiting": r"^\d+$", "kv": r"^\d+\.\d %$", "step-ms": r"^\d.* ms$",
         "worst-ms": r"^\d.* ms$", "rate": r"^\d.*/s$"}
ANSWERED = "[...document.querySelectorAll('.figures')].filter((f) => f.textContent).length"
LAST_TEXT = "[...document.querySelectorAll('.message.assistant .text')].at(-1).textContent"
# Pixels of a canvas that are not see-through, of many colours if something is drawn.
COLORS = """(() => {
  const canvas = document.getElementById('%s');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const colors = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 255) colors.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
  }
  return colors.size;
})()"""


def ask(browser, question):
    browser.evaluate("document.getElementById('question').focus()")
    browser.type(question)
    browser.press("Enter")


class Page(unittest.TestCase):
    def open(self, server, **layout):
        browser = Browser(find_browser(), **layout)
        self.addCleanup(browser.close)
        browser.open(server.url + "/")
        return browser

    def picture(self, browser, name):
        if PICTURES:
            browser.screenshot(PICTURES / f"{name}.png")

    def test_a_question_is_answered_and_its_steps_are_drawn(self):
        layouts = {"light": {}, "dark": {"dark": True}, "narrow": {"width": 400, "height": 1400}}
        with ServeProcess(WEIR, "--kv-cache-memory", "32MiB") as server:
            for name, layout in layouts.items():
                with self.subTest(name):
                    browser = self.open(server, **layout)
                    browser.wait_for("document.getElementById('model').textContent"
                                     ".startsWith('weir-tiny')")
                    ask(browser, "27 + 45 =")
                    browser.wait_for(f"{ANSWERED} === 1")
                    self.assertIn("72", browser.evaluate(LAST_TEXT))
                    ask(browser, "<b>what</b> is Weir?")
                    browser.wait_for(f"{ANSWERED} === 2")
                    # Text is text: nothing that somebody writes becomes part of the page.
                    self.assertEqual(browser.evaluate("document.querySelectorAll('b').length"), 0)
                    browser.wait_for("document.getElementById('note').textContent.includes('steps.')")
                    for chart in ("times", "rows", "memory"):
                        self.assertTrue(browser.wait_for(f"{COLORS % chart} > 2"), chart)
                    for tile, shown in TILES.items():
                        text = f"document.getElementById('{tile}').textContent"
                        self.assertRegex(browser.evaluate(text), shown, tile)
                    self.assertLessEqual(
                        browser.evaluate("document.documentElement.scrollWidth"),
                        layout.get("width", 1280))
                    self.picture(browser, name)
                    self.assertEqual(browser.errors, [])
                    browser.evaluate("document.getElementById('clear').click()")
                    self.assertEqual(browser.evaluate(
                        "document.querySelectorAll('.message').length"), 0)

    def test_it_asks_for_the_key(self):
        with tempfile.NamedTemporaryFile("w") as keys:
            keys.write("open-sesame\n")
            keys.flush()
            with ServeProcess(WEIR, "--kv-cache-memory", "32MiB", "--admin-key-file",
                              keys.name) as server:
                browser = self.open(server)
                browser.wait_for("document.getElementById('key-dialog').open")
                browser.evaluate("document.getElementById('key').focus()")
                browser.type("open-sesame")
                browser.press("Enter")
                browser.wait_for("document.getElementById('model').textContent"
                                 ".startsWith('weir-tiny')")
                ask(browser, "27 + 45 =")
                browser.wait_for(f"{ANSWERED} === 1")
                self.assertIn("72", browser.evaluate(LAST_TEXT))

    def test_an_error_of_the_server_is_shown(self):
        with ServeProcess(WEIR, "--kv-cache-memory", "32MiB", "--max-model-len", "64") as server:
            browser = self.open(server)
            ask(browser, "one two three " * 200)
            message = browser.wait_for("document.querySelector('.failed')?.textContent")
            self.assertIn("64", message, json.dumps(message))


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    if "--pictures" in sys.argv:
        at = sys.argv.index("--pictures")
        PICTURES = pathlib.Path(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    if find_browser() is None:
        print("skipped: no Chromium is installed")
        sys.exit(EXIT_SKIPPED)
    unittest.main()
