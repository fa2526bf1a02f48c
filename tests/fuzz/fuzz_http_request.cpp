// SPDX-License-Identifier: Apache-2.0
//
// Any bytes on a connection. The first byte says how they arrive in pieces; the rest must mean the
// same as when it arrives at once, and what counts as a request must be one that the handler can
// trust: a readable path, plain header names, a body within its limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/transport/auth.h"
#include "server/transport/cors.h"
#include "server/transport/http_grammar.h"
#include "server/transport/request_id.h"
#include "server/transport/request_parser.h"

namespace {

using weir::RequestParser;
using Event = RequestParser::Event;

constexpr weir::HttpLimits kLimits = {
    .max_target_bytes = 200, .max_head_bytes = 1000, .max_headers = 20, .max_body_bytes = 300};

void Expect(bool holds) {
  if (!holds) std::abort();
}

void ExpectTrustworthy(const weir::HttpRequest& request) {
  Expect(weir::IsToken(request.method) && request.method.size() <= 32);
  Expect(request.path == "*" || request.path.at(0) == '/');
  Expect(weir::IsPathUtf8(request.path));
  Expect(std::none_of(request.path.begin(), request.path.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
  Expect(request.headers.size() <= static_cast<size_t>(kLimits.max_headers));
  for (const auto& [name, value] : request.headers) {
    Expect(weir::IsToken(name) && weir::IsFieldValue(value));
    Expect(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
  }
  Expect(request.body.size() <= static_cast<size_t>(kLimits.max_body_bytes));
}

// Everything that a connection would hand over, and the status that ended it.
struct Seen {
  std::vector<weir::HttpRequest> requests;
  int status = 0;
};

Seen ReadPieces(std::string_view text, size_t piece) {
  RequestParser parser(kLimits);
  Seen seen;
  while (!text.empty() && seen.status == 0) {
    std::string_view input = text.substr(0, piece);
    text.remove_prefix(input.size());
    Event event = Event::kMore;
    do {
      event = parser.Feed(input);
      if (event == Event::kMore) Expect(input.empty());
      if (event == Event::kFault) seen.status = parser.fault().status;
      if (event == Event::kRequest) {
        ExpectTrustworthy(parser.request());
        seen.requests.push_back(std::move(parser.request()));
        parser.Reset();
      }
    } while (event == Event::kHead || (event == Event::kRequest && !input.empty()));
  }
  Expect(seen.status == 0 || (seen.status >= 400 && seen.status <= 505));
  return seen;
}

bool Same(const Seen& a, const Seen& b) {
  const auto same = [](const weir::HttpRequest& x, const weir::HttpRequest& y) {
    return x.method == y.method && x.path == y.path && x.query == y.query &&
           x.headers == y.headers && x.body == y.body;
  };
  return a.status == b.status && std::equal(a.requests.begin(), a.requests.end(),
                                            b.requests.begin(), b.requests.end(), same);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Seen seen = ReadPieces(text, text.size());
  Expect(Same(seen, ReadPieces(text, 1)));
  Expect(Same(seen, ReadPieces(text, static_cast<size_t>(data[0]) + 1)));

  static const weir::Auth auth = *weir::Auth::Make({.api_keys = {"key"}, .admin_keys = {"root"}});
  static const weir::Cors cors({.allowed_origins = {"https://a.example"}});
  for (weir::HttpRequest& request : seen.requests) {
    const auto refusal = auth.Check(request);
    // Whoever is let in has sent a key, or asks for what is open to all.
    const bool open = request.path == "/health" || request.path == "/ping";
    Expect(refusal.has_value() || open || !request.tenant.empty());
    if (!request.tenant.empty()) Expect(!request.Header("authorization").empty());
    (void)cors.Check(request);
    (void)cors.HeadersFor(request.Header("origin"));
    Expect(weir::IsUsableRequestId(weir::UsableOrNewId(request.Header("x-request-id"))));
  }
  return 0;
}
