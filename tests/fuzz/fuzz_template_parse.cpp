// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a template, which runs on a fixed conversation if it parses. Its output must be
// UTF-8 with well-formed spans, within the budget.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "text/chat_template.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

constexpr size_t kMaxBytes = 100'000;

void Check(const TypedText& text) {
  WEIR_CHECK(IsUtf8(text.text));
  size_t done = 0;
  for (const TextSpan& span : text.user) {
    WEIR_CHECK(span.begin < span.end && (done == 0 || done < span.begin));
    done = span.end;
  }
  WEIR_CHECK(done <= text.size());
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const weir::Json kVariables = weir::Json::parse(
      R"({"messages":[{"role":"system","content":"be Ünï"},{"role":"user","content":" hi \n"},)"
      R"({"role":"assistant","content":"<think>x</think>y","tool_calls":[{"name":"f",)"
      R"("arguments":{"a":[1,2.5,null,true]}}]}],"add_generation_prompt":true,"tools":[{"a":1}]})");
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = weir::ChatTemplate::Parse(source, "fuzz", {{"bos_token", "<s>"}});
  if (!parsed) return 0;
  const auto rendered = parsed->RenderJson(
      kVariables, {.max_steps = 20'000, .max_bytes = weir::kMaxBytes, .now = std::tm()});
  if (rendered) weir::Check(*rendered);
  return 0;
}
