// SPDX-License-Identifier: Apache-2.0
#include "cli/http_get.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

#include "base/error.h"

namespace weir {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kMaxShownBody = 300;  // bytes of an error's body, in a message

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0;
}

// Nothing that could end a line of a request or begin another.
bool IsVisible(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

// One exchange. Every operation is asynchronous, because only these can time out.
class Exchange {
 public:
  explicit Exchange(std::chrono::milliseconds timeout) : stream_(context_) {
    stream_.expires_after(timeout);
  }

  error_code Connect(const HttpUrl& url) {
    error_code result;
    Tcp::resolver resolver(context_);
    const auto addresses = resolver.resolve(url.host, url.port, result);
    if (result) return result;
    stream_.async_connect(addresses,
                          [&](error_code error, const Tcp::endpoint&) { result = error; });
    return Wait(result);
  }

  error_code Send(const http::request<http::empty_body>& request) {
    error_code result;
    http::async_write(stream_, request, [&](error_code error, size_t) { result = error; });
    return Wait(result);
  }

  error_code Receive(http::response_parser<http::string_body>& parser) {
    error_code result;
    http::async_read(stream_, buffer_, parser, [&](error_code error, size_t) { result = error; });
    return Wait(result);
  }

 private:
  error_code Wait(const error_code& result) {
    context_.restart();
    context_.run();
    return result;
  }

  asio::io_context context_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
};

tl::unexpected<Error> Failed(const HttpUrl& url, const char* doing, const error_code& error) {
  return Err(Code::kIo, "http://", url.host, ":", url.port, ": cannot ", doing, ": ",
             error.message());
}

}  // namespace

Result<HttpUrl> ParseHttpUrl(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  const auto wrong = [&] {
    return Err(Code::kInvalidArgument, "url: found ", text, ", wanted http://HOST[:PORT][/PATH]");
  };
  const bool plain = IsVisible(text) && text.find_first_of("?#@") == std::string_view::npos;
  if (text.substr(0, kScheme.size()) != kScheme || !plain) return wrong();
  std::string_view rest = text.substr(kScheme.size());
  HttpUrl url;
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos) url.path = rest.substr(slash);
  while (!url.path.empty() && url.path.back() == '/') url.path.pop_back();
  rest = rest.substr(0, slash);

  size_t host_end = rest.find(':');
  if (!rest.empty() && rest.front() == '[') {
    const size_t bracket = rest.find(']');
    if (bracket == std::string_view::npos) return wrong();
    url.host = rest.substr(1, bracket - 1);
    host_end = bracket + 1;
  } else {
    url.host = rest.substr(0, host_end);
  }
  if (host_end < rest.size()) {
    if (rest[host_end] != ':') return wrong();
    url.port = rest.substr(host_end + 1);
  }
  if (url.host.empty() || !IsPort(url.port)) return wrong();
  return url;
}

Result<std::string> HttpGet(const HttpUrl& url, std::string_view target,
                            const HttpGetOptions& options) {
  if (!IsVisible(options.bearer)) {
    return Err(Code::kInvalidArgument, "api key: found blanks or control characters in it");
  }
  http::request<http::empty_body> request(http::verb::get, url.path + std::string(target), 11);
  const bool is_v6 = url.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + url.host + "]" : url.host;
  request.set(http::field::host, host + ":" + url.port);
  request.set(http::field::user_agent, "weir");
  request.set(http::field::connection, "close");
  if (!options.bearer.empty()) {
    request.set(http::field::authorization, "Bearer " + options.bearer);
  }

  Exchange exchange(options.timeout);
  if (const auto error = exchange.Connect(url)) return Failed(url, "connect", error);
  if (const auto error = exchange.Send(request)) return Failed(url, "send", error);
  http::response_parser<http::string_body> parser;
  parser.body_limit(options.max_body_bytes);
  if (const auto error = exchange.Receive(parser)) return Failed(url, "read the answer", error);
  http::response<http::string_body> answer = parser.release();
  if (answer.result_int() != 200) {
    return Err(Code::kUnavailable, "http://", url.host, ":", url.port, url.path, target,
               ": answered ", answer.result_int(), ": ",
               std::string_view(answer.body()).substr(0, kMaxShownBody));
  }
  return std::move(answer.body());
}

}  // namespace weir
