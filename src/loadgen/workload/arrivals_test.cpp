// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/arrivals.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "loadgen/recorded_data.h"

namespace weir::loadgen {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Traffic TrafficOf(const Json& recorded) {
  Traffic traffic{.request_rate = std::stod(recorded["rate"].get<std::string>()),
                  .burstiness = std::stod(recorded["burstiness"].get<std::string>())};
  if (const Json& ramp = recorded["ramp_up"]; !ramp.is_null()) {
    traffic.ramp_up = RampUp{.exponential = ramp[0] == "exponential",
                             .start_rps = ramp[1].get<int64_t>(),
                             .end_rps = ramp[2].get<int64_t>()};
  }
  return traffic;
}

// Poisson, bursty, regular and constant traffic, ramps and a burst at 0, by vLLM's rules on NumPy.
TEST(DrawArrivals, EqualsTheRecordings) {
  const Json data = RecordedData("numpy_random.json");
  for (const Json& recorded : data["arrivals"]) {
    SCOPED_TRACE(recorded.dump());
    const auto arrivals = DrawArrivals(TrafficOf(recorded), recorded["n"].get<int64_t>(),
                                       recorded["seed"].get<uint64_t>());
    ASSERT_TRUE(arrivals.has_value());
    const std::vector<double> at_s = HexDoubles(recorded["at_s"]);
    const std::vector<double> rates = HexDoubles(recorded["rates"]);
    ASSERT_EQ(arrivals->at_s.size(), at_s.size());
    for (size_t i = 0; i < at_s.size(); ++i) {
      EXPECT_NEAR(arrivals->at_s[i], at_s[i], 1e-12 * at_s[i]);  // the C library's log and pow
      if (std::isinf(rates[i])) continue;
      EXPECT_NEAR(arrivals->rates[i], rates[i], 1e-12 * rates[i]);
    }
  }
}

TEST(DrawArrivals, LastOneIsAtNumRequestsByRate) {
  const auto arrivals = DrawArrivals({.request_rate = 8, .burstiness = 0.5}, 1000, 1);
  EXPECT_DOUBLE_EQ(arrivals->at_s.back(), 125);
  EXPECT_TRUE(std::is_sorted(arrivals->at_s.begin(), arrivals->at_s.end()));
}

TEST(ValidateTraffic, NamesTheOption) {
  const auto message = [](const Traffic& traffic) {
    const Status status = ValidateTraffic(traffic);
    return status ? std::string("ok") : status.error().message;
  };
  EXPECT_EQ(message({}), "ok");
  EXPECT_EQ(message({.request_rate = 0}), "--request-rate: found 0, wanted more than 0, or inf");
  EXPECT_NE(message({.request_rate = std::nan("")}).find("--request-rate"), std::string::npos);
  EXPECT_NE(message({.burstiness = -1}).find("--burstiness"), std::string::npos);
  EXPECT_NE(message({.request_rate = 1, .ramp_up = RampUp{false, 1, 2}}).find("--request-rate"),
            std::string::npos);
  for (const RampUp& ramp : {RampUp{false, 3, 2}, RampUp{false, -1, 2}, RampUp{true, 0, 2},
                             RampUp{false, 0, 0}, RampUp{false, 0, 2}}) {
    EXPECT_NE(message({.request_rate = kInf, .ramp_up = ramp}).find("--ramp-up-start-rps"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace weir::loadgen
