// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "text/jinja/literals.h"
#include "text/jinja/python_text.h"
#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

// Longest first.
constexpr std::array<std::string_view, 24> kOperators = {
    "//", "**", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~",
    "[",  "]",  "(",  ")",  "{",  "}",  "<", ">", "=", ".", ":", "|"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Line ends as \n, and without the last one.
std::string Normalized(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Result<std::vector<Token>> Run() {
    while (pos_ < text_.size()) WEIR_RETURN_IF_ERROR(LexUpToTag());
    Add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  template <class... Args>
  tl::unexpected<Error> Fail(const Args&... args) const {
    return Err(Code::kInvalidModel, where_, ": line ", line_, ": ", args...);
  }

  void Add(TokenKind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  char At(size_t pos) const { return pos < text_.size() ? text_[pos] : '\0'; }
  bool StartsWith(std::string_view wanted) const {
    return text_.substr(pos_, wanted.size()) == wanted;
  }

  void Advance(size_t end) {
    line_ += static_cast<int32_t>(std::count(text_.begin() + pos_, text_.begin() + end, '\n'));
    if (end > pos_) line_starting_ = text_[end - 1] == '\n';
    pos_ = end;
  }

  size_t SkipSpaces(size_t pos) const { return pos + LeadingSpaces(text_.substr(pos)); }

  // The text before a tag, cut as the tag's sign says.
  void AddText(size_t end, char sign, bool is_print) {
    std::string_view text = text_.substr(pos_, end - pos_);
    if (sign == '-') {
      text = text.substr(0, text.size() - TrailingSpaces(text));
    } else if (sign != '+' && !is_print) {
      const size_t line_begin = text.rfind('\n') + 1;  // 0 when there is none
      const std::string_view rest = text.substr(line_begin);
      const bool starts_line = line_begin > 0 || line_starting_;
      if (starts_line && LeadingSpaces(rest) == rest.size()) text = text.substr(0, line_begin);
    }
    if (!text.empty()) Add(TokenKind::kText, std::string(text));
    Advance(end);
  }

  Status LexUpToTag() {
    size_t tag = text_.find('{', pos_);
    while (tag != std::string_view::npos && At(tag + 1) != '{' && At(tag + 1) != '%' &&
           At(tag + 1) != '#') {
      tag = text_.find('{', tag + 1);
    }
    if (tag == std::string_view::npos) {
      Add(TokenKind::kText, std::string(text_.substr(pos_)));
      Advance(text_.size());
      return Ok();
    }
    const char form = text_[tag + 1];
    const char sign = At(tag + 2) == '-' || At(tag + 2) == '+' ? text_[tag + 2] : '\0';
    AddText(tag, sign, form == '{');
    const size_t inside = tag + (sign == '\0' ? 2 : 3);
    if (form == '#') return SkipComment(inside);
    if (form == '%' && IsRaw(inside)) return LexRaw(inside);
    Add(form == '{' ? TokenKind::kPrintBegin : TokenKind::kBlockBegin, form == '{' ? "{{" : "{%");
    Advance(inside);
    return LexTag(form == '{');
  }

  // Behind a tag's end at `end`: "-" swallows white space, else a block swallows one line end.
  void EndTag(size_t end, char sign, bool is_print) {
    if (sign == '-') {
      end = SkipSpaces(end);
    } else if (sign != '+' && !is_print && At(end) == '\n') {
      ++end;
    }
    Advance(end);
  }

  Status SkipComment(size_t inside) {
    const size_t end = text_.find("#}", inside);
    if (end == std::string_view::npos) return Fail("comment without #}");
    const char before = end > inside ? text_[end - 1] : '\0';
    EndTag(end + 2, before, /*is_print=*/false);
    return Ok();
  }

  // The place behind `name` and the spaces around it; npos when something else stands there.
  size_t BehindWord(size_t pos, std::string_view name) const {
    pos = SkipSpaces(pos);
    return text_.substr(pos, name.size()) == name ? SkipSpaces(pos + name.size())
                                                  : std::string_view::npos;
  }

  bool IsRaw(size_t inside) const {
    const size_t end = BehindWord(inside, "raw");
    return end != std::string_view::npos &&
           (text_.substr(end, 2) == "%}" || text_.substr(end, 3) == "-%}");
  }

  Status LexRaw(size_t inside) {
    const int32_t begin_line = line_;
    size_t end = BehindWord(inside, "raw");
    Advance(At(end) == '-' ? SkipSpaces(end + 3) : end + 2);
    for (size_t tag = text_.find("{%", pos_); tag != std::string_view::npos;
         tag = text_.find("{%", tag + 2)) {
      const char sign = At(tag + 2) == '-' || At(tag + 2) == '+' ? text_[tag + 2] : '\0';
      end = BehindWord(tag + (sign == '\0' ? 2 : 3), "endraw");
      if (end == std::string_view::npos) continue;
      const char end_sign = At(end) == '-' || At(end) == '+' ? text_[end] : '\0';
      if (end_sign != '\0') ++end;
      if (text_.substr(end, 2) != "%}") continue;
      AddText(tag, sign, /*is_print=*/false);
      EndTag(end + 2, end_sign, /*is_print=*/false);
      return Ok();
    }
    line_ = begin_line;
    return Fail("raw without endraw");
  }

  // Whether the tag ends here, which it does not inside of brackets.
  bool AtEnd(bool is_print, char& sign) const {
    if (!brackets_.empty()) return false;
    const std::string_view mark = is_print ? "}}" : "%}";
    sign = At(pos_) == '-' || (At(pos_) == '+' && !is_print) ? text_[pos_] : '\0';
    return text_.substr(pos_ + (sign == '\0' ? 0 : 1), 2) == mark;
  }

  Status LexTag(bool is_print) {
    const int32_t begin_line = line_;
    brackets_.clear();
    while (pos_ < text_.size()) {
      char sign;
      if (AtEnd(is_print, sign)) {
        Add(is_print ? TokenKind::kPrintEnd : TokenKind::kBlockEnd, is_print ? "}}" : "%}");
        EndTag(pos_ + (sign == '\0' ? 2 : 3), sign, is_print);
        return Ok();
      }
      WEIR_RETURN_IF_ERROR(LexToken());
    }
    line_ = begin_line;
    return Fail("tag without ", is_print ? "}}" : "%}");
  }

  Status LexToken() {
    const size_t spaces = SkipSpaces(pos_);
    if (spaces != pos_) {
      Advance(spaces);
      return Ok();
    }
    const char c = text_[pos_];
    if (IsDigit(c)) return LexNumber();
    if (IsNameStart(c)) return LexName();
    if (c == '\'' || c == '"') return LexString();
    return LexOperator();
  }

  Status LexName() {
    size_t end = pos_;
    while (end < text_.size() && (IsNameStart(text_[end]) || IsDigit(text_[end]))) ++end;
    Add(TokenKind::kName, std::string(text_.substr(pos_, end - pos_)));
    Advance(end);
    return Ok();
  }

  Status LexNumber() {
    const NumberLiteral number = ReadNumber(text_.substr(pos_));
    if (!number.problem.empty()) return Fail(number.problem);
    const std::string spelling(text_.substr(pos_, number.num_bytes));
    tokens_.push_back({number.is_float ? TokenKind::kFloat : TokenKind::kInt, line_, spelling,
                       number.int_value, number.float_value});
    Advance(pos_ + number.num_bytes);
    return Ok();
  }

  Status LexString() {
    const char quote = text_[pos_];
    size_t end = pos_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return Fail("string without its closing ", quote);
    std::string meaning;
    const std::string problem = Unescape(text_.substr(pos_ + 1, end - pos_ - 1), meaning);
    if (!problem.empty()) return Fail(problem);
    Add(TokenKind::kString, std::move(meaning));
    Advance(end + 1);
    return Ok();
  }

  Status LexOperator() {
    std::string_view found = StartsWith(",") ? "," : "";
    for (const std::string_view op : kOperators) {
      if (found.empty() && StartsWith(op)) found = op;
    }
    if (found.empty()) {
      const auto unit = ReadUtf8(text_.substr(pos_));
      return Fail("found ", text_.substr(pos_, unit.num_bytes), " in a tag, which means nothing");
    }
    constexpr std::string_view kOpening = "([{";
    constexpr std::string_view kClosing = ")]}";
    if (const size_t kind = kOpening.find(found); kind != std::string_view::npos) {
      brackets_ += kClosing[kind];
    } else if (kClosing.find(found) != std::string_view::npos) {
      if (brackets_.empty()) return Fail("found ", found, " without its opening bracket");
      if (brackets_.back() != found[0]) {
        return Fail("found ", found, ", wanted ", brackets_.back());
      }
      brackets_.pop_back();
    }
    Add(TokenKind::kOperator, std::string(found));
    Advance(pos_ + found.size());
    return Ok();
  }

  const std::string_view text_;
  const std::string_view where_;
  size_t pos_ = 0;
  int32_t line_ = 1;
  bool line_starting_ = true;  // nothing but a line end, or nothing at all, stands before pos_
  std::string brackets_;       // that close the open ones of this tag
  std::vector<Token> tokens_;
};

}  // namespace

std::string Describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kText:
      return "text";
    case TokenKind::kString:
      return "a string";
    case TokenKind::kEnd:
      return "the end of the template";
    default:
      return token.text;
  }
}

Result<std::vector<Token>> Lex(std::string_view source, std::string_view where) {
  if (!IsUtf8(source)) return Err(Code::kInvalidModel, where, ": not UTF-8");
  const std::string text = Normalized(source);
  return Lexer(text, where).Run();
}

}  // namespace weir::jinja
