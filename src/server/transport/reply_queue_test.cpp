// SPDX-License-Identifier: Apache-2.0
//
// A reply as its producer and its connection see it, without a socket.
#include "server/transport/reply_queue.h"

#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace weir {
namespace {

using Fate = ReplyQueue::Fate;

struct FakeSink : ReplySink {
  void Wake() override { ++num_wakes; }
  bool closing() const override { return is_closing; }
  std::atomic<int> num_wakes = 0;
  bool is_closing = false;
};

struct Fixture {
  explicit Fixture(ReplyForm form = {}, int64_t max_unsent_bytes = 1000)
      : queue(std::make_shared<ReplyQueue>(std::move(form), max_unsent_bytes, sink)),
        reply(MakeReply(queue)) {}
  std::string Take() {
    std::string out;
    fate = queue->Take(out);
    queue->Sent(static_cast<int64_t>(out.size()));
    return out;
  }
  std::shared_ptr<FakeSink> sink = std::make_shared<FakeSink>();
  std::shared_ptr<ReplyQueue> queue;
  std::shared_ptr<HttpReply> reply;
  Fate fate = Fate::kOpen;
};

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ReplyQueue, SendsAnAnswer) {
  Fixture f({.id = "my-id", .headers = {{"Vary", "Origin"}}});
  f.reply->Send({.status = 404, .headers = {{"X-A", "b"}}, .body = "{}"});
  const std::string text = f.Take();
  EXPECT_EQ(f.fate, Fate::kEnded);
  EXPECT_EQ(text.substr(0, 24), "HTTP/1.1 404 Not Found\r\n");
  for (const char* part : {"Content-Length: 2\r\n", "X-Request-Id: my-id\r\n", "X-A: b\r\n",
                           "Vary: Origin\r\n", "\r\nDate: ", "\r\n\r\n{}"}) {
    EXPECT_TRUE(Holds(text, part)) << part;
  }
  EXPECT_FALSE(Holds(text, "Connection:"));
  f.reply->Send({.body = "again"});
  EXPECT_EQ(f.Take(), "") << "a reply is one answer";
}

TEST(ReplyQueue, NoHeaderValueEndsTheHead) {
  Fixture f;
  f.reply->Send({.headers = {{"X-A", "b\r\nX-Evil: c"}, {"X B", "c"}, {"X-C", std::string(1, 0)}}});
  const std::string text = f.Take();
  EXPECT_FALSE(Holds(text, "Evil") || Holds(text, "X B") || Holds(text, "X-C"));
}

TEST(ReplyQueue, ReplyToHeadHasNoBody) {
  Fixture f({.head_only = true});
  f.reply->Send({.body = "12345"});
  const std::string text = f.Take();
  EXPECT_TRUE(Holds(text, "Content-Length: 5\r\n"));
  EXPECT_EQ(text.substr(text.size() - 4), "\r\n\r\n");
}

