// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_set.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

namespace weir {
namespace {

using ::testing::ElementsAre;

TEST(FormatCpuList, JoinsRuns) {
  EXPECT_EQ(FormatCpuList(std::vector<int32_t>{}), "none");
  EXPECT_EQ(FormatCpuList(std::vector<int32_t>{5}), "5");
  EXPECT_EQ(FormatCpuList(std::vector<int32_t>{0, 1}), "0-1");
  EXPECT_EQ(FormatCpuList(std::vector<int32_t>{0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(FormatCpuList(std::vector<int32_t>{1, 3, 5, 6}), "1,3,5-6");
}

TEST(CombineCpus, QuotaIsRoundedUp) {
  const auto threads = [](std::optional<double> quota) {
    return CombineCpus({0, 1, 2, 3}, quota).num_threads;
  };
  EXPECT_EQ(threads(std::nullopt), 4);
  EXPECT_EQ(threads(4.0), 4);
  EXPECT_EQ(threads(64.0), 4);
  EXPECT_EQ(threads(2.0), 2);
  EXPECT_EQ(threads(1.5), 2);  // 1 would leave half a CPU unused
  EXPECT_EQ(threads(0.01), 1);
}

TEST(CombineCpus, NonsenseQuotaIsNoQuota) {
  for (const double quota : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(CombineCpus({0, 1}, quota).num_threads, 2) << quota;
  }
}

TEST(CombineCpus, SaysWhy) {
  EXPECT_EQ(CombineCpus({0, 1, 2, 3}, 2.0).why, "affinity 0-3, cgroup quota 2.00");
  EXPECT_EQ(CombineCpus({2, 7}, std::nullopt).why, "affinity 2,7");
}

TEST(CombineCpus, UnknownAffinityIsOneCpu) {
  const UsableCpus usable = CombineCpus({}, std::nullopt);
  EXPECT_THAT(usable.ids, ElementsAre(0));
  EXPECT_EQ(usable.num_threads, 1);
  EXPECT_EQ(usable.why, "affinity unknown");
}

TEST(FindUsableCpus, HoldsOnThisMachine) {
  const UsableCpus usable = FindUsableCpus();
  EXPECT_EQ(usable.ids, CurrentThreadCpus());
  EXPECT_GE(usable.num_threads, 1);
  EXPECT_LE(usable.num_threads, static_cast<int32_t>(usable.ids.size()));
}

TEST(BindCurrentThread, IsSeenByTheMaskAndByTheCount) {
  std::thread([] {
    const std::vector<int32_t> before = CurrentThreadCpus();
    ASSERT_TRUE(BindCurrentThread({&before.back(), 1}));
    EXPECT_THAT(CurrentThreadCpus(), ElementsAre(before.back()));
    EXPECT_EQ(FindUsableCpus().num_threads, 1);
    ASSERT_TRUE(BindCurrentThread(before));
    EXPECT_EQ(CurrentThreadCpus(), before);
  }).join();
}

TEST(BindCurrentThread, RefusesWhatIsNoCpu) {
  const std::vector<int32_t> before = CurrentThreadCpus();
  EXPECT_FALSE(BindCurrentThread({}));
  EXPECT_FALSE(BindCurrentThread(std::vector<int32_t>{-1}));
  EXPECT_FALSE(BindCurrentThread(std::vector<int32_t>{1000000}));  // no machine has so many
  EXPECT_FALSE(BindCurrentThread(std::vector<int32_t>{std::numeric_limits<int32_t>::max()}));
  EXPECT_EQ(CurrentThreadCpus(), before);
}

}  // namespace
}  // namespace weir
