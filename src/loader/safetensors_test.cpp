// SPDX-License-Identifier: Apache-2.0
#include "loader/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/test_files.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A shard with one BF16 tensor of one row per name.
std::string Shard(std::initializer_list<const char*> names) {
  std::string header = "{";
  std::string data;
  for (const char* name : names) {
    if (!data.empty()) header += ",";
    header += "\"" + std::string(name) + R"(":{"dtype":"BF16","shape":[1],"data_offsets":[)" +
              std::to_string(data.size()) + "," + std::to_string(data.size() + 2) + "]}";
    data += "xx";
  }
  return SafetensorsFile(header + "}", data);
}

Error FolderError(const TestFolder& folder) {
  const auto source = OpenSafetensorsFolder(folder.path());
  EXPECT_FALSE(source);
  return source ? Error{} : source.error();
}

TEST(Safetensors, RowsAreViewsIntoTheFile) {
  TestFolder folder;
  folder.Write("model.safetensors",
               SafetensorsFile(R"({"w":{"dtype":"BF16","shape":[3,2],"data_offsets":[0,12]},)"
                               R"("s":{"dtype":"F32","shape":[],"data_offsets":[12,16]}})",
                               "aAbBcCdDeEfFssss"));
  const auto source = OpenSafetensorsFolder(folder.path());
  ASSERT_TRUE(source) << source.error().message;
  const WeightSource& weights = **source;
  EXPECT_THAT(weights.Names(), ElementsAre("s", "w"));
  EXPECT_EQ(weights.Where("w"), folder.File("model.safetensors"));
  ASSERT_NE(weights.Find("w"), nullptr);
  EXPECT_EQ(weights.Find("w")->dtype, DType::kBF16);
  EXPECT_EQ(weights.Find("w")->shape, (Shape{3, 2}));
  EXPECT_EQ(weights.Find("v"), nullptr);

  std::vector<std::byte> scratch;
  EXPECT_EQ(Text(weights.Rows("w", 0, 3, scratch)), "aAbBcCdDeEfF");
  EXPECT_EQ(Text(weights.Rows("w", 1, 2, scratch)), "cCdD");
  EXPECT_EQ(Text(weights.Rows("w", 2, 2, scratch)), "");
  EXPECT_EQ(Text(weights.Rows("s", 0, 1, scratch)), "ssss");  // a scalar is one row
  EXPECT_TRUE(scratch.empty());
  weights.Forget("w");
  weights.Forget("v");
  EXPECT_EQ(Text(weights.Rows("w", 2, 3, scratch)), "eEfF");  // comes back from the file
}

TEST(Safetensors, WhatCannotBeReadSaysWhy) {
  TestFolder folder;
  folder.Write("model.safetensors",
               SafetensorsFile(R"({"i":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
                               R"("f":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[1,2]},)"
                               R"("d":{"dtype":"F16","shape":[1,1,1,1,1],"data_offsets":[2,4]}})",
                               "ifdd"));
  const auto source = OpenSafetensorsFolder(folder.path());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT((*source)->Names(), ElementsAre("d", "f", "i"));
  EXPECT_EQ((*source)->Find("f"), nullptr);
  const auto f = RequireTensor(**source, "f");
  ASSERT_FALSE(f);
  EXPECT_EQ(f.error().code, Code::kUnsupported);
  EXPECT_THAT(f.error().message, HasSubstr("\"f\": dtype F8_E4M3 is not supported, wanted BF16"));
  EXPECT_THAT(RequireTensor(**source, "d").error().message, HasSubstr("5 dimensions, at most 4"));
  const auto missing = RequireTensor(**source, "nothing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kInvalidModel);
  EXPECT_THAT(missing.error().message,
              HasSubstr("model.safetensors: tensor \"nothing\" is missing"));
}

TEST(Safetensors, ShardsAreOneSource) {
  TestFolder folder;
  folder.Write("m-1.safetensors", Shard({"a", "c"}));
  folder.Write("m-2.safetensors", Shard({"b"}));
  folder.Write("model.safetensors.index.json",
               R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors",)"
               R"("c":"m-1.safetensors"}})");
  const auto source = OpenSafetensorsFolder(folder.path());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT((*source)->Names(), ElementsAre("a", "b", "c"));
  EXPECT_EQ((*source)->Where("b"), folder.File("m-2.safetensors"));
}

TEST(Safetensors, IndexAndShardsMustAgree) {
  const auto message = [](const std::string& map) {
    TestFolder folder;
    folder.Write("m-1.safetensors", Shard({"a", "c"}));
    folder.Write("m-2.safetensors", Shard({"b", "d"}));
    folder.Write("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
    return FolderError(folder).message;
  };
  const std::string a = R"("a":"m-1.safetensors")";
  const std::string b = R"(,"b":"m-2.safetensors")";
  const std::string c = R"(,"c":"m-1.safetensors")";
  const std::string d = R"(,"d":"m-2.safetensors")";
  EXPECT_THAT(message(a + b + c + d + R"(,"e":"m-1.safetensors")"),
              HasSubstr("tensor \"e\" should be in m-1.safetensors, but"));
  EXPECT_THAT(message(a + b + c + d + R"(,"0":"m-2.safetensors")"),
              HasSubstr("tensor \"0\" should be in m-2.safetensors, but"));
  EXPECT_THAT(message(a + R"(,"b":"m-1.safetensors")" + c + d),
              HasSubstr("tensor \"b\" should be in m-1.safetensors, but"));
  EXPECT_THAT(message(a + b + d), HasSubstr("tensor \"c\" is not in the index"));
  EXPECT_THAT(message(a + b + c), HasSubstr("tensor \"d\" is not in the index"));
  EXPECT_THAT(message(a + b + c + d + R"(,"e":"m-3.safetensors")"),
              HasSubstr("the shard m-3.safetensors is missing"));
}

TEST(Safetensors, NoTensorStandsInTwoShards) {
  TestFolder folder;
  folder.Write("m-1.safetensors", Shard({"a", "b"}));
  folder.Write("m-2.safetensors", Shard({"b"}));
  folder.Write("model.safetensors.index.json",
               R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  EXPECT_THAT(FolderError(folder).message, HasSubstr("tensor \"b\" stands in two shards"));
}

TEST(Safetensors, FolderWithoutWeightsSaysWhatIsRead) {
  TestFolder folder;
  EXPECT_EQ(FolderError(folder).code, Code::kNotFound);
  folder.Write("pytorch_model.bin", "");
  EXPECT_THAT(FolderError(folder).message, HasSubstr("pytorch_model.bin is not read"));
}

}  // namespace
}  // namespace weir
