// SPDX-License-Identifier: Apache-2.0
#include "server/transport/cors.h"

#include <algorithm>

#include "server/transport/http_error.h"

namespace weir {
namespace {

constexpr const char* kAllMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
constexpr const char* kExposed = "X-Request-Id, Server-Timing, Retry-After";

bool Holds(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

bool IsSameHost(std::string_view origin, std::string_view host) {
  const size_t slashes = origin.find("://");
  return slashes != std::string_view::npos && !host.empty() && origin.substr(slashes + 3) == host;
}

}  // namespace

bool Cors::AllowsAll() const { return Holds(options_.allowed_origins, "*"); }

bool Cors::Allows(std::string_view origin) const {
  return AllowsAll() || Holds(options_.allowed_origins, origin);
}

HttpHeaders Cors::HeadersFor(std::string_view origin) const {
  HttpHeaders headers;
  if (origin.empty() || options_.allowed_origins.empty()) return headers;
  const bool any = AllowsAll() && !options_.allow_credentials;
  if (!any) headers.emplace_back("Vary", "Origin");
  if (!Allows(origin)) return headers;
  headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(origin));
  if (options_.allow_credentials) headers.emplace_back("Access-Control-Allow-Credentials", "true");
  headers.emplace_back("Access-Control-Expose-Headers", kExposed);
  return headers;
}

HttpResponse Cors::Preflight(const HttpRequest& head) const {
  if (!Allows(head.Header("origin"))) {
    return HttpError(403, "origin_not_allowed", "this server does not answer pages of this origin");
  }
  HttpResponse response{.status = 204, .content_type = ""};
  const auto& methods = options_.allowed_methods;
  const auto& headers = options_.allowed_headers;
  const std::string asked(head.Header("access-control-request-headers"));
  response.headers.emplace_back("Access-Control-Allow-Methods",
                                Holds(methods, "*") ? kAllMethods : Join(methods));
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                Holds(headers, "*") ? asked : Join(headers));
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  return response;
}

std::optional<HttpResponse> Cors::Check(const HttpRequest& head) const {
  const std::string_view origin = head.Header("origin");
  if (origin.empty()) return std::nullopt;
  if (head.method == "OPTIONS" && !head.Header("access-control-request-method").empty()) {
    return Preflight(head);
  }
  const bool only_reads = head.method == "GET" || head.method == "HEAD" || head.method == "OPTIONS";
  if (only_reads || Allows(origin) || IsSameHost(origin, head.Header("host"))) return std::nullopt;
  return HttpError(403, "origin_not_allowed",
                   "this server takes no requests of pages of this origin (see --allowed-origins)");
}

}  // namespace weir
