// SPDX-License-Identifier: Apache-2.0
#include "cli/tuned_profile.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "cli/output_file.h"

namespace weir {
namespace {

std::string Folder(const char* name) {
  const std::string folder = testing::TempDir() + "tuned_profile_test." + name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(ProfilePath, FollowsTheXdgRules) {
  EXPECT_EQ(ProfilePathIn("/caches", "/folks/x"), "/caches/weir/device.json");
  EXPECT_EQ(ProfilePathIn("", "/folks/x"), "/folks/x/.cache/weir/device.json");
  EXPECT_EQ(ProfilePathIn("caches", "/folks/x"), "/folks/x/.cache/weir/device.json")
      << "a relative folder is ignored";
  EXPECT_EQ(ProfilePathIn("", ""), "");
}

TEST(ProfilePath, ComesFromTheEnvironment) {
  ::setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_EQ(DefaultProfilePath(), "/caches/weir/device.json");
  ::unsetenv("XDG_CACHE_HOME");
}

TEST(FindTunedProfile, NoFileIsNoProfile) {
  EXPECT_FALSE(FindTunedProfile("", 2).has_value());
  EXPECT_FALSE(FindTunedProfile(Folder("absent") + "/device.json", 2).has_value());
}

TEST(FindTunedProfile, AFileForAsManyThreadsIsUsed) {
  const std::string path = Folder("fits") + "/weir/device.json";
  DeviceProfile profile = DefaultCpuProfile(3);
  profile.worker_gb_s = 12.5;
  ASSERT_TRUE(ReplaceOutputFile("--out", path, DumpDeviceProfile(profile)));
  const auto found = FindTunedProfile(path, 3);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->worker_gb_s, 12.5);
  EXPECT_FALSE(FindTunedProfile(path, 2).has_value()) << "made for three";
}

TEST(FindTunedProfile, ABrokenFileStopsNobody) {
  const std::string path = Folder("broken") + "/device.json";
  for (const std::string& text : {std::string(), std::string("{}"), std::string("{\"name\": 1}"),
                                  std::string(1 << 20, 'x'), std::string("\xff\xfe\0", 3)}) {
    ASSERT_TRUE(ReplaceOutputFile("--out", path, text));
    EXPECT_FALSE(FindTunedProfile(path, 1).has_value());
  }
  EXPECT_FALSE(FindTunedProfile(testing::TempDir(), 1).has_value()) << "a folder";
}

TEST(ReplaceOutputFile, ReplacesAndLeavesNothingElse) {
  const std::string folder = Folder("replace");
  const std::string path = folder + "/a/b.json";
  ASSERT_TRUE(ReplaceOutputFile("--out", path, "first"));
  ASSERT_TRUE(ReplaceOutputFile("--out", path, "second"));
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder + "/a"), {}), 1);
}

TEST(ReplaceOutputFile, NamesTheOptionAndTheFile) {
  const std::string folder = Folder("refused");
  ASSERT_TRUE(ReplaceOutputFile("--out", folder + "/file", ""));
  const Status status = ReplaceOutputFile("--out", folder + "/file/below", "");
  ASSERT_FALSE(status.has_value());
  EXPECT_TRUE(status.error().message.starts_with("--out: " + folder + "/file/below: "));
  EXPECT_FALSE(ReplaceOutputFile("--out", folder, "").has_value()) << "a folder";
}

}  // namespace
}  // namespace weir
