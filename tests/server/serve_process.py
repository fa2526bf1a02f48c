# SPDX-License-Identifier: Apache-2.0
"""A running `weir serve` and bare clients of it, for tests and scripts. Standard library only."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

PATIENCE_S = 120  # reached only when something is wrong


class ServeProcess:
    """The server on a free port. Use as a context manager; leaving it ends the process."""

    def __init__(self, weir, *args, wait=True, port=0):
        self.log = tempfile.TemporaryFile("w+")
        address = [] if "--uds" in args else ["--port", str(port)]
        self.process = subprocess.Popen([weir, "serve", *address, *args], text=True,
                                        stdout=subprocess.PIPE, stderr=self.log)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline() if ready else ""
        found = re.match(r"listening on (\S+)", line)
        if not found:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"not listening, said {line!r}: {self.log_text()}")
        self.url = found[1]
        self.host = urllib.parse.urlsplit(self.url).netloc
        if wait:
            self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            if self.ask("GET", "/health")[0] == 200:
                return
            time.sleep(0.02)
        raise RuntimeError("never ready: " + self.log_text())

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def signal(self, number=signal.SIGTERM):
        os.kill(self.process.pid, number)

    def wait_end(self):
        return self.process.wait(timeout=PATIENCE_S)

    def connect(self, timeout=PATIENCE_S):
        """An http.client connection over TCP or the unix socket."""
        if not self.url.startswith("unix:"):
            return http.client.HTTPConnection(self.host, timeout=timeout)
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(self.url[len("unix:"):])
        return connection

    def raw(self, receive_buffer=0):
        """A bare TCP socket."""
        sock = socket.socket()
        sock.settimeout(PATIENCE_S)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        host, port = self.host.rsplit(":", 1)
        sock.connect((host, int(port)))
        return sock

    def ask(self, method, path, body=None, headers=None):
        """Status, parsed JSON or text, and headers."""
        connection = self.connect()
        try:
            return ask_on(connection, method, path, body, headers)
        finally:
            connection.close()

    def stream(self, path="/v1/completions", headers=None, **fields):
        """A Stream whose head has been read."""
        return Stream(self.connect(), path, headers or {}, fields)

    def metric(self, name):
        """The sum of a metric's samples, whatever their labels."""
        text = self.ask("GET", "/metrics")[1]
        values = re.findall(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for value in values)

    def wait_until_empty(self):
        """Waits until nothing runs and nothing waits; False when that does not happen."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if (self.ask("GET", "/load")[1].get("server_load") == 0
                    and self.metric("vllm:num_requests_running") == 0
                    and self.metric("vllm:num_requests_waiting") == 0):
                return True
            time.sleep(0.05)
        return False

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def ask_on(connection, method, path, body=None, headers=None):
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read().decode()
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    return response.status, json.loads(text) if is_json and text else text, response.headers


class Stream:
    """The events of one streamed answer."""

    def __init__(self, connection, path, headers, fields):
        self.connection = connection
        body = {"prompt": "Once upon a time", "stream": True, "max_tokens": 16} | fields
        connection.request("POST", path, json.dumps(body),
                           {"Content-Type": "application/json"} | headers)
        self.response = connection.getresponse()
        self.status = self.response.status

    def next(self):
        """The next event's data; None at the end. A cut stream raises."""
        for line in self.response:
            if line.startswith(b"data: "):
                return line[len(b"data: "):].strip().decode()
        return None

    def rest(self):
        """All further events; the connection is closed then."""
        events = []
        while (event := self.next()) is not None:
            events.append(event)
        self.close()
        return events

    def close(self):
        self.response.close()
        self.connection.close()
