// SPDX-License-Identifier: Apache-2.0
//
// Where a server is.
#ifndef WEIR_LOADGEN_CLIENT_URL_H_
#define WEIR_LOADGEN_CLIENT_URL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir::loadgen {

struct Url {
  std::string host;  // without the brackets of an IPv6 address
  uint16_t port = 80;
  std::string path;  // what precedes every request's own path; no slash at its end

  std::string Authority() const;  // value of the Host header: "127.0.0.1:8000", "[::1]:8000"
};

// "http://host[:port][/path]". `option` names the source in messages. https is not spoken.
Result<Url> ParseUrl(std::string_view text, std::string_view option);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_URL_H_
