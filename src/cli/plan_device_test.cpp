// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_device.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cpu_set.h"

namespace weir {
namespace {

using testing::HasSubstr;

std::string Problem(const PlanDeviceOptions& options) {
  const auto device = ChooseDevice(options);
  return device ? "" : device.error().message;
}

TEST(PlanDevice, WithoutOptionsItIsThisMachine) {
  const auto device = ChooseDevice({});
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(device->name, "cpu");
  EXPECT_EQ(device->num_workers, FindUsableCpus().num_threads);
  EXPECT_EQ(ChooseDevice({.threads = 7})->num_workers, 7);
  EXPECT_EQ(ChooseDevice({.device = "cpu", .threads = 64})->total_gb_s,
            DefaultCpuProfile(64).total_gb_s);
}

TEST(PlanDevice, ThisMachineIsAsItWasTuned) {
  const std::string path = testing::TempDir() + "plan_device_test_tuned.json";
  DeviceProfile tuned = DefaultCpuProfile(7);
  tuned.name = "tuned";
  std::ofstream(path) << DumpDeviceProfile(tuned);
  EXPECT_EQ(ChooseDevice({.threads = 7, .tuned = path})->name, "tuned");
  EXPECT_EQ(ChooseDevice({.device = "cpu", .threads = 7, .tuned = path})->name, "tuned");
  EXPECT_EQ(ChooseDevice({.threads = 8, .tuned = path})->name, "cpu") << "other threads";
  EXPECT_EQ(ChooseDevice({.device = "h200", .tuned = path})->name, "h200");
  std::ofstream(path) << "{";
  EXPECT_EQ(ChooseDevice({.threads = 7, .tuned = path})->name, "cpu") << "broken";
}

TEST(PlanDevice, CountsAloneMeanAnH200WithThem) {
  const auto same = ChooseDevice({.sm = 132, .workers = 264});
  ASSERT_TRUE(same.has_value());
  EXPECT_EQ(same->name, "h200");
  EXPECT_EQ(same->total_gb_s, 4250);
  const auto other = ChooseDevice({.sm = 60});
  EXPECT_EQ(other->name, "h200 with other counts");
  EXPECT_EQ(other->sm_count, 60);
  EXPECT_EQ(other->num_workers, 120) << "as many on each as before";
  EXPECT_EQ(other->total_gb_s, 4250);
}

TEST(PlanDevice, CountsReplaceTheProfiles) {
  const auto device = ChooseDevice({.device = "a100", .workers = 108});
  EXPECT_EQ(device->sm_count, 108);
  EXPECT_EQ(device->num_workers, 108);
}

TEST(PlanDevice, AFileIsAProfile) {
  const std::string path = testing::TempDir() + "plan_device_test.json";
  std::ofstream(path) << DumpDeviceProfile(BuiltinProfile("s5000").value());
  const auto device = ChooseDevice({.device = path, .sm = 56});
  ASSERT_TRUE(device.has_value()) << device.error().message;
  EXPECT_EQ(device->sm_count, 56);
  EXPECT_EQ(device->num_workers, 112);
  std::ofstream(path) << "{}";
  EXPECT_EQ(Problem({.device = path}), path + ": name is missing");
  std::ofstream(path) << std::string(100000, ' ');
  EXPECT_THAT(Problem({.device = path}), HasSubstr(path));
  EXPECT_THAT(Problem({.device = "./no_such_file.json"}), HasSubstr("./no_such_file.json"));
}

TEST(PlanDevice, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_EQ(Problem({.device = "cpu", .sm = 3}), "--sm: found with --device cpu, wanted --threads");
  EXPECT_EQ(Problem({.device = "cpu", .workers = 3}),
            "--workers: found with --device cpu, wanted --threads");
  EXPECT_EQ(Problem({.device = "h200", .threads = 3}),
            "--threads: found with --device h200, wanted --device cpu");
  EXPECT_EQ(Problem({.sm = 60, .threads = 3}),
            "--threads: found with --device h200, wanted --device cpu");
  EXPECT_THAT(Problem({.device = "h200", .sm = 65536}), HasSubstr("wanted at most 65536 workers"));
  EXPECT_EQ(Problem({.device = "h300"}),
            "--device: found \"h300\", wanted one of a100, cpu, h100, h200, s5000, or a JSON file");
}

}  // namespace
}  // namespace weir
