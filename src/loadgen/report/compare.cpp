// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fmt/format.h>

#include "loadgen/stats/statistics.h"
#include "loadgen/workload/pcg64.h"

namespace weir::loadgen {
namespace {

constexpr int kResamples = 1000;

std::vector<double> Values(const ResultSet& set, const std::string& key) {
  std::vector<double> values;
  for (const Json& run : set.runs) values.push_back(FigureOf(run, key).value_or(0));
  return values;
}

struct Moments {
  double mean = 0;
  double variance = 0;  // n - 1
};

Moments MomentsOf(const std::vector<double>& values) {
  Moments moments;
  for (const double value : values) moments.mean += value / static_cast<double>(values.size());
  if (values.size() < 2) return moments;
  for (const double value : values) {
    moments.variance +=
        (value - moments.mean) * (value - moments.mean) / static_cast<double>(values.size() - 1);
  }
  return moments;
}

std::optional<std::vector<double>> Logarithms(std::vector<double> values) {
  for (double& value : values) {
    if (value <= 0) return std::nullopt;
    value = std::log(value);
  }
  return values;
}

// Welch's interval of the difference of mean logarithms, as a ratio.
std::optional<RatioInterval> IntervalOfRuns(const std::vector<double>& base,
                                            const std::vector<double>& other) {
  const auto log_base = Logarithms(base);
  const auto log_other = Logarithms(other);
  if (!log_base || !log_other) return std::nullopt;
  const Moments a = MomentsOf(*log_base);
  const Moments b = MomentsOf(*log_other);
  const auto na = static_cast<double>(base.size());
  const auto nb = static_cast<double>(other.size());
  const double va = a.variance / na;
  const double vb = b.variance / nb;
  const double difference = b.mean - a.mean;
  if (va + vb == 0) return RatioInterval{std::exp(difference), std::exp(difference)};
  const double freedom = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
  const double half = StudentT(freedom) * std::sqrt(va + vb);
  return RatioInterval{std::exp(difference - half), std::exp(difference + half)};
}

// Samples per request: one for most metrics, all of its gaps for ITL.
using RequestSamples = std::vector<std::vector<double>>;

const Json* ArrayOf(const Json& run, const char* key, size_t size) {
  const auto found = run.find(key);
  if (found == run.end() || !found->is_array()) return nullptr;
  return size == 0 || found->size() == size ? &*found : nullptr;
}

std::optional<RequestSamples> SamplesOf(const Json& run, const std::string& metric) {
  const Json* ttfts = ArrayOf(run, "ttfts", 0);
  if (ttfts == nullptr) return std::nullopt;
  const size_t n = ttfts->size();
  const Json* latencies = ArrayOf(run, "latencies", n);
  const Json* itls = ArrayOf(run, "itls", n);
  const Json* lens = ArrayOf(run, "output_lens", n);
  const Json* errors = ArrayOf(run, "errors", n);
  if (latencies == nullptr || itls == nullptr || lens == nullptr) return std::nullopt;
  RequestSamples samples;
  for (size_t i = 0; i < n; ++i) {
    if (errors != nullptr && (*errors)[i] != "") continue;
    if (!(*ttfts)[i].is_number() || !(*latencies)[i].is_number() || !(*lens)[i].is_number() ||
        !(*itls)[i].is_array()) {
      return std::nullopt;
    }
    const double ttft = (*ttfts)[i].get<double>();
    const double latency = (*latencies)[i].get<double>();
    const auto len = (*lens)[i].get<int64_t>();
    if (metric == "ttft") samples.push_back({ttft});
    if (metric == "e2el") samples.push_back({latency});
    if (metric == "tpot" && len > 1) {
      samples.push_back({(latency - ttft) / static_cast<double>(len - 1)});
    }
    if (metric != "itl") continue;
    std::vector<double>& gaps = samples.emplace_back();
    for (const Json& gap : (*itls)[i]) {
      if (!gap.is_number()) return std::nullopt;
      gaps.push_back(gap.get<double>());
    }
  }
  if (samples.size() < 2) return std::nullopt;
  return samples;
}

// As Distribution::Percentile, but without sorting: there are many samples, many times.
double PercentileOf(std::vector<double>& samples, double percent) {
  const double at = static_cast<double>(samples.size() - 1) * (percent / 100);
  const auto below = samples.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(samples.begin(), below, samples.end());
  if (below + 1 == samples.end()) return *below;
  const double above = *std::min_element(below + 1, samples.end());
  return *below + (above - *below) * (at - std::floor(at));
}

// The mean, or the percentile, of a resample: requests drawn with repetition, whole. `drawn` is
// room to work in.
double Resampled(const RequestSamples& samples, Pcg64& random, std::optional<double> percent,
                 std::vector<double>& drawn) {
  drawn.clear();
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto& one =
        samples[static_cast<size_t>(random.Integer(0, static_cast<int64_t>(samples.size())))];
    drawn.insert(drawn.end(), one.begin(), one.end());
  }
  if (drawn.empty()) return 0;
  if (percent) return PercentileOf(drawn, *percent);
  return PairwiseSum(drawn) / static_cast<double>(drawn.size());
}

std::optional<RatioInterval> IntervalOfRequests(const Json& base, const Json& other,
                                                const std::string& key) {
  const size_t first = key.find('_');
  const size_t last = key.rfind('_');
  if (first == std::string::npos || first >= last) return std::nullopt;
  const std::string what = key.substr(0, first);
  const std::string metric = key.substr(first + 1, last - first - 1);
  const auto a = SamplesOf(base, metric);
  const auto b = SamplesOf(other, metric);
  if (!a || !b) return std::nullopt;
  std::optional<double> percent;
  if (what != "mean") percent = what == "median" ? 50 : std::atof(what.c_str() + 1);
  if (percent && !(*percent >= 0 && *percent <= 100)) return std::nullopt;
  Pcg64 random(0);  // the same files give the same answer
  std::vector<double> ratios;
  std::vector<double> drawn;
  for (int i = 0; i < kResamples; ++i) {
    const double below = Resampled(*a, random, percent, drawn);
    const double above = Resampled(*b, random, percent, drawn);
    if (below > 0) ratios.push_back(above / below);
  }
  if (ratios.size() < kResamples / 2) return std::nullopt;
  const Distribution distribution(std::move(ratios));
  return RatioInterval{distribution.Percentile(2.5), distribution.Percentile(97.5)};
}

std::string IntervalText(const Ratio& ratio) {
  if (!ratio.interval) return "-";
  return fmt::format("{:.3f} .. {:.3f}", ratio.interval->low, ratio.interval->high);
}

const char* BasisText(Basis basis) {
  switch (basis) {
    case Basis::kRuns:
      return "runs";
    case Basis::kRequests:
      return "requests of one run";
    case Basis::kNone:
      break;
  }
  return "";
}

}  // namespace

