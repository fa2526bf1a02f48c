// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/doctor_report.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kGiB = int64_t{1} << 30;

std::vector<std::string> Keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// A machine with nothing to complain about.
DoctorReport GoodReport() {
  DoctorReport report;
  report.facts.cpu_model = "some CPU";
  report.facts.features = {.avx2 = true};
  report.facts.cpus = CombineCpus({0, 1, 2, 3, 4, 5, 6, 7}, std::nullopt);
  report.facts.governor = "performance";
  report.facts.smt = false;
  report.facts.num_numa_nodes = 1;
  report.facts.load = 0.5;
  report.facts.memory_bytes = 64 * kGiB;
  report.facts.available_bytes = 60 * kGiB;
  report.facts.huge_pages = "madvise";
  report.facts.limits = {{"open files", "open_files", 65536}};
  report.kernels = {{"cpu/avx2", "reference"}, "cpu/avx2", "best", ""};
  report.bandwidth = BandwidthReport{1 << 28, 10e9, 40e9};
  report.largest_model = ModelFit{"qwen3-14b", int64_t{20} * 1000 * 1000 * 1000};
  return report;
}

TEST(Doctor, JsonHasTheseKeysOnEveryMachine) {
  for (const DoctorReport& report : {GoodReport(), DoctorReport()}) {
    const Json json = ToJson(report);
    EXPECT_THAT(Keys(json), ElementsAre("version", "cpu", "kernels", "memory", "largest_model",
                                        "limits", "advice"));
    EXPECT_THAT(Keys(json["cpu"]),
                ElementsAre("model", "features", "ids", "threads", "why", "quota", "smt",
                            "governor", "last_cache_bytes", "numa_nodes", "load"));
    EXPECT_THAT(Keys(json["kernels"]), ElementsAre("runnable", "chosen", "why", "from_reference"));
    EXPECT_THAT(Keys(json["memory"]),
                ElementsAre("total_bytes", "available_bytes", "cgroup_limit_bytes",
                            "transparent_huge_pages", "read_probe_bytes",
                            "read_bytes_per_second_1_thread", "read_bytes_per_second"));
    EXPECT_TRUE(json["advice"].is_array());
  }
}

TEST(Doctor, UnknownIsNullAndUnknown) {
  const Json json = ToJson(DoctorReport());
  EXPECT_TRUE(json["cpu"]["governor"].is_null());
  EXPECT_TRUE(json["memory"]["read_bytes_per_second"].is_null());
  EXPECT_TRUE(json["kernels"]["chosen"].is_null());
  EXPECT_TRUE(json["largest_model"].is_null());
  EXPECT_THAT(ToText(DoctorReport()), HasSubstr("unknown"));
}

TEST(Doctor, KnownValuesAreShown) {
  const DoctorReport report = GoodReport();
  const Json json = ToJson(report);
  EXPECT_EQ(json["memory"]["read_bytes_per_second"], 40e9);
  EXPECT_EQ(json["largest_model"]["max_tokens_per_second"], 2.0);
  const std::string text = ToText(report);
  EXPECT_THAT(text, HasSubstr("10.0 GB/s with 1 thread, 40.0 GB/s with 8"));
  EXPECT_THAT(text, HasSubstr("8 (affinity 0-7)"));
  EXPECT_THAT(text, HasSubstr("60.0 GiB available"));
  EXPECT_THAT(text, HasSubstr("at most 2.0 tokens/s"));
}

TEST(Advise, NothingOnAGoodMachine) { EXPECT_THAT(Advise(GoodReport()), IsEmpty()); }

TEST(Advise, NamesEachProblem) {
  const struct {
    const char* said;
    void (*spoil)(DoctorReport&);
  } cases[] = {
      {"WEIR_KERNELS: unknown table x",
       [](DoctorReport& r) { r.kernels = ReportKernels("x", r.facts.features); }},
      {"unset WEIR_KERNELS", [](DoctorReport& r) { r.kernels.chosen = "reference"; }},
      {"no AVX2",
       [](DoctorReport& r) {
         r.kernels = {{"reference"}, "reference", "best", ""};
       }},
      {"grants 1.50 CPUs of 8",
       [](DoctorReport& r) { r.facts.cpus = CombineCpus(r.facts.cpus.ids, 1.5); }},
      {"2 threads",
       [](DoctorReport& r) {
         r.facts.cpus = CombineCpus({0, 1}, std::nullopt);
       }},
      {"--threads 4", [](DoctorReport& r) { r.facts.smt = true; }},
      {"governor is powersave", [](DoctorReport& r) { r.facts.governor = "powersave"; }},
      {"2 NUMA nodes", [](DoctorReport& r) { r.facts.num_numa_nodes = 2; }},
      {"9.0 threads want to run on 8", [](DoctorReport& r) { r.facts.load = 9.0; }},
      {"huge pages are never", [](DoctorReport& r) { r.facts.huge_pages = "never"; }},
      {"too little for any",
       [](DoctorReport& r) {
         r.facts.available_bytes = kGiB / 2;
         r.largest_model.reset();
       }},
      {"only 20.0 of 64.0 GiB", [](DoctorReport& r) { r.facts.available_bytes = 20 * kGiB; }},
      {"not measured", [](DoctorReport& r) { r.bandwidth.reset(); }},
      {"256 open files", [](DoctorReport& r) { r.facts.limits[0].value = 256; }},
      {"ulimit -v",
       [](DoctorReport& r) {
         r.facts.limits.push_back({"address space", "address_space_bytes", kGiB});
       }},
  };
  for (const auto& [said, spoil] : cases) {
    DoctorReport report = GoodReport();
    spoil(report);
    EXPECT_THAT(Advise(report), Contains(HasSubstr(said)));
  }
}

