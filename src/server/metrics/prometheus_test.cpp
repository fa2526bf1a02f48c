// SPDX-License-Identifier: Apache-2.0
#include "server/metrics/prometheus.h"

#include <gtest/gtest.h>
#include <thread>

#include "server/metrics/http_metrics.h"

namespace weir {
namespace {

TEST(Histogram, AnEdgeBelongsToItsBucket) {
  Histogram histogram({1, 2});
  for (const double value : {0.5, 1.0, 1.5, 2.0, 2.5}) histogram.Observe(value);
  const HistogramSnapshot s = histogram.Snapshot();
  EXPECT_EQ(s.counts, (std::vector<int64_t>{2, 2, 1}));
  EXPECT_EQ(s.sum, 7.5);
}

TEST(Histogram, LosesNothingBetweenThreads) {
  Histogram histogram({0.5});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        histogram.Observe(1);
        if (i % 1000 == 0) histogram.Snapshot();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.Snapshot().counts[1], 40000);
  EXPECT_EQ(histogram.Snapshot().sum, 40000);
}

TEST(OneTwoFiveEdges, GoUpToTheMost) {
  EXPECT_EQ(OneTwoFiveEdges(60), (std::vector<double>{1, 2, 5, 10, 20, 50}));
  EXPECT_EQ(OneTwoFiveEdges(1), (std::vector<double>{1}));
  EXPECT_EQ(OneTwoFiveEdges(2147483647).back(), 2e9);
}

TEST(MetricsText, WritesTheFormatOfPrometheus) {
  MetricsText out(LabelText("model", "m\"\\\n"));
  out.Gauge("g", "A gauge", 0.5);
  out.Family("c_total", "counter", "A counter");
  out.Sample({{"a", "b"}}, 3);
  Histogram histogram({0.25, 1});
  histogram.Observe(0.25);
  histogram.Observe(7);
  out.Histo("h", "A histogram", histogram.Snapshot());
  out.DropCommonLabels();
  out.Family("s", "summary", "A summary");
  out.Summary({{"x", "y"}}, 2.5, 2);
  EXPECT_EQ(out.Take(),
            "# HELP g A gauge\n# TYPE g gauge\ng{model=\"m\\\"\\\\\\n\"} 0.5\n"
            "# HELP c_total A counter\n# TYPE c_total counter\n"
            "c_total{model=\"m\\\"\\\\\\n\",a=\"b\"} 3\n"
            "# HELP h A histogram\n# TYPE h histogram\n"
            "h_bucket{model=\"m\\\"\\\\\\n\",le=\"0.25\"} 1\n"
            "h_bucket{model=\"m\\\"\\\\\\n\",le=\"1.0\"} 1\n"
            "h_bucket{model=\"m\\\"\\\\\\n\",le=\"+Inf\"} 2\n"
            "h_sum{model=\"m\\\"\\\\\\n\"} 7.25\nh_count{model=\"m\\\"\\\\\\n\"} 2\n"
            "# HELP s A summary\n# TYPE s summary\ns_sum{x=\"y\"} 2.5\ns_count{x=\"y\"} 2\n");
}

TEST(HttpMetrics, WhatClientsMakeUpGrowsNothing) {
  HttpMetrics metrics({"/known"});
  metrics.Record("GET", "/known", 200, 0.2, 1, 10);
  for (int i = 0; i < 100; ++i) {
    metrics.Record("M" + std::to_string(i), "/p" + std::to_string(i), 404, 0.2, 0, 0);
  }
  metrics.Record("GET", "/known", 9999, 0.2, 0, 0);  // no class: the nearest
  MetricsText out;
  metrics.Write(out);
  const std::string text = out.Take();
  EXPECT_NE(text.find("http_requests_total{handler=\"/known\",method=\"GET\",status=\"2xx\"} 1\n"),
            std::string::npos);
  EXPECT_NE(
      text.find("http_requests_total{handler=\"none\",method=\"other\",status=\"4xx\"} 100\n"),
      std::string::npos);
  EXPECT_NE(text.find("http_response_size_bytes_sum{handler=\"/known\"} 10\n"), std::string::npos);
  EXPECT_EQ(text.find("/p7"), std::string::npos);
}

}  // namespace
}  // namespace weir