double StudentT(double degrees_of_freedom) {
  constexpr std::array<double, 30> kTable = {
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
      2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  const double whole = std::max(1.0, std::floor(degrees_of_freedom));
  if (whole <= 30) return kTable[static_cast<size_t>(whole) - 1];
  return whole < 60 ? 2.042 : whole < 120 ? 2.000 : 1.980;
}

std::string Ratio::Verdict() const {
  if (!interval) return "";
  if (interval->low <= 1 && interval->high >= 1) return "even";
  return (interval->low > 1) == figure.higher_is_better ? "better" : "worse";
}

std::vector<Ratio> Compare(const ResultSet& base, const ResultSet& other) {
  std::vector<Json> all = base.runs;
  all.insert(all.end(), other.runs.begin(), other.runs.end());
  std::vector<Ratio> ratios;
  for (const Figure& figure : CommonFigures(all)) {
    const std::vector<double> a = Values(base, figure.key);
    const std::vector<double> b = Values(other, figure.key);
    Ratio ratio{.figure = figure, .base = MomentsOf(a).mean, .other = MomentsOf(b).mean};
    if (ratio.base <= 0) continue;
    ratio.ratio = ratio.other / ratio.base;
    if (a.size() > 1 && b.size() > 1) {
      ratio.basis = Basis::kRuns;
      ratio.interval = IntervalOfRuns(a, b);
    } else if (a.size() == 1 && b.size() == 1) {
      ratio.basis = Basis::kRequests;
      ratio.interval = IntervalOfRequests(base.runs[0], other.runs[0], figure.key);
    }
    if (!ratio.interval) ratio.basis = Basis::kNone;
    ratios.push_back(ratio);
  }
  return ratios;
}

std::string CompareText(std::span<const ResultSet> sets) {
  std::string out;
  const auto print = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  };
  for (const ResultSet& other : sets.subspan(1)) {
    print("{} ({} runs) against {} ({} runs)\n", other.name, other.runs.size(), sets[0].name,
          sets[0].runs.size());
    print("{:<28}{:>12}{:>12}{:>9}  {:<18}{:<8}{}\n", "", "base", "other", "ratio", "95 % interval",
          "", "interval over");
    bool any = false;
    for (const Ratio& ratio : Compare(sets[0], other)) {
      print("{:<28}{:>12.2f}{:>12.2f}{:>9.3f}  {:<18}{:<8}{}\n", ratio.figure.label, ratio.base,
            ratio.other, ratio.ratio, IntervalText(ratio), ratio.Verdict(), BasisText(ratio.basis));
      any |= ratio.interval.has_value();
    }
    if (!any) {
      print(
          "No interval, so no verdict: wanted --num-runs of at least 2 on both sides, or "
          "--save-detailed\n");
    }
    print("\n");
  }
  return out;
}

std::string VariationText(std::span<const Json> runs) {
  std::string out = fmt::format("{:-^96}\n", fmt::format("Variation over {} runs", runs.size()));
  const auto row = [&](std::string_view label, auto... cells) {
    out += fmt::format("{:<36}", label);
    ((out += fmt::format("{:>12}", cells)), ...);
    out += '\n';
  };
  row("", "mean", "std", "CV (%)", "min", "max");
  const auto number = [](double value) { return fmt::format("{:.2f}", value); };
  for (const Figure& figure : CommonFigures(runs)) {
    std::vector<double> values;
    for (const Json& run : runs) values.push_back(*FigureOf(run, figure.key));
    const Moments moments = MomentsOf(values);
    const double std = std::sqrt(moments.variance);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    row(figure.label, number(moments.mean), number(std),
        moments.mean > 0 ? number(100 * std / moments.mean) : "-", number(*low), number(*high));
  }
  return out + std::string(96, '-') + "\n";
}

}  // namespace weir::loadgen
