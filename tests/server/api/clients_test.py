#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients against the API on sockets: requests made from its own description, and, where it is
installed, the openai package. usage: clients_test.py SERVER [--requests N]; or --url URL instead."""
import asyncio
import json
import pathlib
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

try:
    import openai
except ImportError:
    openai = None

HERE = pathlib.Path(__file__).parent
OPTIONS = {"server": None, "url": None, "requests": 1500}


def setUpModule():
    if OPTIONS["server"]:
        OPTIONS["process"] = subprocess.Popen([OPTIONS["server"]], stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, text=True)
        OPTIONS["url"] = OPTIONS["process"].stdout.readline().strip()
    with urllib.request.urlopen(OPTIONS["url"] + "/v1/models", timeout=30) as response:
        OPTIONS["model"] = json.load(response)["data"][0]["id"]


def tearDownModule():
    process = OPTIONS.get("process")
    if process:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=60) == 0, "the server ended with %d" % process.returncode


class Requests(unittest.TestCase):
    def test_requests_made_from_the_description(self):
        done = subprocess.run([sys.executable, HERE / "make_requests.py", "--url", OPTIONS["url"],
                               "--requests", str(OPTIONS["requests"]), "--jobs", "4"],
                              capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr, file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_plain_urllib(self):
        request = urllib.request.Request(
            OPTIONS["url"] + "/v1/completions", json.dumps({"prompt": "x"}).encode(),
            {"Content-Type": "application/json", "X-Request-Id": "mine"})
        with urllib.request.urlopen(request, timeout=60) as response:
            self.assertEqual(response.headers["X-Request-Id"], "mine")
            self.assertIn("total;dur=", response.headers["Server-Timing"])
            self.assertEqual(json.load(response)["object"], "text_completion")


@unittest.skipUnless(openai, "the openai package is not installed")
class OpenAi(unittest.TestCase):
    def client(self, kind="OpenAI"):
        return getattr(openai, kind)(base_url=OPTIONS["url"] + "/v1", api_key="none", max_retries=0)

    messages = [{"role": "user", "content": "Say hello"}]

    def test_models(self):
        with self.client() as client:
            self.assertEqual(client.models.list().data[0].id, OPTIONS["model"])
            self.assertEqual(client.models.retrieve(OPTIONS["model"]).object, "model")

    def test_completion(self):
        with self.client() as client:
            reply = client.completions.create(model=OPTIONS["model"], prompt=["x", "yz"],
                                              max_tokens=5, n=2, logprobs=2)
            self.assertEqual([c.index for c in reply.choices], [0, 1, 2, 3])
            self.assertIn(reply.choices[0].finish_reason, ("stop", "length"))
            self.assertEqual(len(reply.choices[0].logprobs.tokens),
                             len(reply.choices[0].logprobs.token_logprobs))
            self.assertGreater(reply.usage.prompt_tokens, 0)

    def test_chat(self):
        with self.client() as client:
            reply = client.chat.completions.create(model=OPTIONS["model"], messages=self.messages,
                                                   max_completion_tokens=8, logprobs=True,
                                                   top_logprobs=2, temperature=0)
            self.assertEqual(reply.choices[0].message.role, "assistant")
            self.assertEqual(len(reply.choices[0].logprobs.content[0].top_logprobs), 2)
            self.assertEqual(reply.usage.prompt_tokens_details.cached_tokens >= 0, True)

    def test_stream(self):
        with self.client() as client:
            stream = client.chat.completions.create(
                model=OPTIONS["model"], messages=self.messages, max_tokens=8, stream=True,
                stream_options={"include_usage": True})
            chunks = list(stream)
            self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
            self.assertEqual(chunks[-1].choices, [])
            self.assertEqual(chunks[-1].usage.completion_tokens, len(chunks) - 1)
            self.assertIn(chunks[-2].choices[0].finish_reason, ("stop", "length"))

    def test_extra_body(self):
        with self.client() as client:
            reply = client.chat.completions.create(
                model=OPTIONS["model"], messages=self.messages, max_tokens=2,
                extra_body={"top_k": 5, "min_p": 0.1, "return_token_ids": True, "ignore_eos": True,
                            "chat_template_kwargs": {"enable_thinking": False}})
            self.assertEqual(len(reply.choices[0].token_ids), 2)

    def test_errors(self):
        with self.client() as client:
            with self.assertRaises(openai.BadRequestError) as caught:
                client.completions.create(model=OPTIONS["model"], prompt="x", n=0)
            self.assertEqual(caught.exception.param, "n")
            with self.assertRaises(openai.NotFoundError) as caught:
                client.completions.create(model="another", prompt="x")
            self.assertEqual(caught.exception.code, "model_not_found")
            with self.assertRaises(openai.BadRequestError) as caught:
                client.chat.completions.create(model=OPTIONS["model"], messages=self.messages,
                                               response_format={"type": "json_object"})
            self.assertEqual(caught.exception.param, "response_format")

    def test_cancelled_stream_leaves_the_server_well(self):
        with self.client() as client:
            for _ in range(5):
                stream = client.completions.create(model=OPTIONS["model"], prompt="x", stream=True,
                                                   max_tokens=200, extra_body={"ignore_eos": True})
                next(iter(stream))
                stream.close()
            self.assertEqual(client.models.list().data[0].id, OPTIONS["model"])

    def test_async(self):
        async def run():
            async with self.client("AsyncOpenAI") as client:
                async def one(i):
                    stream = await client.completions.create(
                        model=OPTIONS["model"], prompt="x" * (i + 1), stream=True, max_tokens=8)
                    return "".join([chunk.choices[0].text async for chunk in stream])

                return await asyncio.gather(*[one(i) for i in range(16)])

        self.assertEqual(len(asyncio.run(run())), 16)

    def test_async_cancellation(self):
        async def run():
            async with self.client("AsyncOpenAI") as client:
                task = asyncio.create_task(client.completions.create(
                    model=OPTIONS["model"], prompt="x", max_tokens=900,
                    extra_body={"ignore_eos": True}))
                await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                return await client.models.list()

        self.assertEqual(asyncio.run(run()).data[0].id, OPTIONS["model"])


if __name__ == "__main__":
    ARGUMENTS = sys.argv[1:]
    while ARGUMENTS:
        NAME = ARGUMENTS.pop(0)
        if NAME in ("--url", "--requests"):
            VALUE = ARGUMENTS.pop(0)
            OPTIONS[NAME[2:]] = int(VALUE) if NAME == "--requests" else VALUE
        else:
            OPTIONS["server"] = NAME
    if openai is None:
        print("SKIPPED: tests of the openai package, which is not installed", file=sys.stderr)
    unittest.main(argv=sys.argv[:1], verbosity=2)
