// SPDX-License-Identifier: Apache-2.0
//
// An error as OpenAI's clients read it: {"error": {"message", "type", "param", "code"}}.
#ifndef WEIR_SERVER_TRANSPORT_HTTP_ERROR_H_
#define WEIR_SERVER_TRANSPORT_HTTP_ERROR_H_

#include <string_view>

#include "server/http.h"

namespace weir {

// `code` is the word for programs, e.g. "request_too_large"; `param` is null. The type follows from
// the status. 429 and 503 carry Retry-After, so many seconds ahead.
HttpResponse HttpError(int status, std::string_view code, std::string_view message,
                       int retry_after_s = 1);

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_HTTP_ERROR_H_
