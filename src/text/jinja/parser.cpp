// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/parser.h"

#include <array>
#include <initializer_list>

#include "base/error.h"
#include "text/jinja/expr_parser.h"
#include "text/jinja/lexer.h"
#include "text/jinja/token_stream.h"

namespace weir::jinja {
namespace {

class Parser {
 public:
  Parser(TokenStream& tokens, Ast& ast) : tokens_(tokens), ast_(ast), exprs_(tokens, ast) {}

  void Run() {
    ast_.body = ParseBody({});
    if (!tokens_.failed() && tokens_.Peek().kind != TokenKind::kEnd) {
      // ParseBody stands behind the "{%" of a tag that closes nothing.
      tokens_.FailWanted("a tag that opens something");
    }
  }

 private:
  // Up to a block tag that begins with one of `ends`; stands at that word then.
  Body ParseBody(std::initializer_list<std::string_view> ends) {
    Body body;
    if (++nesting_ > kMaxNesting) {
      tokens_.Fail(tokens_.Peek().line,
                   fmt::format("blocks nested deeper than {} levels", kMaxNesting));
    }
    while (!tokens_.failed() && tokens_.Peek().kind != TokenKind::kEnd) {
      const Token& token = tokens_.Peek();
      if (token.kind == TokenKind::kText) {
        Statement& text = Make(StatementKind::kText);
        text.text = TypedText(tokens_.Next().text, Origin::kTrusted);
        body.push_back(&text);
      } else if (token.kind == TokenKind::kPrintBegin) {
        body.push_back(ParsePrint());
      } else {
        tokens_.Want(TokenKind::kBlockBegin, "{%");
        if (AtAny(ends)) break;
        if (const Statement* statement = ParseBlock()) body.push_back(statement);
      }
    }
    --nesting_;
    return body;
  }

  bool AtAny(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (tokens_.AtName(name)) return true;
    }
    return false;
  }

  Statement& Make(StatementKind kind) {
    Statement& statement = ast_.statements.emplace_back();
    statement.kind = kind;
    statement.line = tokens_.Peek().line;
    return statement;
  }

  void WantBlockEnd() { tokens_.Want(TokenKind::kBlockEnd, "%}"); }

  // The body of a block, and the tag that closes it.
  Body ParseBodyUntil(std::string_view end) {
    WantBlockEnd();
    const int32_t line = tokens_.Peek().line;
    Body body = ParseBody({end});
    WantEnd(end, line);
    return body;
  }

  void WantEnd(std::string_view end, int32_t opened_line) {
    if (!tokens_.SkipName(end) && !tokens_.failed()) {
      tokens_.FailWanted(fmt::format("{} for the block of line {}", end, opened_line));
    }
    WantBlockEnd();
  }

  const Statement* ParsePrint() {
    Statement& print = Make(StatementKind::kPrint);
    tokens_.Next();
    print.expr = exprs_.ParseTuple(/*with_if=*/true);
    tokens_.Want(TokenKind::kPrintEnd, "}}");
    return &print;
  }

  // Null when the tag says nothing.
  const Statement* ParseBlock() {
    using Rule = const Statement* (Parser::*)();
    struct Tag {
      std::string_view name;
      Rule rule;
    };
    static constexpr std::array<Tag, 9> kTags = {{{"if", &Parser::ParseIf},
                                                  {"for", &Parser::ParseFor},
                                                  {"set", &Parser::ParseSet},
                                                  {"macro", &Parser::ParseMacro},
                                                  {"filter", &Parser::ParseFilterBlock},
                                                  {"with", &Parser::ParseWith},
                                                  {"generation", &Parser::ParseGeneration},
                                                  {"break", &Parser::ParseBreak},
                                                  {"continue", &Parser::ParseContinue}}};
    for (const Tag& tag : kTags) {
      if (tokens_.AtName(tag.name)) return (this->*tag.rule)();
    }
    tokens_.FailWanted("a tag that is known and belongs here");
    return nullptr;
  }

  const Statement* ParseIf() {
    Statement& statement = Make(StatementKind::kIf);
    while (!tokens_.failed() && (tokens_.SkipName("if") || tokens_.SkipName("elif"))) {
      Branch branch = {exprs_.ParseTuple(/*with_if=*/false), {}};
      WantBlockEnd();
      branch.body = ParseBody({"elif", "else", "endif"});
      statement.branches.push_back(std::move(branch));
    }
    if (tokens_.SkipName("else")) {
      WantBlockEnd();
      statement.else_body = ParseBody({"endif"});
    }
    WantEnd("endif", statement.line);
    return &statement;
  }

  const Statement* ParseFor() {
    Statement& statement = Make(StatementKind::kFor);
    tokens_.Next();
    statement.target = ParseTarget(/*may_be_attribute=*/false);
    if (!tokens_.SkipName("in")) tokens_.FailWanted("in");
    statement.expr = exprs_.ParseTuple(/*with_if=*/false);
    if (tokens_.SkipName("if")) statement.filter = exprs_.Parse();
    if (tokens_.AtName("recursive")) tokens_.FailWanted("%}: recursive loops are not supported");
    WantBlockEnd();
    ++loops_;
    statement.body = ParseBody({"else", "endfor"});
    --loops_;
    if (tokens_.SkipName("else")) {
      WantBlockEnd();
      statement.else_body = ParseBody({"endfor"});
    }
    WantEnd("endfor", statement.line);
    return &statement;
  }

  // "a", "a.b", "a, b" or "(a, b)".
  Target ParseTarget(bool may_be_attribute) {
    Target first = ParseOneTarget(may_be_attribute);
    if (!tokens_.AtOperator(",")) return first;
    Target all;
    all.parts.push_back(std::move(first));
    while (tokens_.SkipOperator(",")) {
      if (tokens_.AtName("in") || tokens_.AtOperator("=") || tokens_.AtOperator(")")) break;
      all.parts.push_back(ParseOneTarget(/*may_be_attribute=*/false));
    }
    return all;
  }

