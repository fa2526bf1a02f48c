// SPDX-License-Identifier: Apache-2.0
//
// Requests that do not simply run to their end: clients that leave, aborts, full queues, closing.
#include <gtest/gtest.h>

#include "server/api/api_testbed.h"

namespace weir {
namespace {

Json Stream(const std::string& prompt = "x", int n = 1) {
  return {{"prompt", prompt}, {"stream", true}, {"n", n}};
}

TEST(ClientGone, WhileItsRequestWaitsForAStep) {
  ApiTestbed bed;
  bed.engine.Hold();
  const auto seen = bed.BeginPost("/v1/completions", Json{{"prompt", "x"}});
  bed.engine.WaitForRequests(1);
  seen->Disconnect();
  while (bed.engine.num_cancelled() < 1) std::this_thread::yield();
  bed.engine.Release();
  bed.engine.WaitUntilIdle();
  bed.Close();
  EXPECT_EQ(bed.engine.num_active(), 0);
}

TEST(ClientGone, InMidStreamCancelsEveryPrompt) {
  ApiTestbed bed;
  bed.engine.Hold();
  const auto seen = bed.BeginPost("/v1/completions",
                                  Json{{"prompt", {"a", "b", "c"}}, {"stream", true}, {"n", 2}});
  bed.engine.WaitForRequests(3);
  bed.engine.Step();
  seen->WaitForChunks(6);
  seen->Disconnect();
  EXPECT_EQ(bed.engine.num_cancelled(), 3);
  const std::string before = seen->body();
  bed.engine.Release();
  bed.engine.WaitUntilIdle();
  bed.Close();
  EXPECT_EQ(seen->body(), before) << "written to a client that has left";
}

TEST(ClientGone, BeforeTheServerLookedAtIt) {
  ApiTestbed bed;
  auto seen = std::make_shared<Seen>();
  seen->Disconnect();
  HttpRequest request = {.method = "POST", .path = "/v1/completions", .body = R"({"prompt":"x"})"};
  request.headers = {{"content-type", "application/json"}};
  bed.service().Handle(std::move(request), std::make_shared<FakeReply>(seen));
  seen->WaitUntilDone();
  bed.Close();
  EXPECT_TRUE(bed.engine.WaitForRequests(0).empty()) << "work for nobody";
}

// Found out by writing only, as behind a proxy that keeps the connection.
TEST(ClientGone, FoundByAWriteThatFails) {
  ApiTestbed bed;
  bed.engine.Hold();
  auto seen = std::make_shared<Seen>();
  auto reply = std::make_shared<FakeReply>(seen);
  HttpRequest request = {
      .method = "POST", .path = "/v1/completions", .body = R"({"prompt":"x","stream":true})"};
  request.headers = {{"content-type", "application/json"}};
  bed.service().Handle(std::move(request), reply);
  bed.engine.WaitForRequests(1);
  reply->OnGone([] {});  // the service's own is lost
  seen->Disconnect();
  bed.engine.Step();
  while (bed.engine.num_cancelled() == 0) std::this_thread::yield();
  bed.engine.Release();
  bed.engine.WaitUntilIdle();
}

TEST(Streams, EveryStepOfEveryOutputIsAnEventAtOnce) {
  ApiTestbed bed;
  bed.engine.Hold();
  const auto seen = bed.BeginPost("/v1/completions", Stream("x", 2));
  bed.engine.WaitForRequests(1);
  for (size_t step = 1; step <= 3; ++step) {
    bed.engine.Step();
    seen->WaitForChunks(2 * step);  // or the test hangs: nothing may be held back for later
  }
  bed.engine.Release();
  seen->WaitUntilDone();
  const std::vector<Json> events = seen->events();
  std::string texts[2];
  for (const Json& event : events) {
    ASSERT_EQ(event["choices"].size(), 1u);
    texts[event["choices"][0]["index"].get<size_t>()] += event["choices"][0]["text"];
  }
  EXPECT_EQ(texts[0], "Hello, world");
  EXPECT_EQ(texts[1], "Hello, world");
  EXPECT_EQ(events.size(), 24u);
}

TEST(Streams, HeadForbidsBuffersAndCaches) {
  ApiTestbed bed;
  const HttpResponse head = bed.Post("/v1/completions", Stream())->response();
  std::string text;
  for (const auto& [name, value] : head.headers) text += name + ": " + value + "\n";
  EXPECT_NE(text.find("Cache-Control: no-cache\n"), std::string::npos);
  EXPECT_NE(text.find("X-Accel-Buffering: no\n"), std::string::npos);
  EXPECT_NE(text.find("Server-Timing: prepare;dur="), std::string::npos);
}

TEST(Streams, KeepAliveCommentsOnlyWhenAskedFor) {
  ApiTestbed bed({.sse_keep_alive_ms = 1});
  bed.engine.Hold();
  const auto seen = bed.BeginPost("/v1/completions", Stream());
  bed.engine.WaitForRequests(1);
  seen->WaitForChunks(2);
  EXPECT_EQ(seen->body().substr(0, 28), ": keep-alive\n\n: keep-alive\n\n");
  bed.engine.Release();
  seen->WaitUntilDone();
  EXPECT_NE(seen->body().find("data: [DONE]\n\n"), std::string::npos);
}

TEST(Ids, AreUniqueAlsoWhereLabelsAreNot) {
  ApiTestbed bed;
  const Json first = bed.Post("/v1/completions", Json{{"prompt", "x"}})->json();
  const Json second = bed.Post("/v1/completions", Json{{"prompt", "x"}})->json();
  EXPECT_NE(first["id"], second["id"]);
  EXPECT_EQ(bed.engine.WaitForRequests(2)[1].label, "test");
}

std::shared_ptr<Seen> BeginAs(ApiTestbed& bed, const std::string& tenant, const std::string& label,
                              const std::string& path, const Json& body) {
  HttpRequest request = {.method = "POST", .path = path, .body = DumpJson(body)};
  request.headers = {{"content-type", "application/json"}};
  request.id = label;
  request.tenant = tenant;
  return bed.Begin(std::move(request));
}

int Abort(ApiTestbed& bed, const std::string& tenant, const std::string& name) {
  const auto seen = BeginAs(bed, tenant, "abort", "/abort_request", Json{{"request_id", name}});
  seen->WaitUntilDone();
  return seen->json()["aborted"].get<int>();
}

TEST(Aborts, ReachTheOwnRequestsOnly) {
  ApiTestbed bed;
  bed.engine.Hold();
  const auto mine = BeginAs(bed, "me", "label", "/v1/completions", Stream());
  const auto other = BeginAs(bed, "you", "label", "/v1/completions", Stream());
  bed.engine.WaitForRequests(2);
  bed.engine.Step();
  mine->WaitForChunks(1);
  const std::string id = Json::parse(mine->body().substr(6))["id"].get<std::string>();
  EXPECT_EQ(Abort(bed, "you", id), 0) << "somebody else's reply";
  EXPECT_EQ(Abort(bed, "me", "another label"), 0);
  EXPECT_EQ(Abort(bed, "me", id), 1);
  bed.engine.Release();
  mine->WaitUntilDone();
  other->WaitUntilDone();
  EXPECT_EQ(mine->events().back()["choices"][0]["finish_reason"], "abort");
  EXPECT_EQ(other->events().back()["choices"][0]["finish_reason"], "stop");
}

TEST(Aborts, ByLabelAlsoOfARequestThatWaits) {
  ApiTestbed bed;
  bed.engine.Hold();
  const auto seen = BeginAs(bed, "me", "label", "/v1/completions", Json{{"prompt", "x"}});
  bed.engine.WaitForRequests(1);
  EXPECT_EQ(Abort(bed, "me", "label"), 1);
  while (bed.engine.num_cancelled() < 1) std::this_thread::yield();
  bed.engine.Release();
  seen->WaitUntilDone();
  EXPECT_EQ(seen->status(), 200);
  EXPECT_EQ(seen->json()["choices"][0]["finish_reason"], "abort");
}

TEST(Queue, RequestsBeyondTheCapAreToldToComeBack) {
  ApiTestbed bed({.max_queued_requests = 2});
  bed.engine.Hold();
  const auto first = bed.BeginPost("/v1/completions", Stream());
  const auto second = bed.BeginPost("/v1/completions", Stream());
  const auto third = bed.Post("/v1/completions", Stream());
  EXPECT_EQ(third->status(), 429);
  EXPECT_EQ(third->json()["error"]["code"], "queue_full");
  EXPECT_EQ(third->response().headers[0].first, "Retry-After");
  EXPECT_EQ(third->response().headers[0].second, "1");
  // Once a token is there its request waits no more, though it has not ended.
  bed.engine.WaitForRequests(2);
  bed.engine.Step();
  first->WaitForChunks(1);
  second->WaitForChunks(1);
  const auto fourth = bed.BeginPost("/v1/completions", Stream());
  bed.engine.WaitForRequests(3);
  bed.engine.Release();
  fourth->WaitUntilDone();
  EXPECT_EQ(fourth->status(), 200);
}

TEST(Queue, PromptTokensBeyondTheCap) {
  ApiTestbed bed({.max_queued_tokens = 100});
  bed.engine.Hold();
  EXPECT_EQ(bed.BeginPost("/v1/completions", Stream(std::string(500, 'x')))->status(), 200)
      << "what is alone is taken whatever its size";
  bed.engine.WaitForRequests(1);
  EXPECT_EQ(bed.Post("/v1/completions", Stream())->status(), 429);
  bed.engine.Release();
  bed.engine.WaitUntilIdle();
}

// A guess from the body's size lets it in; its real length does not.
TEST(Queue, IsCheckedAgainWithTheRealLength) {
  ApiTestbed bed({.max_queued_tokens = 300});
  bed.engine.Hold();
  bed.BeginPost("/v1/completions", Stream("x"));
  bed.engine.WaitForRequests(1);
  const auto seen = bed.Post("/v1/completions", Stream(std::string(400, 'x')));
  EXPECT_EQ(seen->status(), 429);
  EXPECT_EQ(bed.engine.WaitForRequests(1).size(), 1u);
  bed.engine.Release();
}

TEST(Queue, EveryPromptOfARequestCounts) {
  ApiTestbed bed({.max_queued_requests = 3});
  bed.engine.Hold();
  bed.BeginPost("/v1/completions", Stream());
  bed.engine.WaitForRequests(1);
  const auto seen = bed.Post("/v1/completions", Json{{"prompt", {"a", "b", "c"}}});
  EXPECT_EQ(seen->status(), 429);
  bed.engine.Release();
}

TEST(Queue, ForgetsWhatWasRefusedOrLeft) {
  ApiTestbed bed({.max_queued_requests = 1});
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(bed.Post("/v1/completions", Json{{"prompt", 5}})->status(), 400);
    EXPECT_EQ(bed.Post("/v1/completions", Json{{"prompt", "x"}})->status(), 200);
    EXPECT_EQ(bed.Post("/tokenize", Json{{"prompt", "x"}})->status(), 200);
    bed.engine.WaitUntilIdle();
    while (bed.service().num_active() > 0) std::this_thread::yield();
  }
}

TEST(Engine, RefusesInTheMiddleOfARequest) {
  ApiTestbed bed;
  bed.engine.refuse_after = 2;
  bed.engine.Hold();
  const auto seen = bed.BeginPost("/v1/completions", Json{{"prompt", {"a", "b", "c", "d"}}});
  seen->WaitUntilDone();
  EXPECT_EQ(seen->status(), 503);
  EXPECT_EQ(bed.engine.num_cancelled(), 2);
  bed.engine.Release();
  bed.Close();
  EXPECT_EQ(bed.engine.num_active(), 0);
}

TEST(Closing, EndsStreamsWithAnErrorAndLeavesNothingBehind) {
  ApiTestbed bed;
  bed.engine.Hold();
  const auto stream = bed.BeginPost("/v1/completions", Stream());
  const auto whole = bed.BeginPost("/v1/completions", Json{{"prompt", "x"}});
  bed.engine.WaitForRequests(2);
  bed.engine.Step();
  stream->WaitForChunks(1);
  bed.service().BeginDrain();
  EXPECT_EQ(bed.Get("/health")->status(), 503);
  EXPECT_EQ(bed.Get("/health", "deep=1")->status(), 503);
  EXPECT_EQ(bed.Post("/v1/completions", Stream())->status(), 503);
  EXPECT_EQ(bed.service().num_active(), 2);
  bed.service().CancelAll();
  while (bed.engine.num_cancelled() < 2) std::this_thread::yield();
  bed.engine.Release();
  bed.Close();
  EXPECT_EQ(whole->status(), 503);
  EXPECT_EQ(stream->events().back()["error"]["type"], "service_unavailable_error");
}

TEST(HealthRoute, TellsABusyEngineFromAStuckOne) {
  ApiTestbed bed({.health_stall_ms = 1000});
  EngineStats stats = {};
  stats.heartbeat_us = SteadyUs() - 5'000'000;
  stats.idle = true;
  bed.engine.SetStats(stats);
  EXPECT_EQ(bed.Get("/health")->status(), 200) << "idle for long";
  stats.num_waiting = 1;
  bed.engine.SetStats(stats);
  EXPECT_EQ(bed.Get("/health")->status(), 503) << "idle though something waits";
  stats.idle = false;
  stats.num_waiting = 0;
  stats.num_running = 1;
  bed.engine.SetStats(stats);
  EXPECT_EQ(bed.Get("/health")->status(), 503) << "a step that does not end";
  EXPECT_EQ(bed.Get("/ping")->status(), 503);
  stats.heartbeat_us = SteadyUs();
  bed.engine.SetStats(stats);
  EXPECT_EQ(bed.Get("/health")->status(), 200) << "busy";
}

TEST(HealthRoute, DeepWaitsForATokenButNotForever) {
  ApiTestbed bed({.health_canary_ms = 20});
  bed.engine.Hold();
  const auto first = bed.Begin({.method = "GET", .path = "/health", .query = "deep=1"});
  const auto second = bed.Begin({.method = "GET", .path = "/health", .query = "deep=1"});
  first->WaitUntilDone();
  second->WaitUntilDone();
  EXPECT_EQ(first->status(), 503);
  EXPECT_EQ(second->status(), 503);
  EXPECT_EQ(bed.engine.WaitForRequests(1).size(), 1u) << "one canary for all who ask";
  bed.engine.Release();
  bed.engine.WaitUntilIdle();
  EXPECT_EQ(bed.Get("/health", "deep=1")->status(), 200);
}

TEST(Cache, ResetReachesTheEngine) {
  ApiTestbed bed;
  EXPECT_EQ(bed.Post("/reset_prefix_cache", std::string())->status(), 200);
  EXPECT_EQ(bed.engine.num_resets(), 1);
}

TEST(Pages, AreServedBesidesTheApi) {
  ApiTestbed bed({.static_pages = {{"/", "text/html; charset=utf-8", "<p>Weir</p>"}}});
  EXPECT_EQ(bed.Get("/")->body(), "<p>Weir</p>");
  EXPECT_EQ(bed.Get("/")->response().content_type, "text/html; charset=utf-8");
  EXPECT_EQ(bed.Post("/", std::string())->status(), 405);
}

// Clients of all kinds at once; the sanitizers watch.
TEST(Chaos, LeavesNothingBehind) {
  ApiTestbed bed({.max_queued_requests = 20});
  bed.service();
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&bed, c] {
      for (int i = 0; i < 50; ++i) {
        const auto seen = BeginAs(bed, "t", "c" + std::to_string(c), "/v1/chat/completions",
                                  Json{{"messages", {{{"role", "user"}, {"content", "x"}}}},
                                       {"stream", i % 2 == 0},
                                       {"n", i % 3 + 1}});
        if (i % 5 == 0) seen->Disconnect();
        if (i % 7 == 0) Abort(bed, "t", "c" + std::to_string(c));
        if (i % 5 != 0) seen->WaitUntilDone();
        EXPECT_EQ(bed.Get("/metrics")->status(), 200);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  bed.Close();
  EXPECT_EQ(bed.engine.num_active(), 0);
}

}  // namespace
}  // namespace weir
