// SPDX-License-Identifier: Apache-2.0
//
// Cuts a template into text and the tokens of its tags, with Jinja's white space rules: trim_blocks
// and lstrip_blocks are on, as Hugging Face has them, and "-" and "+" in a tag override them.
#ifndef WEIR_TEXT_JINJA_LEXER_H_
#define WEIR_TEXT_JINJA_LEXER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

namespace weir::jinja {

enum class TokenKind : uint8_t {
  kText,        // outside of tags
  kPrintBegin,  // {{
  kPrintEnd,
  kBlockBegin,  // {%
  kBlockEnd,
  kName,
  kString,  // `text` is what the literal means
  kInt,
  kFloat,
  kOperator,
  kEnd,  // of the template, always the last
};

struct Token {
  TokenKind kind;
  int32_t line;
  std::string text;
  int64_t int_value = 0;
  double float_value = 0;

  bool Is(TokenKind wanted, std::string_view wanted_text) const {
    return kind == wanted && text == wanted_text;
  }
};

// For messages: what stands there, in the template's own spelling.
std::string Describe(const Token& token);

// `where` begins every message. Comments are left out. Requires: fewer than 2^31 bytes.
Result<std::vector<Token>> Lex(std::string_view source, std::string_view where);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_LEXER_H_
