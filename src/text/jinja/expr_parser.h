// SPDX-License-Identifier: Apache-2.0
//
// Reads expressions, by Jinja's own precedence: if-else, or, and, not, comparisons, + and -, ~,
// * / // %, **, signs, then attributes, items, calls, filters and tests.
#ifndef WEIR_TEXT_JINJA_EXPR_PARSER_H_
#define WEIR_TEXT_JINJA_EXPR_PARSER_H_

#include <string>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/token_stream.h"

namespace weir::jinja {

class ExprParser {
 public:
  ExprParser(TokenStream& tokens, Ast& ast) : tokens_(tokens), ast_(ast) {}

  // After an error of the stream what these return must not be used.
  const Expr* Parse();
  const Expr* ParseWithoutIf() { return ParseOr(); }
  // One expression, or several with commas between them as a tuple.
  const Expr* ParseTuple(bool with_if);
  // "name(args)", as often as "|" follows, on `input`.
  const Expr* ParseFilters(const Expr* input);

 private:
  friend class NestingGuard;

  const Expr* ParseOr();
  const Expr* ParseAnd();
  const Expr* ParseNot();
  const Expr* ParseCompare();
  const Expr* ParseSum();
  const Expr* ParseConcat();
  const Expr* ParseProduct();
  const Expr* ParsePower();
  const Expr* ParseUnary(bool with_filter);
  const Expr* ParsePrimary();
  const Expr* ParseStrings();
  const Expr* ParseParenthesis();
  const Expr* ParseListLiteral();
  const Expr* ParseDictLiteral();
  const Expr* ParsePostfix(const Expr* left);
  const Expr* ParseFilterOrTest(const Expr* left);
  const Expr* ParseFilter(const Expr* left);
  const Expr* ParseTest(const Expr* left);
  const Expr* ParseCall(const Expr* callee);
  const Expr* ParseDot(const Expr* left);
  const Expr* ParseSubscript(const Expr* left);
  const Expr* ParseIndex();
  bool ParseCompareOp(Op& op);
  void ParseArguments(Expr& call);

  const Expr* Constant(Value value);
  const Expr* TextConstant(std::string text);
  // Takes the node into the tree, and sees to the depth of the tree below it.
  const Expr* Add(Expr node);
  Expr Node(ExprKind kind, std::vector<const Expr*> operands = {}, std::string name = {}) const;

  TokenStream& tokens_;
  Ast& ast_;
  int nesting_ = 0;
};

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_EXPR_PARSER_H_
