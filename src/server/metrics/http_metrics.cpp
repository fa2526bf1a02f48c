// SPDX-License-Identifier: Apache-2.0
#include "server/metrics/http_metrics.h"

#include <algorithm>

namespace weir {
namespace {

std::vector<double> SecondEdges() { return {0.1, 0.5, 1.0}; }

}  // namespace

HttpMetrics::Route::Route()
    : seconds{Histogram(SecondEdges()), Histogram(SecondEdges()), Histogram(SecondEdges()),
              Histogram(SecondEdges())} {}

HttpMetrics::HttpMetrics(std::vector<std::string> routes) {
  routes.emplace_back("none");
  for (std::string& path : routes) {
    routes_.push_back(std::make_unique<Route>());
    routes_.back()->path = std::move(path);
  }
}

void HttpMetrics::Record(std::string_view method, std::string_view path, int status, double seconds,
                         int64_t request_bytes, int64_t response_bytes) {
  const auto known = std::find_if(routes_.begin(), routes_.end() - 1,
                                  [&](const auto& route) { return route->path == path; });
  Route& route = **known;
  size_t row = 0;
  while (row + 1 < kMethods.size() && kMethods[row] != method) ++row;
  const auto status_class = static_cast<size_t>(std::clamp(status / 100, 1, 5) - 1);
  route.answers[row][status_class].Add();
  route.seconds[row].Observe(seconds);
  route.request_bytes.Add(request_bytes);
  route.response_bytes.Add(response_bytes);
}

int64_t HttpMetrics::NumAnswers(const Route& route, size_t method) const {
  int64_t total = 0;
  for (const Counter& count : route.answers[method]) total += count.value();
  return total;
}

void HttpMetrics::WriteSizes(MetricsText& out, std::string_view name, std::string_view help,
                             Counter Route::*bytes) const {
  out.Family(name, "summary", help);
  for (const auto& route : routes_) {
    int64_t count = 0;
    for (size_t method = 0; method < kMethods.size(); ++method) count += NumAnswers(*route, method);
    if (count == 0) continue;
    out.Summary({{"handler", route->path}}, static_cast<double>(((*route).*bytes).value()), count);
  }
}

void HttpMetrics::Write(MetricsText& out) const {
  out.Family("http_requests_total", "counter", "Answers by route, method and class of status");
  for (const auto& route : routes_) {
    for (size_t method = 0; method < kMethods.size(); ++method) {
      for (size_t status = 0; status < kClasses.size(); ++status) {
        const int64_t count = route->answers[method][status].value();
        if (count == 0) continue;
        out.Sample(
            {{"handler", route->path}, {"method", kMethods[method]}, {"status", kClasses[status]}},
            static_cast<double>(count));
      }
    }
  }
  out.Family("http_request_duration_seconds", "histogram",
             "From the arrival of a request's head to the end of the answer");
  for (const auto& route : routes_) {
    for (size_t method = 0; method < kMethods.size(); ++method) {
      if (NumAnswers(*route, method) == 0) continue;
      out.Sample({{"handler", route->path}, {"method", kMethods[method]}},
                 route->seconds[method].Snapshot());
    }
  }
  WriteSizes(out, "http_request_size_bytes", "Bytes of bodies received", &Route::request_bytes);
  WriteSizes(out, "http_response_size_bytes", "Bytes of bodies sent", &Route::response_bytes);
}

}  // namespace weir
