// SPDX-License-Identifier: Apache-2.0
//
// Counters and histograms that threads add to without locks or allocations, and the text format in
// which Prometheus reads them.
#ifndef WEIR_SERVER_METRICS_PROMETHEUS_H_
#define WEIR_SERVER_METRICS_PROMETHEUS_H_

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

class Counter {
 public:
  void Add(int64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// What a scrape saw of a histogram: consistent in itself, also while threads add.
struct HistogramSnapshot {
  std::vector<double> edges;
  std::vector<int64_t> counts;  // per bucket, one more than edges; not cumulative
  double sum = 0;
};

class Histogram {
 public:
  // `edges` ascend; a value belongs to the first bucket whose edge is not below it.
  explicit Histogram(std::vector<double> edges);

  void Observe(double value);
  HistogramSnapshot Snapshot() const;

 private:
  const std::vector<double> edges_;
  std::vector<std::atomic<int64_t>> counts_;
  std::atomic<double> sum_{0};
};

// 1, 2, 5, 10, ... up to `most`.
std::vector<double> OneTwoFiveEdges(int64_t most);

using Label = std::pair<std::string_view, std::string_view>;

// Writes the exposition format, version 0.0.4. All samples of a family follow its heading.
class MetricsText {
 public:
  // `common_labels` are on every sample, written as LabelText writes them, joined by commas.
  explicit MetricsText(std::string common_labels = "") : common_(std::move(common_labels)) {}

  void Family(std::string_view name, std::string_view type, std::string_view help);
  void Sample(std::initializer_list<Label> labels, double value);
  void Sample(double value) { Sample({}, value); }
  void Sample(std::initializer_list<Label> labels, const HistogramSnapshot& histogram);

  void Summary(std::initializer_list<Label> labels, double sum, int64_t count);

  // A family of one sample without labels of its own.
  void Gauge(std::string_view name, std::string_view help, double value);
  void Count(std::string_view name, std::string_view help, double value);
  void Histo(std::string_view name, std::string_view help, const HistogramSnapshot& value);

  // From here on samples carry no common labels.
  void DropCommonLabels() { common_.clear(); }

  std::string Take() { return std::move(text_); }

 private:
  void Line(std::string_view suffix, std::string_view labels, double value);

  std::string common_;  // written out: a="b",c="d"
  std::string family_;
  std::string text_;
};

// name="value" with what the format wants escaped.
std::string LabelText(std::string_view name, std::string_view value);

}  // namespace weir

#endif  // WEIR_SERVER_METRICS_PROMETHEUS_H_