  Target ParseOneTarget(bool may_be_attribute) {
    Target target;
    if (++nesting_ > kMaxNesting) tokens_.FailWanted("fewer brackets");
    if (tokens_.SkipOperator("(")) {
      target = ParseTarget(/*may_be_attribute=*/false);
      tokens_.WantOperator(")");
    } else {
      target.name = tokens_.WantAnyName("the name of a variable");
      if (IsReserved(target.name)) {
        tokens_.Fail(tokens_.Peek().line, fmt::format("{} cannot be assigned to", target.name));
      }
      if (may_be_attribute && tokens_.SkipOperator(".")) {
        target.attribute = tokens_.WantAnyName("the name of an attribute");
      }
    }
    --nesting_;
    return target;
  }

  static bool IsReserved(std::string_view name) {
    for (const std::string_view word : {"true", "false", "none", "True", "False", "None", "and",
                                        "or", "not", "in", "is", "if", "else", "loop"}) {
      if (name == word) return true;
    }
    return false;
  }

  const Statement* ParseSet() {
    Statement& statement = Make(StatementKind::kSet);
    tokens_.Next();
    statement.target = ParseTarget(/*may_be_attribute=*/true);
    if (tokens_.SkipOperator("=")) {
      statement.expr = exprs_.ParseTuple(/*with_if=*/true);
      WantBlockEnd();
      return &statement;
    }
    statement.kind = StatementKind::kSetBlock;
    if (tokens_.SkipOperator("|")) statement.expr = exprs_.ParseFilters(nullptr);
    statement.body = ParseBodyUntil("endset");
    return &statement;
  }

  const Statement* ParseMacro() {
    Statement& statement = Make(StatementKind::kMacro);
    if (scopes_ > 0 || loops_ > 0) {
      tokens_.FailWanted("macros at the top level only, not inside of another block's scope");
    }
    tokens_.Next();
    statement.target.name = tokens_.WantAnyName("the name of the macro");
    tokens_.WantOperator("(");
    while (!tokens_.failed() && !tokens_.AtOperator(")")) {
      std::string name = tokens_.WantAnyName("the name of a parameter");
      const Expr* fallback = tokens_.SkipOperator("=") ? exprs_.Parse() : nullptr;
      if (fallback == nullptr && !statement.parameters.empty() &&
          statement.parameters.back().second != nullptr) {
        tokens_.FailWanted("a default, as the parameter before has one");
      }
      statement.parameters.emplace_back(std::move(name), fallback);
      if (!tokens_.AtOperator(")")) tokens_.WantOperator(",");
    }
    tokens_.WantOperator(")");
    statement.body = ParseScoped("endmacro");
    return &statement;
  }

  // A body with a scope and a loop nesting of its own.
  Body ParseScoped(std::string_view end) {
    const int outer_loops = std::exchange(loops_, 0);
    ++scopes_;
    Body body = ParseBodyUntil(end);
    --scopes_;
    loops_ = outer_loops;
    return body;
  }

  const Statement* ParseFilterBlock() {
    Statement& statement = Make(StatementKind::kFilter);
    tokens_.Next();
    statement.expr = exprs_.ParseFilters(nullptr);
    statement.body = ParseScoped("endfilter");
    return &statement;
  }

  const Statement* ParseWith() {
    Statement& statement = Make(StatementKind::kWith);
    tokens_.Next();
    while (!tokens_.failed() && tokens_.Peek().kind != TokenKind::kBlockEnd) {
      std::string name = tokens_.WantAnyName("the name of a variable");
      tokens_.WantOperator("=");
      statement.parameters.emplace_back(std::move(name), exprs_.Parse());
      if (tokens_.Peek().kind != TokenKind::kBlockEnd) tokens_.WantOperator(",");
    }
    ++scopes_;
    statement.body = ParseBodyUntil("endwith");
    --scopes_;
    return &statement;
  }

  // Hugging Face marks with it what an assistant says, for training; it prints its body.
  const Statement* ParseGeneration() {
    Statement& statement = Make(StatementKind::kScope);
    tokens_.Next();
    statement.body = ParseScoped("endgeneration");
    return &statement;
  }

  const Statement* ParseBreak() { return ParseJump(StatementKind::kBreak); }
  const Statement* ParseContinue() { return ParseJump(StatementKind::kContinue); }
  const Statement* ParseJump(StatementKind kind) {
    if (loops_ == 0) tokens_.FailWanted("this inside of a loop only");
    const Statement& statement = Make(kind);
    tokens_.Next();
    WantBlockEnd();
    return &statement;
  }

  TokenStream& tokens_;
  Ast& ast_;
  ExprParser exprs_;
  int nesting_ = 0;
  int loops_ = 0;   // around this place, within the innermost scope that they cannot be left from
  int scopes_ = 0;  // around this place, besides loops
};

}  // namespace

Result<Ast> Parse(std::string_view source, std::string_view where) {
  if (source.size() > kMaxTemplateBytes) {
    return Err(Code::kInvalidModel, where, ": ", source.size(), " bytes, at most ",
               kMaxTemplateBytes, " are read");
  }
  WEIR_ASSIGN_OR_RETURN(auto tokens, Lex(source, where));
  TokenStream stream(std::move(tokens));
  Ast ast;
  Parser(stream, ast).Run();
  if (stream.failed()) return Err(Code::kInvalidModel, where, ": ", stream.error());
  return ast;
}

}  // namespace weir::jinja
