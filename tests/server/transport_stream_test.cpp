// SPDX-License-Identifier: Apache-2.0
//
// Streams: flushed chunk by chunk, cut when they are not read, given up when the client leaves.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "transport_testbed.h"

namespace weir {
namespace {

HeldReplies::Held StartStream(TestServer& t, Client& client) {
  client.Send(Get("/held"));
  auto held = t.held.Next();
  held.reply->StartStream({.content_type = "text/event-stream"});
  EXPECT_NE(client.ReadUntil("\r\n\r\n").find("text/event-stream"), std::string::npos);
  return held;
}

TEST(TransportStream, EveryWriteArrivesBeforeTheNext) {
  TestServer t;
  Client client = t.Connect();
  auto held = StartStream(t, client);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(held.reply->Write("data: {}\n\n"));
    EXPECT_EQ(client.ReadBytes(15), "a\r\ndata: {}\n\n\r\n");
  }
  held.reply->End();
  EXPECT_EQ(client.ReadBytes(5), "0\r\n\r\n");
  EXPECT_EQ(client.Ask(Get("/hello")).body, "hi") << "the connection goes on";
}

TEST(TransportStream, OldClientsReadToTheEnd) {
  TestServer t;
  Client client = t.Connect();
  client.Send("GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto held = t.held.Next();
  held.reply->StartStream({});
  EXPECT_TRUE(held.reply->Write("abc"));
  held.reply->End();
  EXPECT_EQ(client.ReadReply().body, "abc");
}

// Nothing is being written when the client leaves: it shows all the same, and at once.
TEST(TransportStream, TellsWhenTheClientCloses) {
  TestServer t;
  Flag gone;
  auto client = std::make_unique<Client>(t.server->port());
  auto held = StartStream(t, *client);
  held.reply->OnGone([&] { gone.Set(); });
  client = nullptr;
  EXPECT_TRUE(gone.Wait());
  EXPECT_FALSE(held.reply->Write("x"));
  const HttpRecord record = t.WaitForRecords(1)[0];
  EXPECT_TRUE(record.gone);
  EXPECT_EQ(record.status, 200);
}

TEST(TransportStream, TellsWhenTheConnectionIsReset) {
  TestServer t;
  Flag gone;
  Client client = t.Connect();
  client.Send(Get("/held"));
  auto held = t.held.Next();  // no head yet
  held.reply->OnGone([&] { gone.Set(); });
  client.Reset();
  EXPECT_TRUE(gone.Wait());
  EXPECT_EQ(t.WaitForRecords(1)[0].status, 0);
}

TEST(TransportStream, TheEndOfAClientsSendingCountsAsLeaving) {
  TestServer t;
  Flag gone;
  Client client = t.Connect();
  auto held = StartStream(t, client);
  held.reply->OnGone([&] { gone.Set(); });
  client.EndSending();
  EXPECT_TRUE(gone.Wait());
}

TEST(TransportStream, WhatIsAnsweredAlreadyStillReachesAClientThatEndedSending) {
  TestServer t;
  Client client = t.Connect();
  const std::string large(2'000'000, 'x');
  client.Send(Post("/echo", large));
  client.EndSending();
  EXPECT_EQ(client.ReadReply().body, large);
  EXPECT_TRUE(client.AtEnd());
}

// More is sent ahead than is read; that the client has left shows nevertheless.
TEST(TransportStream, TellsWhenAClientWithALongQueueLeaves) {
  TestServer t;
  Flag gone;
  Client client = t.Connect();
  auto held = StartStream(t, client);
  held.reply->OnGone([&] { gone.Set(); });
  std::string many;
  while (many.size() < 300'000) many += Get("/hello");
  ASSERT_TRUE(client.Send(many));
  client.Reset();
  EXPECT_TRUE(gone.Wait());
}

TEST(TransportStream, CutsAReaderThatDoesNotReadAndNobodyElse) {
  TestServer t({.max_unsent_bytes = 100'000, .send_buffer_bytes = 10'000});
  Client slow(t.server->port(), /*receive_buffer_bytes=*/10'000);
  Client neighbour = t.Connect();
  auto slow_held = StartStream(t, slow);
  auto neighbour_held = StartStream(t, neighbour);
  Flag gone;
  std::atomic<bool> neighbour_gone = false;
  slow_held.reply->OnGone([&] { gone.Set(); });
  neighbour_held.reply->OnGone([&] { neighbour_gone = true; });
  const std::string piece(1000, 'x');
  int num_written = 0;
  while (slow_held.reply->Write(piece)) {
    ASSERT_TRUE(neighbour_held.reply->Write(piece));
    EXPECT_EQ(neighbour.ReadBytes(1007).size(), 1007u);
    ASSERT_LT(++num_written, 100'000) << "no bound";
  }
  EXPECT_GE(num_written, 99) << "what the bound allows is kept for a reader that is only late";
  EXPECT_TRUE(gone.Wait());
  EXPECT_TRUE(neighbour_held.reply->Write("data: on\n\n"));
  neighbour_held.reply->End();
  EXPECT_NE(neighbour.ReadUntil("0\r\n\r\n").find("data: on"), std::string::npos);
  EXPECT_FALSE(neighbour_gone);
  const std::string rest = slow.ReadToEnd();
  EXPECT_EQ(rest.find("0\r\n\r\n"), std::string::npos) << "a cut stream does not look complete";
}

TEST(TransportStream, CutsAReaderOfOneAnswerThatStopsReading) {
  TestServer t({.timeouts = {.write_ms = 50}, .send_buffer_bytes = 10'000});
  Client slow(t.server->port(), /*receive_buffer_bytes=*/10'000);
  slow.Send(Get("/held"));
  auto held = t.held.Next();
  Flag gone;
  held.reply->OnGone([&] { gone.Set(); });
  held.reply->Send({.body = std::string(5'000'000, 'x')});
  EXPECT_TRUE(gone.Wait());
}

TEST(TransportStream, AStreamThatIsDroppedIsCut) {
  TestServer t;
  Client client = t.Connect();
  auto held = StartStream(t, client);
  held.reply = nullptr;
  EXPECT_TRUE(client.AtEnd()) << "no last chunk: the client knows that it is not whole";
}

// As an engine's steps do: one thread writes to all streams, clients come and go.
TEST(TransportStream, ManyStreamsOfOneThread) {
  TestServer t({.num_threads = 4});
  constexpr int kClients = 48;
  constexpr int kSteps = 200;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::shared_ptr<HttpReply>> replies;
  std::atomic<int> num_gone = 0;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(t.server->port()));
    replies.push_back(StartStream(t, *clients.back()).reply);
    replies.back()->OnGone([&] { ++num_gone; });
  }
  std::thread engine([&] {
    for (int step = 0; step < kSteps; ++step) {
      for (const auto& reply : replies) (void)reply->Write("data: 1\n\n");
    }
    for (const auto& reply : replies) reply->End();
    replies.clear();
  });
  for (int i = 0; i < kClients; i += 3) clients[i] = nullptr;
  int num_whole = 0;
  for (const auto& client : clients) {
    if (client) num_whole += client->ReadUntil("0\r\n\r\n").size() == kSteps * 14 + 5;
  }
  engine.join();
  EXPECT_EQ(num_whole, kClients - kClients / 3);
  EXPECT_EQ(t.WaitForRecords(kClients).size(), static_cast<size_t>(kClients));
  EXPECT_LE(num_gone, kClients / 3);
  EXPECT_TRUE(t.server->WaitForReplies(std::chrono::milliseconds(30'000)));
}

}  // namespace
}  // namespace weir
