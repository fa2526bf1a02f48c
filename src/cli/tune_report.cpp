// SPDX-License-Identifier: Apache-2.0
#include "cli/tune_report.h"

#include <fmt/format.h>

#include "base/mapped_file.h"
#include "cli/bench_stats.h"

namespace weir {
namespace {

constexpr size_t kMaxProfileBytes = size_t{1} << 16;
constexpr double kMaxDisturbed = 0.05;  // before the user is told

struct Constant {
  const char* key;
  double DeviceProfile::*member;
  const char* meaning;
};

constexpr Constant kConstants[] = {
    {"worker_gb_s", &DeviceProfile::worker_gb_s, "one thread reads keys and values"},
    {"total_gb_s", &DeviceProfile::total_gb_s, "all threads together"},
    {"worker_gflop_s", &DeviceProfile::worker_gflop_s, "one thread in a fresh prefill"},
    {"paged_gflop_s", &DeviceProfile::paged_gflop_s, "one thread behind a cached prefix"},
    {"item_us", &DeviceProfile::item_us, "fixed cost of an item"},
    {"launch_us", &DeviceProfile::launch_us, "of a call"},
    {"merge_us", &DeviceProfile::merge_us, "where a row is split"},
};

// "+40 %", or nothing where nothing changed.
std::string Change(double before, double now) {
  if (before == now) return "";
  return fmt::format("{:+.0f} %", 100 * (now / before - 1));
}

}  // namespace

void FindPrevious(int32_t num_threads, TuneReport& report) {
  report.previous = "built in";
  report.before = DefaultCpuProfile(num_threads);
  const auto text = ReadFile(report.file, kMaxProfileBytes);
  if (!text) return;
  auto profile = ParseDeviceProfile(*text, report.file);
  if (!profile) return;
  report.previous = report.file;
  report.before = std::move(*profile);
}

std::string ToText(const TuneReport& report) {
  const DeviceProfile& now = report.tuning.profile;
  std::string out =
      fmt::format("{} threads; old: {}\n\n{:<15} {:>8} {:>8} {:>8} {:>9}  {}\n", now.num_workers,
                  report.previous == report.file ? "the file as it was" : report.previous,
                  "constant", "old", "new", "change", "spread", "of");
  for (const Constant& constant : kConstants) {
    const double before = report.before.*constant.member;
    const double value = now.*constant.member;
    const double spread = MedianDeviation(report.tuning.samples.at(constant.key));
    out += fmt::format("{:<15} {:>8g} {:>8g} {:>8} {:>9}  {}\n", constant.key, before, value,
                       Change(before, value), fmt::format("+-{:.2g}", spread), constant.meaning);
  }
  if (report.before.num_workers != now.num_workers) {
    out += fmt::format("{:<15} {:>8} {:>8}\n", "num_workers", report.before.num_workers,
                       now.num_workers);
  }
  if (report.tuning.disturbed > kMaxDisturbed) {
    out += fmt::format(
        "\nother programs interrupted {:.0f} % of the measurements: better tune again "
        "while the machine is idle\n",
        100 * report.tuning.disturbed);
  }
  return out + fmt::format(
                   "\nspread: median distance of the samples from their median\nwritten to "
                   "{}\n",
                   report.file);
}

Json ToJson(const TuneReport& report) {
  Json constants = Json::array();
  for (const Constant& constant : kConstants) {
    const std::vector<double>& samples = report.tuning.samples.at(constant.key);
    constants.push_back({{"constant", constant.key},
                         {"old", report.before.*constant.member},
                         {"new", report.tuning.profile.*constant.member},
                         {"median", Median(samples)},
                         {"mad", MedianDeviation(samples)},
                         {"samples", samples}});
  }
  Json object = {{"file", report.file},
                 {"previous", report.previous},
                 {"threads", report.tuning.profile.num_workers},
                 {"disturbed", report.tuning.disturbed},
                 {"constants", std::move(constants)}};
  // The profile as the file holds it.
  if (auto profile = ParseJson(DumpDeviceProfile(report.tuning.profile), report.file)) {
    object["profile"] = std::move(*profile);
  }
  return object;
}

}  // namespace weir
