// SPDX-License-Identifier: Apache-2.0
//
// What the API in front of an engine may be asked for, and how much of it.
#ifndef WEIR_SERVER_API_OPTIONS_H_
#define WEIR_SERVER_API_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

// A document that never changes, for GET and HEAD: the built-in page and what it loads.
struct StaticPage {
  std::string path;  // "/"
  std::string content_type;
  std::string body;
};

struct ApiOptions {
  // Names that requests may use for the model, the first of which replies and metrics carry. Empty:
  // EngineInfo::model_name.
  std::vector<std::string> served_model_names;
  std::string model_root;  // "root" of /v1/models: what --model was; empty: EngineInfo::model_name
  int64_t created_unix = 0;  // "created" of /v1/models; 0: now

  // A request counts from its arrival until its first token is there. One that is alone is always
  // taken. 0: no limit.
  int32_t max_queued_requests = 1024;   // one per prompt
  int64_t max_queued_tokens = 1 << 22;  // of their prompts; a body that has not been read counts a
                                        // token per four bytes, so this bounds memory as well

  int32_t max_n = 16;                      // outputs per prompt
  int32_t max_prompts = 256;               // per completions request
  int32_t max_choices = 256;               // prompts times n
  int32_t max_messages = 4096;             // of one conversation
  int64_t max_json_values = 1 << 20;       // of one body, entries of arrays and objects counted
  int32_t max_logprobs = 20;               // alternatives per token, at most what the engine gives
  int32_t default_completion_tokens = 16;  // max_tokens of /v1/completions, as OpenAI has it; of
                                           // chats it is what the context has room for

  bool split_reasoning = true;  // <think>...</think> of chats becomes `reasoning_content`
  bool allow_special_tokens_in_content = false;  // text of messages may become control tokens
  bool metrics_legacy_names = false;             // also the names that vLLM has deprecated

  // Comments on streams that have been silent for so long; 0: none. Off by default, because some
  // clients lose the event that follows one.
  int32_t sse_keep_alive_ms = 0;

  int32_t health_stall_ms = 30000;       // /health fails when the engine shows no life for so long
  int32_t health_canary_ms = 10000;      // what /health?deep=1 waits for its token
  int32_t num_prepare_threads = 2;       // read requests and tokenise them
  std::vector<StaticPage> static_pages;  // served besides the API
};

}  // namespace weir

#endif  // WEIR_SERVER_API_OPTIONS_H_