TEST(ReplyQueue, StreamsChunks) {
  Fixture f;
  f.reply->StartStream({.content_type = "text/event-stream"});
  EXPECT_TRUE(Holds(f.Take(), "Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(f.reply->Write("data: 1\n\n"));
  EXPECT_TRUE(f.reply->Write("")) << "an empty chunk would end the stream: it is none";
  EXPECT_TRUE(f.reply->Write("0123456789abcdef"));
  EXPECT_EQ(f.Take(), "9\r\ndata: 1\n\n\r\n10\r\n0123456789abcdef\r\n");
  f.reply->End();
  EXPECT_EQ(f.Take(), "0\r\n\r\n");
  EXPECT_EQ(f.fate, Fate::kEnded);
  EXPECT_FALSE(f.reply->Write("late"));
}

TEST(ReplyQueue, OldClientsGetTheBareBytes) {
  Fixture f({.http10 = true, .keep_alive = true});
  f.reply->StartStream({});
  EXPECT_TRUE(f.reply->Write("abc"));
  f.reply->End();
  const std::string text = f.Take();
  EXPECT_FALSE(Holds(text, "chunked"));
  EXPECT_TRUE(Holds(text, "Connection: close\r\n")) << "the end of the connection ends the body";
  EXPECT_EQ(text.substr(text.size() - 7), "\r\n\r\nabc");
  EXPECT_FALSE(f.queue->keep_alive());
}

TEST(ReplyQueue, WakesOncePerTake) {
  Fixture f;
  f.reply->StartStream({});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(f.reply->Write("x"));
  EXPECT_EQ(f.sink->num_wakes, 1);
  f.Take();
  EXPECT_TRUE(f.reply->Write("x"));
  EXPECT_EQ(f.sink->num_wakes, 2);
}

TEST(ReplyQueue, CutsAStreamThatIsNotRead) {
  Fixture f({}, /*max_unsent_bytes=*/1000);
  f.reply->StartStream({});
  f.Take();
  EXPECT_TRUE(f.reply->Write(std::string(2000, 'x'))) << "one write is not the reader's fault";
  EXPECT_FALSE(f.reply->Write("y"));
  EXPECT_FALSE(f.reply->Write("z"));
  std::string out;
  EXPECT_EQ(f.queue->Take(out), Fate::kCut);
  EXPECT_EQ(out, "") << "what waited is not kept either";
}

TEST(ReplyQueue, BytesCountUntilTheyAreSent) {
  Fixture f({}, /*max_unsent_bytes=*/1000);
  f.reply->StartStream({});
  f.Take();
  EXPECT_TRUE(f.reply->Write(std::string(1500, 'x')));
  std::string out;
  f.queue->Take(out);  // taken, but the socket has no room
  EXPECT_FALSE(f.reply->Write("y"));
}

TEST(ReplyQueue, TellsOnceThatTheClientIsGone) {
  Fixture f;
  int num_calls = 0;
  f.reply->OnGone([&] { ++num_calls; });
  f.queue->Close(/*complete=*/false);
  f.queue->Close(/*complete=*/false);
  EXPECT_EQ(num_calls, 1);
  f.reply->Send({.body = "to nobody"});
  EXPECT_EQ(f.Take(), "");
  EXPECT_FALSE(f.reply->Write("x"));
  EXPECT_EQ(f.sink.use_count(), 1) << "the connection is let go";
}

TEST(ReplyQueue, TellsAtOnceWhenTheClientIsGoneAlready) {
  Fixture f;
  f.queue->Close(/*complete=*/false);
  bool called = false;
  f.reply->OnGone([&] { called = true; });
  EXPECT_TRUE(called);
}

TEST(ReplyQueue, ACompleteReplyHasNobodyGone) {
  Fixture f;
  auto held = std::make_shared<int>();
  bool called = false;
  f.reply->OnGone([&called, held] { called = true; });
  f.reply->Send({});
  f.Take();
  f.queue->Close(/*complete=*/true);
  f.reply->OnGone([&called] { called = true; });
  EXPECT_FALSE(called);
  EXPECT_EQ(held.use_count(), 1) << "what the callback held is freed";
}

TEST(ReplyQueue, ADroppedReplyIsAnswered) {
  Fixture f;
  f.reply = nullptr;
  EXPECT_TRUE(Holds(f.Take(), "HTTP/1.1 500 "));
  EXPECT_EQ(f.fate, Fate::kEnded);
}

TEST(ReplyQueue, ADroppedStreamIsCut) {
  Fixture f;
  f.reply->StartStream({});
  f.reply = nullptr;
  f.Take();
  EXPECT_EQ(f.fate, Fate::kCut);
}

TEST(ReplyQueue, ADrainingServerClosesAfterTheReply) {
  Fixture f;
  f.sink->is_closing = true;
  f.reply->Send({});
  EXPECT_TRUE(Holds(f.Take(), "Connection: close\r\n"));
  EXPECT_FALSE(f.queue->keep_alive());
}

// The engine thread writes while the connection takes and, at some moment, ends.
TEST(ReplyQueue, ThreadsMayMeet) {
  for (int round = 0; round < 50; ++round) {
    Fixture f({}, /*max_unsent_bytes=*/1 << 20);
    std::atomic<int> num_gone = 0;
    std::thread producer([&] {
      f.reply->StartStream({});
      f.reply->OnGone([&] { ++num_gone; });
      for (int i = 0; i < 200 && f.reply->Write("0123456789"); ++i) {
      }
      f.reply->End();
      f.reply = nullptr;
    });
    for (int i = 0; i < round; ++i) f.Take();
    f.queue->Close(/*complete=*/false);
    producer.join();
    EXPECT_LE(num_gone, 1);
    EXPECT_EQ(f.Take(), "");
  }
}

}  // namespace
}  // namespace weir
