// SPDX-License-Identifier: Apache-2.0
//
// The routes whose bodies hold prompts. They are read and tokenised on the prepare executor.
#ifndef WEIR_SERVER_API_GENERATION_ROUTES_H_
#define WEIR_SERVER_API_GENERATION_ROUTES_H_

#include <memory>

#include "server/api/api_core.h"
#include "server/http.h"

namespace weir {

using ReplyPtr = std::shared_ptr<HttpReply>;

void Completions(ApiCore& core, HttpRequest request, ReplyPtr reply);
void ChatCompletions(ApiCore& core, HttpRequest request, ReplyPtr reply);
void RenderCompletions(ApiCore& core, HttpRequest request, ReplyPtr reply);
void RenderChatCompletions(ApiCore& core, HttpRequest request, ReplyPtr reply);
void Tokenize(ApiCore& core, HttpRequest request, ReplyPtr reply);
void Detokenize(ApiCore& core, HttpRequest request, ReplyPtr reply);

}  // namespace weir

#endif  // WEIR_SERVER_API_GENERATION_ROUTES_H_
