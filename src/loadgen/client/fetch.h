// SPDX-License-Identifier: Apache-2.0
//
// One request and its whole answer, for what is asked beside the load.
#ifndef WEIR_LOADGEN_CLIENT_FETCH_H_
#define WEIR_LOADGEN_CLIENT_FETCH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/result.h>

#include "loadgen/client/network.h"

namespace weir::loadgen {

struct HttpAnswer {
  int32_t status = 0;
  std::string reason;
  std::string body;
};

inline constexpr size_t kMaxAnswerBytes = size_t{256} << 20;

// `request` is head and body. An answer of any status is a value.
Result<HttpAnswer> Fetch(Network& network, std::string_view request, double timeout_s);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_FETCH_H_
