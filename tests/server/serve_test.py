#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`weir serve` as its users meet it: the real binary, the bundled model, clients on sockets.

usage: serve_test.py WEIR_BINARY [unittest arguments]
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from serve_process import PATIENCE_S, ServeProcess, ask_on  # noqa: E402

WEIR = ""
LONG = {"max_tokens": 100_000, "ignore_eos": True}  # as far as the context goes


def serve(*args, **kwargs):
    return ServeProcess(WEIR, *args, **kwargs)


def fit(server, max_tokens):
    """max_tokens that the model's context has room for."""
    return min(max_tokens, server.ask("GET", "/v1/models")[1]["data"][0]["max_model_len"] - 64)


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = serve("--head-timeout", "1", "--max-unread-stream", "64KiB",
                           "--disable-access-log-for-endpoints", "/health,/metrics",
                           "--access-log", "json")
        cls.long = {"max_tokens": fit(cls.server, 4000), "ignore_eos": True}

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def tearDown(self):
        self.assertIsNone(self.server.process.poll(), "the server is gone")
        self.assertTrue(self.server.wait_until_empty(), "something is left running")

    def test_answers(self):
        status, answer, headers = self.server.ask(
            "POST", "/v1/completions", {"prompt": "27 + 45 =", "max_tokens": 4},
            {"X-Request-Id": "my-request"})
        self.assertEqual(status, 200)
        self.assertEqual(len(answer["choices"]), 1)
        self.assertEqual(headers["X-Request-Id"], "my-request")
        events = self.server.stream().rest()
        self.assertEqual(events[-1], "[DONE]")

    def test_errors_have_the_envelope(self):
        for method, path, body, expected in (
                ("GET", "/nowhere", None, 404), ("GET", "/v1/completions", None, 405),
                ("POST", "/v1/completions", "not json", 400),
                ("GET", "/" + "a" * 9000, None, 414), ("GET", "/%00", None, 400)):
            status, answer, headers = self.server.ask(method, path, body,
                                                      {"Content-Type": "application/json"})
            self.assertEqual(status, expected, path[:40])
            self.assertEqual(set(answer["error"]), {"message", "type", "param", "code"})
            self.assertTrue(headers["X-Request-Id"])

    def test_pool_of_512_kept_connections(self):
        pool = [self.server.connect() for _ in range(512)]
        for round_number in range(2):
            for connection in pool:
                connection.request("GET", "/v1/models")
            for connection in pool:
                response = connection.getresponse()
                self.assertEqual(response.status, 200)
                response.read()
        for connection in pool:
            connection.close()

    def test_disconnect_ends_the_generation(self):
        streams = [self.server.stream(**self.long) for _ in range(8)]
        for stream in streams:
            self.assertIsNotNone(stream.next())
            stream.close()
        connection = self.server.connect()  # the same without a stream: nothing is being written
        connection.request("POST", "/v1/completions",
                           json.dumps({"prompt": "a", "n": 8} | self.long),
                           {"Content-Type": "application/json"})
        connection.close()
        self.assertTrue(self.server.wait_until_empty())

    def test_slow_reader_hurts_nobody(self):
        slow = self.server.raw(receive_buffer=4096)
        body = json.dumps({"prompt": "a", "stream": True, "n": 8, "logprobs": 5} | self.long)
        slow.sendall((f"POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json"
                      f"\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
        neighbour = self.server.stream(max_tokens=200, ignore_eos=True)
        self.assertEqual(neighbour.rest()[-1], "[DONE]")
        self.assertTrue(self.server.wait_until_empty(), "the slow reader holds its generation")
        slow.close()

    def test_slow_heads_are_timed_out(self):
        drips = [self.server.raw() for _ in range(64)]
        for drip in drips:
            drip.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: h\r\nX-Drip: ")
        self.assertEqual(self.server.ask("GET", "/health")[0], 200)
        for drip in drips:
            self.assertIn(b"408", drip.recv(4096).split(b"\r\n")[0])
            drip.close()

    def test_requests_sent_ahead_are_answered_in_order(self):
        sock = self.server.raw()
        body = json.dumps({"prompt": "a", "max_tokens": 2})
        post = (f"POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}")
        get = "GET /version HTTP/1.1\r\nHost: h\r\n"
        sock.sendall((get + "\r\n" + post + get + "Connection: close\r\n\r\n").encode())
        text = b""
        while piece := sock.recv(65536):
            text += piece
        sock.close()
        places = [text.find(b"\"version\""), text.find(b"\"choices\""), text.rfind(b"\"version\"")]
        self.assertEqual(sorted(places), places)
        self.assertEqual(text.count(b"HTTP/1.1 200 OK"), 3)
        self.assertNotIn(-1, places)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl(self):
        answer = subprocess.run(
            ["curl", "-sS", "--fail", "-N", self.server.url + "/v1/chat/completions", "--json",
             '{"messages": [{"role": "user", "content": "hello"}], "max_tokens": 8, "stream": true}'],
            capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertTrue(answer.stdout.rstrip().endswith("data: [DONE]"), answer.stdout[-200:])

    def test_access_log(self):
        self.server.ask("GET", "/version?secret=1", headers={"X-Request-Id": "log-me"})
        end = time.monotonic() + PATIENCE_S
        while '"id":"log-me"' not in self.server.log_text():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        lines = [line for line in self.server.log_text().splitlines() if line.startswith("{")]
        record = next(json.loads(line) for line in lines if "log-me" in line)
        self.assertEqual((record["method"], record["path"], record["status"]),
                         ("GET", "/version", 200))
        self.assertFalse([line for line in lines if '"path":"/health"' in line])
        self.assertNotIn("secret", self.server.log_text())


class Lifecycle(unittest.TestCase):
    def test_drains_on_sigterm(self):
        with serve("--shutdown-timeout", "60") as server:
            idle = server.connect()
            self.assertEqual(ask_on(idle, "GET", "/health")[0], 200)
            stream = server.stream(max_tokens=fit(server, 1500), ignore_eos=True)
            self.assertIsNotNone(stream.next())
            server.signal()
            end = time.monotonic() + PATIENCE_S
            status = 200
            while status == 200 and time.monotonic() < end:
                status = server.ask("GET", "/health")[0]
            self.assertEqual(status, 503)
            refused, answer, headers = server.ask("POST", "/v1/completions", {"prompt": "a"})
            self.assertEqual(refused, 503)
            self.assertIn("Retry-After", headers)
            self.assertEqual(stream.rest()[-1], "[DONE]")
            self.assertEqual(server.wait_end(), 0)

    def test_ends_at_the_shutdown_timeout(self):
        with serve("--shutdown-timeout", "0.2") as server:
            streams = [server.stream(n=8, max_tokens=fit(server, 4000), ignore_eos=True)
                       for _ in range(4)]
            server.signal(signal.SIGINT)
            self.assertEqual(server.wait_end(), 0)
            for stream in streams:
                stream.close()

    def test_second_signal_ends_at_once(self):
        with serve("--shutdown-timeout", "600") as server:
            streams = [server.stream(n=16, max_tokens=fit(server, 4000), ignore_eos=True)
                       for _ in range(4)]
            server.signal()
            while "draining" not in server.log_text():
                time.sleep(0.01)
            server.signal()
            self.assertEqual(server.wait_end(), -signal.SIGTERM)
            for stream in streams:
                stream.close()

    def test_failures_end_with_a_message(self):
        bad_model = subprocess.run([WEIR, "serve", "--port", "0", "--model", "/nonexistent"],
                                   capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(bad_model.returncode, 1)
        self.assertIn("/nonexistent", bad_model.stderr)
        with serve() as server:
            taken = subprocess.run([WEIR, "serve", "--port", server.host.rsplit(":", 1)[1]],
                                   capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(taken.returncode, 1)
        self.assertIn("cannot listen", taken.stderr)
        for wrong in (["--port", "70000"], ["--access-log", "xml"], ["--no-such-flag"]):
            self.assertEqual(subprocess.run([WEIR, "serve", *wrong], capture_output=True,
                                            timeout=PATIENCE_S).returncode, 2, wrong)

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "weir.sock")
            with serve("--uds", path) as server:
                self.assertEqual(server.ask("GET", "/v1/models")[0], 200)
                self.assertEqual(server.stream().rest()[-1], "[DONE]")
                server.signal()
                self.assertEqual(server.wait_end(), 0)
            self.assertFalse(os.path.exists(path))

    def test_keys(self):
        with tempfile.NamedTemporaryFile("w") as keys:
            keys.write("# team\nfile-key\n")
            keys.flush()
            with serve("--api-key", "flag-key", "--api-key-file", keys.name,
                       "--admin-key", "root-key") as server:
                def status(path, key=None):
                    headers = {"Authorization": f"Bearer {key}"} if key else {}
                    return server.ask("GET", path, headers=headers)[0]
                self.assertEqual(status("/health"), 200)
                self.assertEqual(status("/"), 200, "the page asks for the key itself")
                for path in ("/v1/models", "/metrics", "/health?deep=1", "/nowhere"):
                    self.assertEqual(status(path), 401, path)
                    self.assertEqual(status(path, "wrong"), 401, path)
                for key in ("flag-key", "file-key", "root-key"):
                    self.assertEqual(status("/v1/models", key), 200, key)
                self.assertEqual(status("/weir/steps", "flag-key"), 403)
                self.assertEqual(status("/weir/steps", "root-key"), 200)
                log = server.log_text()
                for key in ("flag-key", "file-key", "root-key"):
                    self.assertNotIn(key, log)

    def test_model_as_argument(self):
        with serve("synth:tiny", "--served-model-name", "mine", "--max-model-len", "256") as server:
            models = server.ask("GET", "/v1/models")[1]["data"]
            self.assertEqual(models[0]["id"], "mine")
            self.assertEqual(models[0]["max_model_len"], 256)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    unittest.main()
