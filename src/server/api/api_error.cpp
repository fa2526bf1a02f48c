// SPDX-License-Identifier: Apache-2.0
#include "server/api/api_error.h"

#include <algorithm>

namespace weir {
namespace {

int StatusOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kInvalidRequest:
    case Code::kUnsupported:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kUnavailable:
      return 503;
    case Code::kInvalidModel:
    case Code::kIo:
    case Code::kOutOfMemory:
      return 500;
  }
  return 500;
}

// "top_p" of "top_p: 2, wanted ..."; empty where a message does not begin with such a name.
std::string FieldOf(const std::string& message) {
  const size_t colon = message.find(": ");
  if (colon == std::string::npos) return "";
  const std::string name = message.substr(0, colon);
  const bool is_name = std::all_of(name.begin(), name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_name ? name : "";
}

}  // namespace

ApiError ToApiError(const Error& error) {
  ApiError result = {.status = StatusOf(error.code), .message = error.message};
  if (result.status == 400) result.param = FieldOf(error.message);
  return result;
}

const char* ErrorType(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "service_unavailable_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

Json ErrorJson(const ApiError& error) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"error",
           {{"message", error.message},
            {"type", ErrorType(error.status)},
            {"param", or_null(error.param)},
            {"code", or_null(error.code)}}}};
}

HttpResponse ErrorResponse(const ApiError& error) {
  HttpResponse response = {.status = error.status, .body = DumpJson(ErrorJson(error))};
  if (error.retry_after_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(error.retry_after_s));
  }
  return response;
}

HttpResponse JsonResponse(const Json& body) { return {.status = 200, .body = DumpJson(body)}; }

}  // namespace weir