TEST(LargestModel, FitsInMemory) {
  EXPECT_FALSE(LargestModel(std::nullopt).has_value());
  EXPECT_FALSE(LargestModel(0).has_value());
  EXPECT_FALSE(LargestModel(kGiB).has_value());
  EXPECT_EQ(LargestModel(2 * kGiB)->name, "qwen3-0.6b");
  EXPECT_EQ(LargestModel(20 * kGiB)->name, "qwen3-8b");
  EXPECT_EQ(LargestModel(1000 * kGiB)->name, "qwen3-32b");
  // 8.19 billion parameters of two bytes, as the model's card says.
  EXPECT_NEAR(static_cast<double>(LargestModel(20 * kGiB)->weight_bytes), 16.38e9, 0.01e9);
}

TEST(ReportKernels, ShowsTheChoiceOrTheError) {
  const KernelReport chosen = ReportKernels("", {});
  EXPECT_EQ(chosen.chosen, "reference");
  EXPECT_THAT(chosen.runnable, ElementsAre("reference"));
  EXPECT_EQ(ReportKernels("reference", {.avx2 = true}).chosen, "reference");
  const KernelReport bad = ReportKernels("cpu/none", {});
  EXPECT_EQ(bad.chosen, "");
  EXPECT_THAT(bad.why, HasSubstr("unknown table cpu/none"));
}

class MachineTree : public ::testing::Test {
 protected:
  MachineTree() : root_(::testing::TempDir() + "weir_machine_tree_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
  }
  ~MachineTree() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root_ + "/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }

  const std::string root_;
};

TEST_F(MachineTree, NothingThereIsUnknown) {
  const MachineFacts facts = ReadMachineFacts(root_);
  EXPECT_FALSE(facts.last_cache_bytes || facts.governor || facts.smt || facts.num_numa_nodes);
  EXPECT_FALSE(facts.memory_bytes || facts.available_bytes || facts.cgroup_memory);
  EXPECT_FALSE(facts.huge_pages || facts.cpus.quota);
}

TEST_F(MachineTree, NonsenseIsUnknown) {
  Write("proc/meminfo", "MemTotal: many kB\nMemAvailable:\n");
  Write("sys/kernel/mm/transparent_hugepage/enabled", "][\n");
  Write("sys/devices/system/node/online", "0-\n");
  Write("proc/loadavg", "nan\n");
  for (const int32_t cpu : CurrentThreadCpus()) {
    Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/size", "-5Q\n");
  }
  const MachineFacts facts = ReadMachineFacts(root_);
  EXPECT_FALSE(facts.memory_bytes || facts.available_bytes || facts.huge_pages);
  EXPECT_FALSE(facts.num_numa_nodes || facts.last_cache_bytes || facts.load);
}

TEST_F(MachineTree, ReadsWhatIsThere) {
  Write("proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    900 kB\n");
  Write("proc/self/cgroup", "0::/\n");
  Write("sys/fs/cgroup/memory.max", "500000\n");
  Write("sys/fs/cgroup/memory.current", "100000\n");
  Write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  Write("sys/devices/system/node/online", "0-1,4\n");
  Write("proc/loadavg", "3.25 2.00 1.00 1/100 4242\n");
  Write("sys/devices/system/cpu/smt/active", "1\n");
  // All usable CPUs share one cache of 32 MiB.
  const std::vector<int32_t> cpus = CurrentThreadCpus();
  for (const int32_t cpu : cpus) {
    const std::string cache = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/";
    Write(cache + "size", "32768K\n");
    Write(cache + "shared_cpu_list", "0-63\n");
  }
  Write("sys/devices/system/cpu/cpu" + std::to_string(cpus[0]) + "/cpufreq/scaling_governor",
        "powersave\n");
  const MachineFacts facts = ReadMachineFacts(root_);
  EXPECT_EQ(facts.memory_bytes, 1000 * 1024);
  EXPECT_EQ(facts.available_bytes, 400000) << "the control group leaves less than the machine has";
  EXPECT_EQ(facts.huge_pages, "madvise");
  EXPECT_EQ(facts.num_numa_nodes, 3);
  EXPECT_EQ(facts.smt, true);
  EXPECT_EQ(facts.load, 3.25);
  EXPECT_EQ(facts.last_cache_bytes, 32 << 20);
  EXPECT_EQ(facts.governor, "powersave");
}

TEST(MeasureBandwidth, NotWithTooLittleMemory) {
  MachineFacts facts;
  facts.cpus = CombineCpus({0}, std::nullopt);
  facts.available_bytes = 1 << 20;
  EXPECT_FALSE(MeasureBandwidth(facts).has_value());
}

TEST(Examine, WorksOnThisMachine) {
  const DoctorReport report = Examine("");
  EXPECT_NE(report.kernels.chosen, "");
  if (report.bandwidth) {
    EXPECT_GT(report.bandwidth->one_thread, 0.0);
    EXPECT_GT(report.bandwidth->all_threads, 0.0);
  }
  EXPECT_THAT(ToText(report), HasSubstr("kernels"));
  EXPECT_FALSE(DumpJson(ToJson(report)).empty());
}

}  // namespace
}  // namespace weir
