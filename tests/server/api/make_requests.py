#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random requests made from a server's own /openapi.json, each sent and its answer judged.

Right requests must be answered 200 with what the description says, wrong ones 4xx with an error
object; never 5xx, never nothing. Everything follows from --seed, so that a failure can be repeated.

    make_requests.py --url http://127.0.0.1:8000 --requests 50000 --jobs 8
"""
import argparse
import http.client
import json
import random
import sys
import threading
import time
import urllib.parse

# A request of this many tokens is long enough to be interesting and short enough to be many.
MAX_TOKENS = 4
TEXTS = ["", "a", "Hello, world", "é漢😀", "\u0000", "<|im_start|>", "<think>", "</think>", "{{ 7 }}",
         "\r\n", "\\", '"', "x" * 300, "  ", "\u202e", "\ufffd"]


class Schemas:
    """Values that fit a schema, and values that do not."""

    def __init__(self, description, rng):
        self.all = description["components"]["schemas"]
        self.rng = rng

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.all[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def value(self, schema, depth=0):
        rng, schema = self.rng, self.resolve(schema)
        if "enum" in schema:
            return rng.choice(schema["enum"]) if schema["enum"] else None
        if "anyOf" in schema:
            return self.value(rng.choice(schema["anyOf"]), depth)
        kind = schema.get("type", "string")
        if isinstance(kind, list):
            kind = rng.choice(kind)
        if kind == "null":
            return None
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "integer":
            return self.integer(schema)
        if kind == "number":
            return self.number(schema)
        if kind == "string":
            return self.string(schema)
        if kind == "array":
            low, high = schema.get("minItems", 0), min(schema.get("maxItems", 4), 4)
            return [self.value(schema.get("items", {}), depth + 1)
                    for _ in range(rng.randint(low, max(low, high)))]
        return self.object(schema, depth)

    def integer(self, schema):
        low, high = schema.get("minimum", -2**31), schema.get("maximum", 2**31 - 1)
        return self.rng.choice([low, high, self.rng.randint(low, high),
                                max(low, min(high, self.rng.randint(0, 9)))])

    def number(self, schema):
        low, high = schema.get("minimum", schema.get("exclusiveMinimum", -10)), schema.get("maximum", 10)
        choices = [high, self.rng.uniform(low, high)]
        if "exclusiveMinimum" not in schema:
            choices.append(low)
        else:
            choices[1] = high - (high - low) * self.rng.random() * 0.999
        return self.rng.choice(choices)

    def string(self, schema):
        text = self.rng.choice(TEXTS)
        low, high = schema.get("minLength", 0), schema.get("maxLength", 1000)
        return (text if len(text) >= low else "x" * low)[:high]

    def object(self, schema, depth):
        result, required = {}, schema.get("required", [])
        for name, inner in schema.get("properties", {}).items():
            if name in required or self.rng.random() < (0.15 if depth == 0 else 0.5):
                result[name] = self.value(inner, depth + 1)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for _ in range(self.rng.randint(0, 3)):
                result[str(self.rng.randint(0, 99))] = self.value(extra, depth + 1)
        return result

    def fits(self, value, schema):
        """Whether an answer is as described."""
        schema = self.resolve(schema)
        if "enum" in schema:
            return value in schema["enum"]
        if "anyOf" in schema:
            return any(self.fits(value, s) for s in schema["anyOf"])
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        types = {"null": type(None), "boolean": bool, "integer": int, "number": (int, float),
                 "string": str, "array": list, "object": dict}
        if kinds and not any(isinstance(value, types[k]) and
                             (k == "boolean" or not isinstance(value, bool)) for k in kinds):
            return False
        if isinstance(value, list):
            return all(self.fits(v, schema.get("items", {})) for v in value)
        if isinstance(value, dict):
            return (all(name in value for name in schema.get("required", [])) and
                    all(self.fits(value[n], s) for n, s in schema.get("properties", {}).items()
                        if n in value))
        return True


def junk(rng, depth=0):
    """Any JSON value, with what parsers stumble over."""
    pick = rng.randrange(12 if depth < 4 else 9)
    if pick == 0:
        return None
    if pick == 1:
        return rng.choice([True, False])
    if pick in (2, 3):
        return rng.choice([0, -1, 1, 2**31, -2**31 - 1, 2**53, 2**63, -2**63 - 1, 2**64, 10**30,
                           rng.randint(-1000, 1000)])
    if pick in (4, 5):
        return rng.choice([0.5, -0.5, 1e308, -1e308, 1e-320, 1e39])
    if pick in (6, 7, 8):
        return rng.choice(TEXTS)
    if pick in (9, 10):
        return [junk(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(["a", "type", "role", "0", ""]) + str(i): junk(rng, depth + 1)
            for i in range(rng.randint(0, 3))}


def spoil(rng, body, properties):
    """A body with some of its values replaced by anything."""
    body = dict(body)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(properties)
        action = rng.randrange(3)
        if action == 0:
            body[name] = junk(rng)
        elif action == 1:
            body.pop(name, None)
        elif isinstance(body.get(name), list) and body[name]:
            body[name] = list(body[name])
            body[name][rng.randrange(len(body[name]))] = junk(rng)
        else:
            body[rng.choice(["foo", "", "n_discard", "é"])] = junk(rng)
    return body


def damage(rng, text):
    """Bytes that are hardly JSON any more."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        action, at = rng.randrange(4), rng.randrange(len(data) + 1)
        if action == 0:
            del data[at:]
        elif action == 1:
            data.insert(at, rng.randrange(256))
        elif action == 2 and data:
            del data[at % len(data)]
        else:
            data[at:at] = rng.choice([b"[" * 100, b"{", b'"', b"\\u d800", b"1e999", b"\x00", b"\xff"])
        if not data:
            break
    return bytes(data)


