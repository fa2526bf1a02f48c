// SPDX-License-Identifier: Apache-2.0
//
// Who may ask what. Without keys everybody everything; with keys nobody anything but a plain
// /health or /ping, which tell no more than whether the server is well, and documents without
// secrets.
#ifndef WEIR_SERVER_TRANSPORT_AUTH_H_
#define WEIR_SERVER_TRANSPORT_AUTH_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "server/http.h"

namespace weir {

struct AuthOptions {
  std::vector<std::string> api_keys;
  std::vector<std::string> admin_keys;  // open what api_keys open, and the routes of IsAdminPath
  std::vector<std::string>
      open_paths;  // GET and HEAD for everybody, e.g. a page that asks for a key
};

// Keys of a file, one per line; empty lines and lines that begin with # are none.
Result<std::vector<std::string>> ReadKeyFile(const std::string& path);

// What changes or shows other users' work: /reset_prefix_cache and /weir/...
bool IsAdminPath(std::string_view path);

// Takes as long for a wrong key as for a right one, wherever they differ.
bool EqualInConstantTime(std::string_view sent, std::string_view key);

class Auth {
 public:
  // A key is visible ASCII without spaces, or it could not be sent.
  static Result<Auth> Make(AuthOptions options);

  // None when the request may pass; its `tenant` is then set to "key0", "admin1" by the place of
  // its key, or left empty when there are no keys. Otherwise the 401 or 403 to answer with.
  std::optional<HttpResponse> Check(HttpRequest& head) const;

  bool has_keys() const { return !options_.api_keys.empty() || !options_.admin_keys.empty(); }

 private:
  explicit Auth(AuthOptions options) : options_(std::move(options)) {}

  AuthOptions options_;
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_AUTH_H_
