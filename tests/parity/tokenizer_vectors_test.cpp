// SPDX-License-Identifier: Apache-2.0
//
// Published ids of the Qwen2 vocabulary, which are data and not part of the repository. Needs
//   WEIR_TEST_DATA             a folder with qwen2-tokenizer-vectors/{inputs,expected_ids}.txt
//   WEIR_TEST_QWEN_TOKENIZER   a tokenizer.json of Qwen2, Qwen2.5 or Qwen3, for example of
//                              tools/tokenizer_oracle/qwen_from_tiktoken.py
// and skips visibly without them.
#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "text/tokenizer.h"

namespace weir {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string Contents(const std::string& path) {
  auto text = ReadFile(path, size_t{64} << 20);
  if (!text) ADD_FAILURE() << text.error().message;
  return text ? std::move(*text) : std::string();
}

// The last part has no separator behind it.
std::vector<std::string> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator)) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

TEST(TokenizerVectors, EqualThePublishedIds) {
  const std::string data = Variable("WEIR_TEST_DATA");
  const std::string path = Variable("WEIR_TEST_QWEN_TOKENIZER");
  if (data.empty() || path.empty()) {
    GTEST_SKIP() << "WEIR_TEST_DATA and WEIR_TEST_QWEN_TOKENIZER are not both set";
  }
  const auto tokenizer = Tokenizer::FromJson(Contents(path), path);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const std::string folder = data + "/qwen2-tokenizer-vectors/";
  const auto texts = Split(Contents(folder + "inputs.txt"), "\n__ggml_vocab_test__\n");
  const auto lines = Split(Contents(folder + "expected_ids.txt"), "\n");
  ASSERT_GE(texts.size(), 46u);
  ASSERT_EQ(lines.size(), texts.size()) << "one line per text; both end in an empty one";
  for (size_t i = 0; i < texts.size(); ++i) {
    std::istringstream line(lines[i]);
    std::vector<TokenId> ids;
    for (TokenId id; line >> id;) ids.push_back(id);
    EXPECT_EQ(tokenizer->Encode(texts[i]), ids) << texts[i];
    EXPECT_EQ(tokenizer->Decode(ids, /*skip_special=*/false), texts[i]);
  }
}

}  // namespace
}  // namespace weir
