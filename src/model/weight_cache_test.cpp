// SPDX-License-Identifier: Apache-2.0
//
// What the cache gives back is what was stored under the same key, whole; anything else is removed.
#include "model/weight_cache.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WeightCacheTest : public testing::Test {
 protected:
  WeightCacheTest() {
    std::string pattern = testing::TempDir() + "weight_cache_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    options_.folder = root_ + "/weir/weights";
  }
  ~WeightCacheTest() override { fs::remove_all(root_); }

  WeightCache Cache() const { return WeightCache(options_); }
  static std::vector<std::byte> Weights(size_t size, int seed = 0) {
    std::vector<std::byte> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + seed);
    return bytes;
  }
  void Store(std::string_view key, const std::vector<std::byte>& weights) {
    const Status stored = Cache().Store(key, weights);
    ASSERT_TRUE(stored) << stored.error().message;
  }
  // Overwrites one byte of the file of `key`.
  void Damage(std::string_view key, int64_t at) {
    std::fstream file(Cache().PathOf(key), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
  }
  bool IsThere(std::string_view key) const { return fs::exists(Cache().PathOf(key)); }

  std::string root_;
  WeightCacheOptions options_;
};

TEST_F(WeightCacheTest, GivesBackWhatWasStored) {
  const auto weights = Weights(100'000);
  EXPECT_FALSE(Cache().Find("key", 100'000));
  Store("key", weights);
  options_.verify = true;
  const auto found = Cache().Find("key", 100'000);
  ASSERT_TRUE(found);
  const auto bytes = found->bytes().subspan(kWeightCacheHeaderBytes);
  ASSERT_EQ(bytes.size(), weights.size());
  EXPECT_EQ(std::memcmp(bytes.data(), weights.data(), weights.size()), 0);
  EXPECT_FALSE(Cache().Find("other key", 100'000));
}

TEST_F(WeightCacheTest, IsForItsOwnerOnly) {
  Store("key", Weights(10));
  struct stat info = {};
  ASSERT_EQ(::stat(options_.folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat(Cache().PathOf("key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(WeightCacheTest, DoesNotTrustWhatOthersMayWrite) {
  Store("key", Weights(10));
  ASSERT_EQ(::chmod(Cache().PathOf("key").c_str(), 0666), 0);
  EXPECT_FALSE(Cache().Find("key", 10));
  ASSERT_EQ(::chmod(Cache().PathOf("key").c_str(), 0600), 0);
  EXPECT_TRUE(Cache().Find("key", 10));
  ASSERT_EQ(::chmod(options_.folder.c_str(), 0777), 0);
  EXPECT_FALSE(Cache().Find("key", 10));
  EXPECT_FALSE(Cache().Store("key", Weights(10)));
}

TEST_F(WeightCacheTest, DoesNotFollowLinks) {
  Store("key", Weights(10));
  const std::string path = Cache().PathOf("key");
  fs::rename(path, root_ + "/elsewhere");
  fs::create_symlink(root_ + "/elsewhere", path);
  EXPECT_FALSE(Cache().Find("key", 10));
}

TEST_F(WeightCacheTest, RemovesWhatHasAnotherLengthOrKey) {
  for (const int64_t cut :
       {int64_t{0}, int64_t{7}, kWeightCacheHeaderBytes, kWeightCacheHeaderBytes + 999}) {
    Store("key", Weights(1000));
    fs::resize_file(Cache().PathOf("key"), static_cast<size_t>(cut));
    EXPECT_FALSE(Cache().Find("key", 1000)) << cut;
    EXPECT_FALSE(IsThere("key")) << cut;
  }
  Store("key", Weights(1000));
  EXPECT_FALSE(Cache().Find("key", 1001));
  EXPECT_FALSE(IsThere("key"));
  Store("key", Weights(1000));
  Store("other", Weights(1000));
  fs::rename(Cache().PathOf("other"), Cache().PathOf("key"));
  EXPECT_FALSE(Cache().Find("key", 1000)) << "a file under another's name";
}

TEST_F(WeightCacheTest, RemovesAHeaderThatLies) {
  for (const int64_t at : {0, 8, 12, 15, 16, 23, 32, 33}) {  // magic, format, lengths, key
    Store("key", Weights(1000));
    Damage("key", at);
    EXPECT_FALSE(Cache().Find("key", 1000)) << at;
    EXPECT_FALSE(IsThere("key")) << at;
  }
}

TEST_F(WeightCacheTest, FindsDamageWhenToldToVerify) {
  for (const int64_t at : {0, 1, 31, 32, 500, 998, 999}) {
    options_.verify = false;
    Store("key", Weights(1000));
    Damage("key", kWeightCacheHeaderBytes + at);
    EXPECT_TRUE(Cache().Find("key", 1000)) << "the hash is not read";
    options_.verify = true;
    EXPECT_FALSE(Cache().Find("key", 1000)) << at;
    EXPECT_FALSE(IsThere("key")) << at;
  }
}

TEST_F(WeightCacheTest, EvictsTheLeastRecentlyUsed) {
  options_.max_bytes = 3 * (kWeightCacheHeaderBytes + 1000);
  const auto used_hours_ago = [&](const char* key, int hours) {
    fs::last_write_time(Cache().PathOf(key),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  Store("a", Weights(1000));
  Store("b", Weights(1000));
  Store("c", Weights(1000));
  used_hours_ago("a", 3);
  used_hours_ago("b", 2);
  used_hours_ago("c", 1);
  EXPECT_TRUE(Cache().Find("a", 1000));  // used now
  Store("d", Weights(1000));
  EXPECT_TRUE(IsThere("a"));
  EXPECT_FALSE(IsThere("b"));
  EXPECT_TRUE(IsThere("c"));
  EXPECT_TRUE(IsThere("d"));
}

TEST_F(WeightCacheTest, RefusesWhatHasNoRoom) {
  options_.max_bytes = 1000;
  const Status stored = Cache().Store("key", Weights(1000));
  ASSERT_FALSE(stored);
  EXPECT_THAT(stored.error().message, HasSubstr("the cache may hold 1000"));
  EXPECT_FALSE(WeightCache(options_).Store(std::string(5000, 'k'), Weights(1)));
}

TEST_F(WeightCacheTest, RemovesWhatDeadWritersLeft) {
  Store("a", Weights(10));
  const std::string old_file = options_.folder + "/.writing-1-1";
  const std::string new_file = options_.folder + "/.writing-2-2";
  std::ofstream(old_file) << "x";
  std::ofstream(new_file) << "x";
  fs::last_write_time(old_file, fs::file_time_type::clock::now() - std::chrono::hours(24));
  Store("b", Weights(10));
  EXPECT_FALSE(fs::exists(old_file));
  EXPECT_TRUE(fs::exists(new_file)) << "someone may be writing it";
}

// Whoever is last leaves a whole file, and whoever mapped an earlier one keeps that.
TEST_F(WeightCacheTest, WritersAtTheSameTimeDoNotDisturbEachOther) {
  const auto weights = Weights(300'000);
  Store("key", weights);
  const auto mapped = Cache().Find("key", 300'000);
  ASSERT_TRUE(mapped);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int run = 0; run < 5; ++run) EXPECT_TRUE(Cache().Store("key", weights));
    });
  }
  for (std::thread& thread : threads) thread.join();
  options_.verify = true;
  EXPECT_TRUE(Cache().Find("key", 300'000));
  EXPECT_EQ(
      std::memcmp(mapped->bytes().data() + kWeightCacheHeaderBytes, weights.data(), weights.size()),
      0);
  EXPECT_EQ(std::distance(fs::directory_iterator(options_.folder), fs::directory_iterator()), 1);
}

TEST_F(WeightCacheTest, WriterIsDoneWhenItEnds) {
  const auto weights = Weights(1000);
  { const WeightCacheWriter writer(options_, "key", weights); }
  EXPECT_TRUE(Cache().Find("key", 1000));
}

TEST_F(WeightCacheTest, NoFolderIsNoCache) {
  options_.folder.clear();
  EXPECT_FALSE(Cache().Find("key", 10));
}

}  // namespace
}  // namespace weir
