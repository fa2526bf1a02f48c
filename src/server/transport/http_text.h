// SPDX-License-Identifier: Apache-2.0
//
// Replies as bytes.
#ifndef WEIR_SERVER_TRANSPORT_HTTP_TEXT_H_
#define WEIR_SERVER_TRANSPORT_HTTP_TEXT_H_

#include <string>
#include <string_view>

#include "server/http.h"

namespace weir {

// What the request and the connection say about a reply's form.
struct ReplyForm {
  bool http10 = false;
  bool keep_alive = true;
  bool head_only = false;  // the request was HEAD
  std::string id;          // X-Request-Id
  HttpHeaders headers;     // of every reply to this request, e.g. CORS
};

// Head and body of an answer with a length.
std::string AnswerText(const ReplyForm& form, const HttpResponse& response);

// The head of a stream: chunked, or for HTTP/1.0 up to the end of the connection.
std::string StreamHeadText(const ReplyForm& form, const HttpResponse& head);
std::string ChunkText(const ReplyForm& form, std::string_view bytes);
std::string_view StreamEndText(const ReplyForm& form);

std::string_view ContinueText();

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_HTTP_TEXT_H_