def bound(body):
    """Keeps a right request short: what is tested is how it is read."""
    for name in ("max_tokens", "max_completion_tokens"):
        if isinstance(body.get(name), int):
            body[name] = max(1, body[name] % (MAX_TOKENS + 1))
    if "prompt" in body or "messages" in body:
        body["max_tokens"] = body.get("max_tokens") or MAX_TOKENS
        for name in ("n", "min_tokens"):
            if isinstance(body.get(name), int):
                body[name] = min(body[name], 2)
    return body


class Worker(threading.Thread):
    def __init__(self, url, description, seed, count, timeout):
        super().__init__()
        self.url, self.description, self.count, self.timeout = url, description, count, timeout
        self.rng = random.Random(seed)
        self.schemas = Schemas(description, self.rng)
        self.operations = [(path, method, operation)
                           for path, methods in description["paths"].items()
                           for method, operation in methods.items()]
        # What holds prompts is what can go wrong.
        self.weights = [20 if "requestBody" in o else 1 for _, _, o in self.operations]
        self.statuses, self.problems = {}, []
        self.right, self.right_answered = 0, 0
        self.connection = None

    def send(self, method, path, body):
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.url.hostname, self.url.port,
                                                             timeout=self.timeout)
            try:
                headers = {"Content-Type": "application/json"} if body is not None else {}
                self.connection.request(method.upper(), path, body, headers)
                response = self.connection.getresponse()
                return response, response.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection.close()  # an idle connection that the server closed meanwhile
                self.connection = None
                if attempt:
                    raise
        return None

    def one(self):
        rng = self.rng
        path, method, operation = rng.choices(self.operations, self.weights)[0]
        body, right = None, True
        if "requestBody" in operation:
            schema = self.schemas.resolve(
                operation["requestBody"]["content"]["application/json"]["schema"])
            value = bound(self.schemas.value(schema))
            kind = rng.randrange(10)
            if kind >= 4:
                value, right = spoil(rng, value, list(schema["properties"])), False
                if kind < 9:
                    value = bound(value)
            body = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode()
            if kind == 9:
                body = damage(rng, body)
        path = path.replace("{model}", urllib.parse.quote(rng.choice(TEXTS) or "x", safe=""))
        parameters = [p for p in operation.get("parameters", []) if p["in"] == "query"]
        if parameters and rng.random() < 0.7:
            p = rng.choice(parameters)
            value = self.schemas.value(p["schema"]) if rng.random() < 0.5 else rng.choice(["x", "-1", "", "1" * 30])
            path += "?%s=%s" % (p["name"], value)
        response, data = self.send(method, path, body)
        self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
        if right and body is not None:
            self.right += 1
            self.right_answered += response.status == 200
        problem = self.judge(operation, response, data)
        if problem:
            self.problems.append("%s: %s %s %r -> %d %r" % (problem, method, path, body,
                                                            response.status, data[:300]))

    def judge(self, operation, response, data):
        if response.status >= 500 and response.status != 503:
            return "5xx"
        if response.status == 503:
            return "unavailable"
        if response.status >= 400:
            try:
                return "" if self.schemas.fits(json.loads(data), self.schemas.all["Error"]) else "envelope"
            except ValueError:
                return "no JSON"
        content = operation["responses"]["200"]["content"]
        kind = response.getheader("Content-Type", "").split(";")[0]
        if kind == "text/event-stream":
            events = data.decode().split("\n\n")
            if events[-2:] != ["data: [DONE]", ""]:
                return "stream without end"
            for event in events[:-2]:
                if not event.startswith("data: ") or "error" in json.loads(event[6:]):
                    return "event"
        elif kind == "application/json":
            if not self.schemas.fits(json.loads(data), content["application/json"]["schema"]):
                return "not as described"
        return ""

    def run(self):
        for _ in range(self.count):
            try:
                self.one()
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append("no answer: %r" % error)
                self.connection = None
            if len(self.problems) > 20:
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--requests", type=int, default=50000)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one answer")
    args = parser.parse_args()
    url = urllib.parse.urlparse(args.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=args.timeout)
    connection.request("GET", "/openapi.json")
    description = json.loads(connection.getresponse().read())
    begin = time.monotonic()
    share = [args.requests // args.jobs + (i < args.requests % args.jobs) for i in range(args.jobs)]
    workers = [Worker(url, description, args.seed * 1000 + i, count, args.timeout)
               for i, count in enumerate(share)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    statuses = {}
    for worker in workers:
        for status, count in worker.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    problems = [p for w in workers for p in w.problems]
    seconds = time.monotonic() - begin
    print("%d answers in %.1f s: %s; %d problems" %
          (sum(statuses.values()), seconds,
           ", ".join("%d x %d" % (c, s) for s, c in sorted(statuses.items())), len(problems)))
    # The rest break a rule that schemas cannot say, such as min_tokens above max_tokens.
    right = sum(w.right for w in workers)
    answered = sum(w.right_answered for w in workers)
    print("of %d bodies that fit their schema %d were answered 200" % (right, answered))
    for problem in problems[:20]:
        print("  " + problem)
    return 1 if problems or sum(statuses.values()) != args.requests else 0


if __name__ == "__main__":
    sys.exit(main())
