// SPDX-License-Identifier: Apache-2.0
//
// For tests: recordings in tests/loadgen/data.
#ifndef WEIR_LOADGEN_RECORDED_DATA_H_
#define WEIR_LOADGEN_RECORDED_DATA_H_

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/json.h"

namespace weir::loadgen {

inline Json RecordedData(const std::string& name) {
  const std::string path = std::string(WEIR_SOURCE_DIR "/tests/loadgen/data/") + name;
  const Result<Json> data = ParseJsonFile(path, size_t{16} << 20);
  EXPECT_TRUE(data.has_value()) << path;
  return data.value_or(Json::object());
}

// Doubles are recorded as hexadecimal text, which loses nothing.
inline double HexDouble(const Json& text) {
  return std::strtod(text.get_ref<const std::string&>().c_str(), nullptr);
}

inline std::vector<double> HexDoubles(const Json& texts) {
  std::vector<double> values;
  for (const Json& text : texts) values.push_back(HexDouble(text));
  return values;
}

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_RECORDED_DATA_H_
