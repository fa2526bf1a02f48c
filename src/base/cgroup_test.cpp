// SPDX-License-Identifier: Apache-2.0
#include "base/cgroup.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using cgroup_internal::ParseCfs;
using cgroup_internal::ParseCpuMax;
using cgroup_internal::PathOf;
using cgroup_internal::Upwards;
using ::testing::ElementsAre;

TEST(ParseCpuMax, ReadsQuotaOverPeriod) {
  EXPECT_EQ(ParseCpuMax("200000 100000\n"), 2.0);
  EXPECT_EQ(ParseCpuMax("150000 100000"), 1.5);
  EXPECT_EQ(ParseCpuMax("max 100000\n"), std::nullopt);
}

TEST(ParseCpuMax, NonsenseIsNoLimit) {
  for (const char* text : {"", "\n", "200000", "200000 ", "0 100000", "-1 100000", "100000 0",
                           "100000 -5", "1e5 100000", "200000 100000 7", "0x10 16", "two one",
                           "99999999999999999999 100000", "200000 max", "\xFF\xFE"}) {
    EXPECT_EQ(ParseCpuMax(text), std::nullopt) << text;
  }
}

TEST(ParseCfs, ReadsTwoFiles) {
  EXPECT_EQ(ParseCfs("300000\n", "100000\n"), 3.0);
  EXPECT_EQ(ParseCfs("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(ParseCfs("300000\n", ""), std::nullopt);
  EXPECT_EQ(ParseCfs("", "100000"), std::nullopt);
  EXPECT_EQ(ParseCfs("1 2", "100000"), std::nullopt);
}

TEST(PathOf, FindsTheController) {
  const char* text = "12:name=systemd:/s\n5:cpu,cpuacct:/a:b\n4:cpuset:/no\n0::/v2/x\n";
  EXPECT_EQ(PathOf(text, ""), "/v2/x");
  EXPECT_EQ(PathOf(text, "cpu"), "/a:b");  // a group's name may hold a colon
  EXPECT_EQ(PathOf(text, "cpuacct"), "/a:b");
  EXPECT_EQ(PathOf(text, "memory"), std::nullopt);
}

TEST(PathOf, NonsenseIsNothing) {
  for (const char* text : {"", "\n\n", "0", "0:", "0::", "0::relative", "::", ":::", "5:cpu"}) {
    EXPECT_EQ(PathOf(text, "cpu"), std::nullopt) << text;
    EXPECT_EQ(PathOf(text, ""), std::nullopt) << text;
  }
}

TEST(Upwards, EndsAtTheRoot) {
  EXPECT_THAT(Upwards("/"), ElementsAre("/"));
  EXPECT_THAT(Upwards(""), ElementsAre("/"));
  EXPECT_THAT(Upwards("/a/b"), ElementsAre("/a/b", "/a", "/"));
  EXPECT_THAT(Upwards("/a//b/"), ElementsAre("/a//b", "/a", "/"));
  EXPECT_THAT(Upwards("/../x"), ElementsAre("/"));
  EXPECT_THAT(Upwards("/x/.."), ElementsAre("/"));
}

// A machine's /proc and /sys as far as control groups go.
class CgroupTree : public ::testing::Test {
 protected:
  CgroupTree() {
    root_ = ::testing::TempDir() + "weir_cgroup_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
  }
  ~CgroupTree() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root_ + "/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }

  std::string root_;
};

TEST_F(CgroupTree, NothingThereIsNoLimit) {
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);
  EXPECT_FALSE(FindCgroupMemory(root_).has_value());
}

TEST_F(CgroupTree, Version2TakesTheSmallestOnTheWayUp) {
  Write("proc/self/cgroup", "0::/slice/pod/app\n");
  Write("sys/fs/cgroup/slice/pod/app/cpu.max", "max 100000\n");
  Write("sys/fs/cgroup/slice/pod/cpu.max", "150000 100000\n");
  Write("sys/fs/cgroup/slice/cpu.max", "800000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 1.5);
  Write("sys/fs/cgroup/slice/pod/app/cpu.max", "50000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 0.5);
}

// In a container without a cgroup namespace the path is the host's and does not exist below the
// mount, whose root is the container's own group.
TEST_F(CgroupTree, PathOfTheHostFallsBackToTheRoot) {
  Write("proc/self/cgroup", "0::/kubepods/pod7/abc\n");
  Write("sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 3.0);
}

TEST_F(CgroupTree, GroupOutsideOfTheNamespace) {
  Write("proc/self/cgroup", "0::/../../elsewhere\n");
  Write("sys/fs/cgroup/cpu.max", "300000 100000\n");
  Write("elsewhere/cpu.max", "100000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 3.0);
}

TEST_F(CgroupTree, Version1) {
  Write("proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n");
  Write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "250000\n");
  Write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  Write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  Write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 2.5);
}

// Both versions mounted: the version 2 tree holds no controllers then, and the smaller one counts.
TEST_F(CgroupTree, Hybrid) {
  Write("proc/self/cgroup", "4:cpu:/a\n0::/b\n");
  Write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "400000\n");
  Write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 4.0);
  Write("sys/fs/cgroup/unified/b/cpu.max", "100000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 1.0);
}

TEST_F(CgroupTree, MemoryVersion2) {
  Write("proc/self/cgroup", "0::/pod/app\n");
  Write("sys/fs/cgroup/pod/app/memory.max", "max\n");
  Write("sys/fs/cgroup/pod/app/memory.current", "500\n");
  EXPECT_FALSE(FindCgroupMemory(root_).has_value());
  Write("sys/fs/cgroup/pod/memory.max", "10000\n");
  Write("sys/fs/cgroup/pod/memory.current", "6000\n");
  EXPECT_EQ(FindCgroupMemory(root_)->limit_bytes, 10000);
  EXPECT_EQ(FindCgroupMemory(root_)->available_bytes, 4000);
}

// Reading a model's file fills the group with page cache, which goes as soon as it is needed.
TEST_F(CgroupTree, IdlePagesOfFilesAreAvailable) {
  Write("proc/self/cgroup", "0::/\n");
  Write("sys/fs/cgroup/memory.max", "10000\n");
  Write("sys/fs/cgroup/memory.current", "9000\n");
  Write("sys/fs/cgroup/memory.stat", "anon 1000\nfile 8000\ninactive_file 7000\n");
  EXPECT_EQ(FindCgroupMemory(root_)->available_bytes, 8000);
  Write("sys/fs/cgroup/memory.stat", "inactive_file 99999\n");  // more than is used at all
  EXPECT_EQ(FindCgroupMemory(root_)->available_bytes, 10000);
}

TEST_F(CgroupTree, MoreUsedThanAllowedIsNothingAvailable) {
  Write("proc/self/cgroup", "0::/\n");
  Write("sys/fs/cgroup/memory.max", "100\n");
  Write("sys/fs/cgroup/memory.current", "9000\n");
  EXPECT_EQ(FindCgroupMemory(root_)->available_bytes, 0);
}

TEST_F(CgroupTree, MemoryVersion1) {
  Write("proc/self/cgroup", "4:memory:/a\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n");
  EXPECT_FALSE(FindCgroupMemory(root_).has_value());
  Write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n");
  Write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "96\n");
  EXPECT_EQ(FindCgroupMemory(root_)->available_bytes, 4000);
}

TEST(Cgroup, DoesNotFailOnThisMachine) {
  if (const auto quota = CgroupCpuQuota("/")) {
    EXPECT_GT(*quota, 0.0);
  }
  if (const auto memory = FindCgroupMemory("/")) {
    EXPECT_GE(memory->available_bytes, 0);
    EXPECT_LE(memory->available_bytes, memory->limit_bytes);
  }
}

}  // namespace
}  // namespace weir
