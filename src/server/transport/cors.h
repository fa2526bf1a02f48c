// SPDX-License-Identifier: Apache-2.0
//
// What pages of other sites may do here: by default nothing. A browser sends a page's POST before
// it asks whether it may, so those of foreign pages are refused, not just left unreadable.
#ifndef WEIR_SERVER_TRANSPORT_CORS_H_
#define WEIR_SERVER_TRANSPORT_CORS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"

namespace weir {

struct CorsOptions {
  std::vector<std::string> allowed_origins;  // "https://chat.example.org", or "*"; empty: none
  std::vector<std::string> allowed_methods = {"*"};
  std::vector<std::string> allowed_headers = {"*"};
  bool allow_credentials = false;
};

class Cors {
 public:
  explicit Cors(CorsOptions options) : options_(std::move(options)) {}

  // Answers a preflight request, and refuses with 403 what changes something on behalf of a page
  // that neither comes from this server's own host nor from an allowed origin.
  std::optional<HttpResponse> Check(const HttpRequest& head) const;

  // Of every reply to a request of that Origin.
  HttpHeaders HeadersFor(std::string_view origin) const;

 private:
  bool AllowsAll() const;
  bool Allows(std::string_view origin) const;
  HttpResponse Preflight(const HttpRequest& head) const;

  CorsOptions options_;
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_CORS_H_
