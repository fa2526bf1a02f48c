// SPDX-License-Identifier: Apache-2.0
#include "server/transport/auth.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "server/transport/http_error.h"
#include "server/transport/http_grammar.h"

namespace weir {
namespace {

constexpr size_t kMaxKeyBytes = 4096;
constexpr size_t kMaxKeys = 65536;

bool IsKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

bool IsOpenToAll(const AuthOptions& options, const HttpRequest& head) {
  if (head.method != "GET" && head.method != "HEAD") return false;
  const bool is_probe = head.path == "/health" || head.path == "/ping";
  const auto& open = options.open_paths;
  return (is_probe && head.query.empty()) ||
         std::find(open.begin(), open.end(), head.path) != open.end();
}

// The credentials of "Bearer KEY"; empty for any other scheme, or for two headers.
std::string_view SentKey(const HttpRequest& head) {
  constexpr std::string_view kScheme = "bearer ";
  std::string_view found;
  int num_headers = 0;
  for (const auto& [name, value] : head.headers) {
    if (name != "authorization") continue;
    ++num_headers;
    found = value;
  }
  if (num_headers != 1 || !EqualsIgnoringCase(found.substr(0, kScheme.size()), kScheme)) return {};
  found.remove_prefix(kScheme.size());
  while (!found.empty() && found.front() == ' ') found.remove_prefix(1);
  return found;
}

// The place of the key that was sent; -1: none is it. Looks at all of them, whichever it is.
int FindKey(const std::vector<std::string>& keys, std::string_view sent) {
  int found = -1;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (EqualInConstantTime(sent, keys[i])) found = static_cast<int>(i);
  }
  return found;
}

HttpResponse Refusal(int status, const char* code, const char* message, const char* challenge) {
  HttpResponse response = HttpError(status, code, message);
  response.headers.emplace_back("WWW-Authenticate", challenge);
  return response;
}

}  // namespace

Result<std::vector<std::string>> ReadKeyFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Err(Code::kIo, path, ": cannot be read: ", std::strerror(errno));
  std::vector<std::string> keys;
  std::string line;
  while (std::getline(file, line)) {
    while (!line.empty() && std::strchr(" \t\r", line.back()) != nullptr) line.pop_back();
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line[0] == '#') continue;
    if (!IsKey(line)) {
      return Err(Code::kInvalidArgument, path, ": line of key ", keys.size() + 1, " is not 1 to ",
                 kMaxKeyBytes, " visible ASCII characters");
    }
    if (keys.size() == kMaxKeys) {
      return Err(Code::kInvalidArgument, path, ": has more than ", kMaxKeys, " keys");
    }
    keys.push_back(std::move(line));
  }
  if (keys.empty()) return Err(Code::kInvalidArgument, path, ": holds no key, wanted one per line");
  return keys;
}

bool IsAdminPath(std::string_view path) {
  return path == "/reset_prefix_cache" || path == "/weir" || path.substr(0, 6) == "/weir/";
}

bool EqualInConstantTime(std::string_view sent, std::string_view key) {
  if (key.empty()) return false;
  // Time follows the length of what was sent, which its sender knows. `volatile` keeps the compiler
  // from leaving the loop early.
  volatile unsigned char differs = sent.size() == key.size() ? 0 : 1;
  for (size_t i = 0; i < sent.size(); ++i) {
    const char other = key[i % key.size()];
    differs = static_cast<unsigned char>(differs | (sent[i] ^ other));
  }
  return differs == 0;
}

Result<Auth> Auth::Make(AuthOptions options) {
  for (const auto* keys : {&options.api_keys, &options.admin_keys}) {
    for (const std::string& key : *keys) {
      if (IsKey(key)) continue;
      return Err(Code::kInvalidArgument, "api key: found one of ", key.size(),
                 " characters that cannot be sent in a header, wanted 1 to ", kMaxKeyBytes,
                 " visible ASCII characters");
    }
  }
  return Auth(std::move(options));
}

std::optional<HttpResponse> Auth::Check(HttpRequest& head) const {
  if (!has_keys() || IsOpenToAll(options_, head)) return std::nullopt;
  const std::string_view sent = SentKey(head);
  const int admin = FindKey(options_.admin_keys, sent);
  const int user = FindKey(options_.api_keys, sent);
  if (admin < 0 && user < 0) {
    return Refusal(401, "invalid_api_key",
                   sent.empty() ? "this server wants a key: Authorization: Bearer KEY"
                                : "the key is not one of this server's",
                   sent.empty() ? "Bearer" : "Bearer error=\"invalid_token\"");
  }
  if (admin < 0 && IsAdminPath(head.path)) {
    return Refusal(403, "admin_key_required", "this route wants an admin key",
                   "Bearer error=\"insufficient_scope\"");
  }
  head.tenant = admin >= 0 ? "admin" + std::to_string(admin) : "key" + std::to_string(user);
  return std::nullopt;
}

}  // namespace weir
