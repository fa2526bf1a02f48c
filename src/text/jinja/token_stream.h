// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a template as the parsers walk over them, and the one error that ends the walk.
#ifndef WEIR_TEXT_JINJA_TOKEN_STREAM_H_
#define WEIR_TEXT_JINJA_TOKEN_STREAM_H_

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/lexer.h"

namespace weir::jinja {

class TokenStream {
 public:
  // Requires: the last token is kEnd.
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Peek(size_t ahead = 0) const {
    return tokens_[pos_ + ahead < tokens_.size() ? pos_ + ahead : tokens_.size() - 1];
  }
  // After an error the stream stands at its end, so every loop of the parsers comes to one too.
  const Token& Next() {
    const Token& token = Peek();
    if (pos_ + 1 < tokens_.size()) ++pos_;
    return token;
  }

  bool AtName(std::string_view name) const { return Peek().Is(TokenKind::kName, name); }
  bool AtOperator(std::string_view op) const { return Peek().Is(TokenKind::kOperator, op); }

  bool SkipName(std::string_view name) { return AtName(name) && (Next(), true); }
  bool SkipOperator(std::string_view op) { return AtOperator(op) && (Next(), true); }

  void WantOperator(std::string_view op) {
    if (!SkipOperator(op)) FailWanted(op);
  }
  void Want(TokenKind kind, std::string_view spelling) {
    if (Peek().kind != kind) FailWanted(spelling);
    Next();
  }
  std::string WantAnyName(std::string_view meaning) {
    if (Peek().kind != TokenKind::kName) {
      FailWanted(meaning);
      return {};
    }
    return Next().text;
  }

  void FailWanted(std::string_view wanted) {
    Fail(Peek().line, fmt::format("found {}, wanted {}", Describe(Peek()), wanted));
  }
  void Fail(int32_t line, std::string_view problem) {
    if (error_.empty()) error_ = fmt::format("line {}: {}", line, problem);
    pos_ = tokens_.size() - 1;
  }

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }  // of the first Fail

 private:
  std::vector<Token> tokens_;
  size_t pos_ = 0;
  std::string error_;
};

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_TOKEN_STREAM_H_
