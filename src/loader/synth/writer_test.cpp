// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/model_source.h"
#include "loader/partial_file.h"
#include "loader/synth/folder.h"
#include "loader/test_files.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SynthWriter, WritesAFolderThatOpens) {
  TestFolder parent;
  uint64_t last_done = 0;
  uint64_t last_total = 0;
  const auto report = WriteSynthModel({.preset = "tiny",
                                       .folder = parent.File("a/b"),
                                       .seed = 3,
                                       .on_progress = [&](uint64_t done, uint64_t total) {
                                         EXPECT_GE(done, last_done);
                                         last_done = done;
                                         last_total = total;
                                       }});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->files,
              ElementsAre("model.safetensors", "tokenizer.json", "tokenizer_config.json",
                          "generation_config.json", "config.json"));
  uint64_t bytes = 0;
  for (const std::string& name : report->files) {
    bytes += std::filesystem::file_size(parent.File("a/b/" + name));
  }
  EXPECT_EQ(report->bytes, bytes);
  EXPECT_EQ(last_done, last_total);
  EXPECT_EQ(last_total, std::filesystem::file_size(parent.File("a/b/model.safetensors")));
  const auto model = OpenModel(parent.File("a/b"));
  EXPECT_TRUE(model) << model.error().message;
}

TEST(SynthWriter, EqualSeedsGiveEqualBytes) {
  TestFolder parent;
  for (const auto& [name, seed] : {std::pair{"a", 3}, std::pair{"b", 3}, std::pair{"c", 4}}) {
    ASSERT_TRUE(WriteSynthModel(
        {.preset = "tiny", .folder = parent.File(name), .seed = static_cast<uint64_t>(seed)}));
  }
  EXPECT_EQ(parent.Read("a/model.safetensors"), parent.Read("b/model.safetensors"));
  EXPECT_NE(parent.Read("a/model.safetensors"), parent.Read("c/model.safetensors"));
}

TEST(SynthWriter, ShardsHoldWhatTheSingleFileHolds) {
  TestFolder parent;
  ASSERT_TRUE(WriteSynthModel({.preset = "tiny", .folder = parent.File("one")}));
  const auto report = WriteSynthModel(
      {.preset = "tiny", .folder = parent.File("many"), .max_shard_bytes = 200'000});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->files, Contains("model.safetensors.index.json"));
  EXPECT_THAT(report->files, Not(Contains("model.safetensors")));
  const auto one = OpenModel(parent.File("one"));
  const auto many = OpenModel(parent.File("many"));
  ASSERT_TRUE(one && many);
  ASSERT_EQ(one->weights->Names(), many->weights->Names());
  for (const std::string& name : one->weights->Names()) {
    std::vector<std::byte> unused;
    const int64_t rows = one->weights->Find(name)->shape[0];
    const auto a = one->weights->Rows(name, 0, rows, unused);
    const auto b = many->weights->Rows(name, 0, rows, unused);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << name;
  }
}

TEST(SynthWriter, AFolderInUseIsLeftAlone) {
  TestFolder folder;
  folder.Write("thesis.txt", "years of work");
  const auto refused = WriteSynthModel({.preset = "tiny", .folder = folder.path()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("holds \"thesis.txt\", wanted an empty"));
  EXPECT_FALSE(folder.Has("config.json"));
}

TEST(SynthWriter, ForceReplacesTheModelAndNothingElse) {
  TestFolder folder;
  folder.Write("thesis.txt", "years of work");
  folder.Write("model-00001-of-00009.safetensors", "old");
  folder.Write("model.safetensors.index.json", "old");
  folder.Write("model.safetensors.partial", "old");
  folder.Write("adapter.safetensors", "other");
  const auto report = WriteSynthModel({.preset = "tiny", .folder = folder.path(), .force = true});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(folder.Read("thesis.txt"), "years of work");
  EXPECT_EQ(folder.Read("adapter.safetensors"), "other");
  EXPECT_FALSE(folder.Has("model-00001-of-00009.safetensors"));
  EXPECT_FALSE(folder.Has("model.safetensors.index.json"));
  EXPECT_FALSE(folder.Has("model.safetensors.partial"));
  EXPECT_TRUE(OpenModel(folder.path()));
}

TEST(SynthWriter, WrongArgumentsTouchNothing) {
  TestFolder folder;
  EXPECT_EQ(WriteSynthModel({.preset = "huge", .folder = folder.File("x")}).error().code,
            Code::kNotFound);
  EXPECT_FALSE(folder.Has("x"));
  EXPECT_EQ(WriteSynthModel({.preset = "tiny", .folder = ""}).error().code, Code::kInvalidArgument);
  folder.Write("file", "");
  EXPECT_THAT(WriteSynthModel({.preset = "tiny", .folder = folder.File("file")}).error().message,
              HasSubstr("not a folder"));
  EXPECT_FALSE(WriteSynthModel({.preset = "tiny", .folder = folder.File("file/inside")}));
}

TEST(SynthFolder, AFullDiskIsSeenBeforehand) {
  TestFolder folder;
  folder.Write("model.safetensors", "old");
  const Status refused = PrepareSynthFolder(folder.path(), uint64_t{1} << 60, /*force=*/true);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the model takes 1152921504.607 GB"));
  EXPECT_THAT(refused.error().message, HasSubstr("short"));
  EXPECT_EQ(folder.Read("model.safetensors"), "old");  // nothing was removed
  EXPECT_FALSE(PrepareSynthFolder(folder.File("new"), uint64_t{1} << 60, false));
  EXPECT_FALSE(folder.Has("new"));
}

TEST(PartialFile, AppearsWhenItIsComplete) {
  TestFolder folder;
  folder.Write("x", "old");
  {
    auto file = PartialFile::Create(folder.File("x"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->Write(std::string_view("half")));
    EXPECT_EQ(folder.Read("x"), "old");
  }
  EXPECT_EQ(folder.Read("x"), "old");
  EXPECT_FALSE(folder.Has("x.partial"));
  auto file = PartialFile::Create(folder.File("x"));
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->Write(std::string_view("whole")));
  ASSERT_TRUE(file->Commit());
  EXPECT_EQ(folder.Read("x"), "whole");
  EXPECT_FALSE(folder.Has("x.partial"));
  EXPECT_FALSE(PartialFile::Create(folder.File("nowhere/x")));
}

}  // namespace
}  // namespace weir
