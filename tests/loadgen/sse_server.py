#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A scripted server of the OpenAI API, for tests of `weir bench serve`: answers in ways that servers
are known for, good and bad. Each request chooses its script by the member "script" of its body
(--extra-body '{"script": "..."}').

usage: sse_server.py [--takes-ids yes|no] [--metrics yes|no]   prints its port, then serves
"""

import argparse
import http.server
import json
import sys
import threading
import time

TTFT_S, GAP_S = 0.02, 0.005


class Counters:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = self.prompt = self.generated = 0

    def add(self, prompt, generated):
        with self.lock:
            self.requests += 1
            self.prompt += prompt
            self.generated += generated

    def text(self):
        with self.lock:
            return (f'# TYPE vllm:prompt_tokens counter\nvllm:prompt_tokens_total{{m="a"}} {self.prompt}.0\n'
                    f'vllm:generation_tokens_total{{m="a"}} {self.generated}\n'
                    f'vllm:request_success_total{{m="a",finished_reason="length"}} {self.requests}\n'
                    f'vllm:request_success_total{{m="a",finished_reason="stop"}} 0\n')


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, options):
        super().__init__(("127.0.0.1", 0), Handler)
        self.options = options
        self.counters = Counters()
        self.bodies = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, value, content_type="application/json"):
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [{"id": "scripted", "root": "scripted"}]})
        elif self.path == "/metrics" and self.server.options.metrics == "yes":
            self.answer(200, self.server.counters.text(), "text/plain")
        elif self.path == "/bodies":
            self.answer(200, self.server.bodies)
        else:
            self.answer(404, {"error": {"message": "no such path", "type": "NotFoundError"}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path not in ("/v1/completions", "/v1/chat/completions"):
            return self.answer(404, {"error": {"message": "no such path"}})
        self.server.bodies.append({"path": self.path, "id": self.headers["x-request-id"],
                                   "authorization": self.headers["Authorization"],
                                   "extra": self.headers["X-Extra"], "body": body})
        if isinstance(body.get("prompt"), list) and self.server.options.takes_ids == "no":
            return self.answer(400, {"error": {"message": "prompt must be a string"}})
        if not body.get("stream"):
            return self.answer(200, {"choices": [{"text": "a"}]})
        getattr(self, "script_" + body.get("script", "plain"))(body)

    # What every script is made of.

    def begin(self, chunked=True):
        time.sleep(TTFT_S)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.chunked = chunked

    def event(self, text):
        data = text.encode()
        if self.chunked:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        self.wfile.write(data)
        self.wfile.flush()

    def end(self, done=True):
        if done:
            self.event("data: [DONE]\n\n")
        if self.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def chunk_of(self, text, chat=False):
        choice = {"index": 0, "delta": {"content": text}} if chat else {"index": 0, "text": text}
        return "data: " + json.dumps({"id": "x", "choices": [choice]}) + "\n\n"

    def lengths(self, body):
        tokens = body.get("max_tokens") or body.get("max_completion_tokens")
        prompt = body.get("prompt", "")
        count = len(prompt) if isinstance(prompt, list) else max(1, len(str(prompt).split()))
        return count, tokens

    def usage(self, body, name="usage"):
        prompt, tokens = self.lengths(body)
        self.server.counters.add(prompt, tokens)
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens}
        return "data: " + json.dumps({"id": "x", "choices": [], name: usage}) + "\n\n"

    def tokens(self, body, separator="\n"):
        chat = "messages" in body
        for index in range(self.lengths(body)[1]):
            if index > 0:
                time.sleep(GAP_S)
            self.event(self.chunk_of(f" t{index}", chat).replace("\n", separator))

    # The scripts.

    def script_plain(self, body):
        self.begin()
        self.tokens(body)
        self.event(self.usage(body))
        self.end()

    def script_until_close(self, body):
        self.begin(chunked=False)
        self.tokens(body)
        self.event(self.usage(body))
        self.end()

    def script_no_done(self, body):
        self.begin()
        self.tokens(body)
        self.event(self.usage(body))
        self.end(done=False)

    def script_crlf(self, body):
        self.begin()
        self.tokens(body, "\r\n")
        self.event(self.usage(body))
        self.end()

    def script_no_usage(self, body):
        self.begin()
        self.tokens(body)
        self.end()

    def script_empty_first(self, body):
        self.begin()
        self.event(self.chunk_of("", "messages" in body))
        time.sleep(GAP_S)
        self.tokens(body)
        self.event(self.usage(body))
        self.end()

    def script_role_first(self, body):
        self.begin()
        role = {"choices": [{"index": 0, "delta": {"role": "assistant"}}]}
        self.event("data: " + json.dumps(role) + "\n\n")
        self.tokens(body)
        self.event(self.usage(body))
        self.end()

    def script_merged(self, body):
        self.begin()
        text = "".join(self.chunk_of(f" t{i}") for i in range(self.lengths(body)[1]))
        self.event(text + self.usage(body))
        self.end()

    def script_split(self, body):
        self.begin()
        for byte in self.chunk_of(" a") + self.chunk_of(" b") + self.usage(body):
            self.event(byte)
        self.end()

    def script_comments(self, body):
        self.begin()
        self.event(": ping\n\n: ping\n")
        self.tokens(body)
        self.event("event: x\nretry: 3\n" + self.usage(body) + ": bye\n\n")
        self.end()

    def script_error_in_stream(self, body):
        self.begin()
        self.event(self.chunk_of(" a"))
        self.event('data: {"error": {"message": "out of pages", "code": 500}}\n\n')
        self.end()

    def script_bad_json(self, body):
        self.begin()
        self.event(self.chunk_of(" a") + "data: {not json}\n\n")
        self.end()

    def script_cut(self, body):
        self.begin()
        self.event(self.chunk_of(" a"))
        self.close_connection = True
        self.connection.shutdown(2)

    def script_no_answer(self, body):
        self.close_connection = True
        self.connection.shutdown(2)

    def script_refused(self, body):
        self.answer(400, {"error": {"message": "max_tokens is too large", "type": "BadRequestError"}})

    def script_busy(self, body):
        self.answer(503, "the queue is full", "text/plain")

    def script_no_stream(self, body):
        self.answer(200, {"id": "x", "object": "text_completion", "choice": "none"})

    def script_stall(self, body):
        self.begin()
        self.event(self.chunk_of(" a"))
        time.sleep(30)

    def script_slow_start(self, body):
        time.sleep(0.3)
        self.script_plain(body)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--takes-ids", default="yes")
    parser.add_argument("--metrics", default="no")
    server = Server(parser.parse_args())
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.setswitchinterval(0.0005)
    main()
