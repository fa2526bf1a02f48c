// SPDX-License-Identifier: Apache-2.0
#include "loader/shard_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ShardIndex, TensorsComeInOrderWithTheirFiles) {
  const auto index =
      ParseShardIndex(R"({"metadata":{"total_size":1.5e10,"note":"x","ok":true},"weight_map":)"
                      R"({"c":"m-2.safetensors","a":"m-2.safetensors","b":"m-1.safetensors"}})",
                      "index.json");
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_THAT(index->files, ElementsAre("m-1.safetensors", "m-2.safetensors"));
  ASSERT_EQ(index->entries.size(), 3u);
  EXPECT_EQ(index->entries[0].tensor, "a");
  EXPECT_EQ(index->entries[0].shard, 1);
  EXPECT_EQ(index->entries[1].tensor, "b");
  EXPECT_EQ(index->entries[1].shard, 0);
}

TEST(ShardIndex, LiesAreRefused) {
  const std::pair<const char*, const char*> lies[] = {
      {"", "not JSON"},
      {"[]", "a list found, wanted a JSON object"},
      {"{}", "weight_map is missing"},
      {R"({"weight_map":{}})", "weight_map is empty"},
      {R"({"weight_map":[]})", "weight_map is a list"},
      {R"({"weight_map":null})", "weight_map is null"},
      {R"({"weight_map":{"a":1}})", "\"a\" maps to a number"},
      {R"({"weight_map":{"a":{}}})", "\"a\" maps to an object"},
      {R"({"weight_map":{"a":"m.safetensors"},"weight_map":{}})", "weight_map stands twice"},
      {R"({"weight_map":{"a":"m.safetensors","a":"m.safetensors"}})", "\"a\" stands twice"},
      {R"({"weight_map":{"a":"m.safetensors","a":"n.safetensors"}})", "\"a\" stands twice"},
      {R"({"weight_map":{"a":"m.safetensors"},"metadata":[]})", "metadata is or holds a list"},
      {R"({"weight_map":{"a":"m.safetensors"},"metadata":{"x":{}}})", "metadata is or holds"},
      {R"({"weight_map":{"a":"m.safetensors"},"other":1})", "field \"other\" is not known"},
      {R"({"weight_map":{"a":"m.safetensors"}} x)", "not JSON"},
  };
  for (const auto& [text, message] : lies) {
    const auto index = ParseShardIndex(text, "index.json");
    ASSERT_FALSE(index) << text;
    EXPECT_THAT(index.error().message, HasSubstr(message)) << text;
  }
}

TEST(ShardIndex, AMessageDoesNotEchoTheFile) {
  for (const std::string& text : {std::string(100'000, '\n') + "\xFF",
                                  "{\"metadata\":{\"x\":" + std::string(100'000, '9') + "e999}}",
                                  "{\"" + std::string(100'000, 'k') + "\":1}"}) {
    const auto index = ParseShardIndex(text, "index.json");
    ASSERT_FALSE(index);
    EXPECT_LT(index.error().message.size(), 400u);
  }
}

TEST(ShardIndex, NothingHidesBehindANul) {
  const std::string text("{\"weight_map\":{\"a\":\"m.safetensors\"}}\0x", 38);
  const auto index = ParseShardIndex(text, "index.json");
  ASSERT_FALSE(index);
  EXPECT_THAT(index.error().message, HasSubstr("a NUL byte"));
}

TEST(ShardIndex, NoNameLeavesTheFolder) {
  for (const char* name : {"../m.safetensors", "/etc/m.safetensors", "sub/m.safetensors", "..", ".",
                           "", "..safetensors", ".safetensors", "m.bin", "sub\\\\m.safetensors",
                           "m\\u0000.safetensors", "m.safetensors\\n", "m\\n.safetensors"}) {
    const auto index =
        ParseShardIndex(fmt::format(R"({{"weight_map":{{"a":"{}"}}}})", name), "index.json");
    ASSERT_FALSE(index) << name;
    EXPECT_THAT(index.error().message, HasSubstr("wanted a plain file name")) << name;
  }
}

TEST(ShardIndex, ManyShardsAreRefusedAndManyTensorsAreNot) {
  std::string shards;
  std::string tensors;
  for (int i = 0; i < 50'000; ++i) {
    const char* comma = i == 0 ? "" : ",";
    shards += fmt::format(R"({}"t{}":"m-{}.safetensors")", comma, i, i);
    tensors += fmt::format(R"({}"t{}":"m-{}.safetensors")", comma, i, i % 100);
  }
  const auto refused = ParseShardIndex("{\"weight_map\":{" + shards + "}}", "index.json");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("50000 shards, at most 4096"));
  const auto index = ParseShardIndex("{\"weight_map\":{" + tensors + "}}", "index.json");
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_EQ(index->files.size(), 100u);
  EXPECT_EQ(index->entries.size(), 50'000u);
}

}  // namespace
}  // namespace weir
