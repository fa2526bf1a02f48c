// SPDX-License-Identifier: Apache-2.0
//
// Asks an HTTP server one thing and waits for the answer.
#ifndef WEIR_CLI_HTTP_GET_H_
#define WEIR_CLI_HTTP_GET_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir {

struct HttpUrl {
  std::string host;
  std::string port = "80";
  std::string path;  // before which targets go: without a last slash, often empty
};

// "http://HOST[:PORT][/PATH]"; the host may be an IPv6 address in brackets.
Result<HttpUrl> ParseHttpUrl(std::string_view text);

struct HttpGetOptions {
  std::string bearer;                         // the key of "Authorization: Bearer"; empty: none
  std::chrono::milliseconds timeout{10'000};  // of the whole exchange once a name is resolved
  uint64_t max_body_bytes = uint64_t{1} << 28;
};

// The body of the answer, which must be a 200. `target` begins with a slash.
Result<std::string> HttpGet(const HttpUrl& url, std::string_view target,
                            const HttpGetOptions& options);

}  // namespace weir

#endif  // WEIR_CLI_HTTP_GET_H_
