// SPDX-License-Identifier: Apache-2.0
//
// How much one connection may take of the server, in bytes, numbers and time.
#ifndef WEIR_SERVER_TRANSPORT_HTTP_LIMITS_H_
#define WEIR_SERVER_TRANSPORT_HTTP_LIMITS_H_

#include <cstdint>

namespace weir {

struct HttpLimits {
  int32_t max_target_bytes = 8 << 10;  // of the request line's target; more: 414
  int32_t max_head_bytes = 64 << 10;   // of the request line and all header lines; more: 431
  int32_t max_headers = 128;           // lines; more: 431
  int64_t max_body_bytes = 32 << 20;   // more: 413
};

struct HttpTimeouts {
  int32_t head_ms = 15'000;   // from the first byte of a request to the end of its head
  int32_t body_ms = 30'000;   // from there to the end of its body, and a second more for each
                              // kMinBodyRate bytes that have come
  int32_t idle_ms = 120'000;  // between requests of a kept connection
  int32_t write_ms = 60'000;  // without a single byte taken by a client that has bytes to read
  int32_t linger_ms = 2'000;  // for the client to read the last reply and close
};
inline constexpr int64_t kMinBodyRate = 16 << 10;  // bytes per second

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_HTTP_LIMITS_H_
