// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as text for the fixture tokenizers. The first byte chooses the tokenizer.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/mapped_file.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

Tokenizer Load(const std::string& name) {
  const auto text =
      ReadFile(WEIR_SOURCE_DIR "/tests/fixtures/tokenizer/" + name + ".json", size_t{1} << 20);
  WEIR_CHECK(text.has_value());
  auto tokenizer = Tokenizer::FromJson(*text, name);
  WEIR_CHECK(tokenizer.has_value());
  return std::move(*tokenizer);
}

// The pieces are whole characters and together what Decode gives.
void CheckStreaming(const Tokenizer& tokenizer, const std::vector<TokenId>& ids,
                    const std::string& wanted) {
  Detokenizer detokenizer(tokenizer, /*skip_special=*/false);
  std::string pieces;
  for (const TokenId id : ids) {
    const std::string piece = detokenizer.Push(id);
    WEIR_CHECK(IsUtf8(piece));
    pieces += piece;
  }
  WEIR_CHECK(pieces + detokenizer.Flush() == wanted);
}

void CheckText(const Tokenizer& tokenizer, std::string_view text, bool keeps_text) {
  for (const bool parse_special : {false, true}) {
    EncodeStats stats;
    const auto ids = tokenizer.Encode(text, parse_special, &stats);
    // The bounds of tokenizer_test.cpp, and a constant for texts of a few bytes.
    WEIR_CHECK_LE(stats.bytes_scanned, static_cast<int64_t>(3 * 4 * text.size() + 16));
    WEIR_CHECK_LE(stats.merge_steps, static_cast<int64_t>(3 * 8 * text.size() + 16));
    const std::string decoded = tokenizer.Decode(ids, /*skip_special=*/false);
    WEIR_CHECK(IsUtf8(decoded));
    if (keeps_text) WEIR_CHECK(decoded == Repaired(text));
    CheckStreaming(tokenizer, ids, decoded);
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  struct Subject {
    weir::Tokenizer tokenizer;
    bool keeps_text;  // neither normalises nor lacks a byte
  };
  static const std::array<Subject, 4> kSubjects = {{{weir::Load("qwen2"), false},
                                                    {weir::Load("llama3"), true},
                                                    {weir::Load("gpt2"), true},
                                                    {weir::Load("fused_unknown"), false}}};
  if (size == 0) return 0;
  const Subject& subject = kSubjects[data[0] % kSubjects.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::CheckText(subject.tokenizer, text, subject.keeps_text);
  return 0;
}
