// SPDX-License-Identifier: Apache-2.0
//
// What a damaged disk, a broken download or a full file system does to a model folder: every fault
// ends in an error that names the file, and none in a crash or a half-written folder.
#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/model_source.h"
#include "loader/safetensors.h"
#include "loader/synth/writer.h"
#include "loader/test_files.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LoaderFault : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto report =
        WriteSynthModel({.preset = "tiny", .folder = folder_, .max_shard_bytes = 400'000});
    ASSERT_TRUE(report) << report.error().message;
  }

  std::string ErrorOf(const std::string& spec) {
    const auto model = OpenModel(spec);
    return model ? "opened" : model.error().message;
  }

  TestFolder parent_;
  const std::string folder_ = parent_.File("model");
};

TEST_F(LoaderFault, ATruncatedShardIsNamedWhateverItsLength) {
  const std::string name = "model/model-00002-of-00004.safetensors";
  const std::string whole = parent_.Read(name);
  ASSERT_FALSE(whole.empty());
  std::mt19937 random(1);
  std::vector<size_t> lengths = {0, 1, 7, 8, 9, whole.size() / 2, whole.size() - 1};
  for (int i = 0; i < 100; ++i) lengths.push_back(random() % whole.size());
  for (const size_t length : lengths) {
    parent_.Write(name, whole.substr(0, length));
    EXPECT_THAT(ErrorOf(folder_), HasSubstr("model-00002-of-00004.safetensors: ")) << length;
  }
  parent_.Write(name, whole + "x");
  EXPECT_THAT(ErrorOf(folder_), HasSubstr("the last 1 bytes belong to no tensor"));
  parent_.Write(name, whole);
  EXPECT_EQ(ErrorOf(folder_), "opened");
}

// A flipped bit in a header may make another legal header, never one that reads outside of the
// file.
TEST_F(LoaderFault, AFlippedHeaderBitNeverReachesOutside) {
  const std::string whole = parent_.Read("model/model-00001-of-00004.safetensors");
  const size_t header_bytes = std::min<size_t>(whole.size(), 2000);
  size_t num_refused = 0;
  for (size_t bit = 0; bit < 8 * header_bytes; bit += 13) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    parent_.Write("flipped.safetensors", flipped);
    const auto source = OpenSafetensorsFile(parent_.File("flipped.safetensors"));
    if (!source) {
      ++num_refused;
      continue;
    }
    for (const std::string& tensor : (*source)->Names()) {
      const TensorInfo* info = (*source)->Find(tensor);
      if (info == nullptr) continue;
      std::vector<std::byte> scratch;
      const auto rows = (*source)->Rows(tensor, 0, info->shape[0], scratch);
      ASSERT_LE(rows.size(), whole.size());
      if (!rows.empty()) {
        EXPECT_GE(std::to_integer<int>(rows.front()) + std::to_integer<int>(rows.back()), 0);
      }
    }
  }
  EXPECT_GT(num_refused, 0u);
}

TEST_F(LoaderFault, FilesThatAreNoFilesAreRefused) {
  for (const char* name : {"config.json", "tokenizer.json", "model-00001-of-00004.safetensors",
                           "model.safetensors.index.json"}) {
    const std::string path = folder_ + "/" + name;
    const std::string saved = parent_.Read(std::string("model/") + name);
    fs::remove(path);
    fs::create_directory(path);
    EXPECT_THAT(ErrorOf(folder_), HasSubstr(name)) << "a folder in place of a file";
    fs::remove(path);
    fs::create_symlink("nothing-there", path);
    EXPECT_THAT(ErrorOf(folder_), HasSubstr(name)) << "a dangling link";
    fs::remove(path);
    parent_.Write(std::string("model/") + name, saved);
    EXPECT_EQ(ErrorOf(folder_), "opened");
  }
}

// The cache of Hugging Face keeps files elsewhere and links to them.
TEST_F(LoaderFault, LinksToFilesElsewhereAreFollowed) {
  fs::create_directory(parent_.File("blobs"));
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const fs::path blob = fs::path(parent_.File("blobs")) / entry.path().filename();
    fs::rename(entry.path(), blob);
    fs::create_symlink(blob, entry.path());
  }
  EXPECT_EQ(ErrorOf(folder_), "opened");
}

TEST_F(LoaderFault, HugeTextsAreNotRead) {
  // A sparse file: the size is a claim that costs nothing to make.
  for (const char* name : {"config.json", "tokenizer.json", "generation_config.json"}) {
    const std::string path = folder_ + "/" + name;
    const auto size = fs::file_size(path);
    fs::resize_file(path, uintmax_t{1} << 40);
    EXPECT_THAT(ErrorOf(folder_), HasSubstr("1099511627776 bytes, at most")) << name;
    fs::resize_file(path, size);
  }
  EXPECT_EQ(ErrorOf(folder_), "opened");
}

TEST_F(LoaderFault, AFullDiskLeavesNoModelBehind) {
  // A file size limit stands in for the disk: the kernel refuses the write in the middle of a
  // shard.
  ASSERT_NE(std::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto report = WriteSynthModel({.preset = "tiny", .folder = parent_.File("full")});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kIo);
  EXPECT_THAT(report.error().message, HasSubstr("model.safetensors.partial: cannot write: "));
  EXPECT_TRUE(fs::is_empty(parent_.File("full")));
}

TEST_F(LoaderFault, AFolderThatCannotBeWrittenIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "permissions do not bind root";
  fs::create_directory(parent_.File("locked"));
  fs::permissions(parent_.File("locked"), fs::perms::owner_read | fs::perms::owner_exec);
  const auto report = WriteSynthModel({.preset = "tiny", .folder = parent_.File("locked")});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kIo);
}

}  // namespace
}  // namespace weir
