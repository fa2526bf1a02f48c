// SPDX-License-Identifier: Apache-2.0
#include "server/transport/http_error.h"

#include "base/json.h"

namespace weir {
namespace {

const char* TypeOf(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 429) return "rate_limit_error";
  if (status == 503) return "service_unavailable";
  return status >= 500 ? "internal_server_error" : "invalid_request_error";
}

}  // namespace

HttpResponse HttpError(int status, std::string_view code, std::string_view message,
                       int retry_after_s) {
  const Json body = {{"error",
                      {{"message", std::string(message)},
                       {"type", TypeOf(status)},
                       {"param", nullptr},
                       {"code", std::string(code)}}}};
  HttpResponse response{.status = status, .body = DumpJson(body)};
  if (status == 429 || status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  }
  return response;
}

}  // namespace weir
