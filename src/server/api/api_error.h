// SPDX-License-Identifier: Apache-2.0
//
// What a client is told when its request is not answered: a status and OpenAI's error object,
// {"error": {"message", "type", "param", "code"}}.
#ifndef WEIR_SERVER_API_API_ERROR_H_
#define WEIR_SERVER_API_API_ERROR_H_

#include <fmt/format.h>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include <weir/result.h>

#include "base/json.h"
#include "server/http.h"

namespace weir {

struct ApiError {
  int status = 400;
  std::string message;  // where, what was found, what was wanted
  std::string param;    // the field of the request; empty: none
  std::string code;     // for programs, e.g. "context_length_exceeded"; empty: none
  int retry_after_s = 0;
};

template <class T>
using ApiResult = tl::expected<T, ApiError>;

// A field of a request that is wrong: status 400.
inline ApiError BadField(std::string param, std::string message) {
  return {.status = 400, .message = std::move(message), .param = std::move(param)};
}

// The one table from codes to statuses. The engine names the field at fault before a colon.
ApiError ToApiError(const Error& error);

// "invalid_request_error", "rate_limit_error", ...
const char* ErrorType(int status);

Json ErrorJson(const ApiError& error);
HttpResponse ErrorResponse(const ApiError& error);

// 200 with this as the body.
HttpResponse JsonResponse(const Json& body);

}  // namespace weir

#endif  // WEIR_SERVER_API_API_ERROR_H_
