// SPDX-License-Identifier: Apache-2.0
//
// Answers by route, method and class of status, under the names that FastAPI servers use for them.
#ifndef WEIR_SERVER_METRICS_HTTP_METRICS_H_
#define WEIR_SERVER_METRICS_HTTP_METRICS_H_

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/metrics/prometheus.h"

namespace weir {

class HttpMetrics {
 public:
  // Paths that are none of `routes` count as "none": what clients make up grows nothing.
  explicit HttpMetrics(std::vector<std::string> routes);

  // Any thread; allocates nothing. `seconds` from the head's arrival to the end of the answer.
  void Record(std::string_view method, std::string_view path, int status, double seconds,
              int64_t request_bytes, int64_t response_bytes);

  void Write(MetricsText& out) const;

 private:
  static constexpr std::array<std::string_view, 4> kMethods = {"GET", "POST", "OPTIONS", "other"};
  static constexpr std::array<std::string_view, 5> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};

  struct Route {
    Route();

    std::string path;
    std::array<std::array<Counter, kClasses.size()>, kMethods.size()> answers;
    std::array<Histogram, kMethods.size()> seconds;
    Counter request_bytes, response_bytes;
  };

  int64_t NumAnswers(const Route& route, size_t method) const;
  void WriteSizes(MetricsText& out, std::string_view name, std::string_view help,
                  Counter Route::*bytes) const;

  std::vector<std::unique_ptr<Route>> routes_;  // the last is "none"
};

}  // namespace weir

#endif  // WEIR_SERVER_METRICS_HTTP_METRICS_H_
