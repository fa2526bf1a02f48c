// SPDX-License-Identifier: Apache-2.0
//
// Any text as the variables of the corpus's templates. The first byte chooses the template. What a
// request says must not make a template run without end, or its text become the template's.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "text/chat_template.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

constexpr std::array<const char*, 5> kTemplates = {"chatml_thinking", "xml_tools_with_macros",
                                                   "header_tokens", "inst_alternating",
                                                   "generation_blocks"};

std::vector<ChatTemplate> LoadAll() {
  std::vector<ChatTemplate> all;
  for (const char* name : kTemplates) {
    const auto text =
        ReadFile(std::string(WEIR_SOURCE_DIR "/tests/chat_templates/templates/") + name + ".jinja",
                 size_t{1} << 20);
    WEIR_CHECK(text.has_value());
    auto parsed = ChatTemplate::Parse(*text, name, {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
    WEIR_CHECK(parsed.has_value());
    all.push_back(std::move(*parsed));
  }
  return all;
}

// None of the templates writes this byte.
void CheckOrigins(const TypedText& text) {
  WEIR_CHECK(IsUtf8(text.text));
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.text[i] == '\x02') WEIR_CHECK(text.OriginOf(i, i + 1) == Origin::kUser);
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<weir::ChatTemplate> kAll = weir::LoadAll();
  if (size == 0) return 0;
  const std::string_view variables(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto rendered = kAll[data[0] % kAll.size()].Render(
      variables, {.max_steps = 200'000, .max_bytes = size_t{1} << 20, .now = std::tm()});
  if (rendered) weir::CheckOrigins(*rendered);
  return 0;
}
