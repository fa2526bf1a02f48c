// SPDX-License-Identifier: Apache-2.0
#include "server/transport/http_text.h"

#include <ctime>
#include <fmt/format.h>
#include <iterator>

#include "server/transport/http_grammar.h"

namespace weir {
namespace {

const char* Reason(int status) {
  switch (status) {
    // clang-format off
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    // clang-format on
    default:
      return status < 400 ? "OK" : "Error";
  }
}

// "Tue, 24 Nov 2026 08:49:37 GMT"; not strftime, whose names follow the locale.
std::string Date() {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm t = {};
  ::gmtime_r(&now, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday,
                     kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

// A header that holds a line end would let whoever chose its text write the rest of the reply.
void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  if (!IsToken(name) || !IsFieldValue(value)) return;
  fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
}

std::string CommonHead(const ReplyForm& form, const HttpResponse& response, bool keep_alive) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, Reason(response.status));
  AppendHeader(out, "Date", Date());
  if (!response.content_type.empty()) AppendHeader(out, "Content-Type", response.content_type);
  if (!form.id.empty()) AppendHeader(out, "X-Request-Id", form.id);
  for (const auto& [name, value] : response.headers) AppendHeader(out, name, value);
  for (const auto& [name, value] : form.headers) AppendHeader(out, name, value);
  if (!keep_alive) {
    AppendHeader(out, "Connection", "close");
  } else if (form.http10) {
    AppendHeader(out, "Connection", "keep-alive");
  }
  return out;
}

}  // namespace

std::string AnswerText(const ReplyForm& form, const HttpResponse& response) {
  std::string out = CommonHead(form, response, form.keep_alive);
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) AppendHeader(out, "Content-Length", std::to_string(response.body.size()));
  out += "\r\n";
  if (has_body && !form.head_only) out += response.body;
  return out;
}

std::string StreamHeadText(const ReplyForm& form, const HttpResponse& head) {
  std::string out = CommonHead(form, head, form.keep_alive && !form.http10);
  if (!form.http10) AppendHeader(out, "Transfer-Encoding", "chunked");
  return out + "\r\n";
}

std::string ChunkText(const ReplyForm& form, std::string_view bytes) {
  if (bytes.empty() || form.head_only) return {};  // an empty chunk would end the stream
  if (form.http10) return std::string(bytes);
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string_view StreamEndText(const ReplyForm& form) {
  return form.http10 || form.head_only ? "" : "0\r\n\r\n";
}

std::string_view ContinueText() { return "HTTP/1.1 100 Continue\r\n\r\n"; }

}  // namespace weir
