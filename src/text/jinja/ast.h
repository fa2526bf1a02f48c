// SPDX-License-Identifier: Apache-2.0
//
// A parsed template. Nodes live in two deques and point to each other; none changes after parsing.
#ifndef WEIR_TEXT_JINJA_AST_H_
#define WEIR_TEXT_JINJA_AST_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace weir::jinja {

enum class ExprKind : uint8_t {
  kConst,   // value
  kName,    // name
  kList,    // operands
  kTuple,   // operands
  kDict,    // operands: key, value, key, value, ...
  kAttr,    // operands[0].name
  kItem,    // operands[0][operands[1]]
  kSlice,   // operands[0][operands[1] : operands[2] : operands[3]], each of which may be null
  kCall,    // operands[0](operands[1], ..., keywords)
  kFilter,  // operands[0] | name(operands[1], ..., keywords); [0] is null in a filter block
  kTest,    // operands[0] is name(operands[1], ..., keywords)
  kNot,
  kNegate,
  kPlus,
  kAnd,
  kOr,
  kBinary,   // operands[0] ops[0] operands[1]
  kCompare,  // operands[0] ops[0] operands[1] ops[1] operands[2] ..., as Python chains them
  kConcat,   // operands joined by ~
  kIf,       // operands[0] if operands[1] else operands[2], the last of which may be null
};

enum class Op : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kMod,
  kPow,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct Expr {
  ExprKind kind;
  int32_t line;
  int32_t depth;  // of nodes from here down
  std::string name;
  Value value;
  std::vector<Op> ops;
  std::vector<const Expr*> operands;
  std::vector<std::pair<std::string, const Expr*>> keywords;
};

// What an assignment or a loop fills: a name, a namespace's attribute, or several of these.
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> parts;  // not empty: unpacks
};

using Body = std::vector<const Statement*>;

enum class StatementKind : uint8_t {
  kText,      // text
  kPrint,     // expr
  kIf,        // branches, else_body
  kFor,       // target, expr, filter, body, else_body
  kSet,       // target, expr
  kSetBlock,  // target, body; expr is a chain of filters whose innermost input is null, or null
  kMacro,     // target.name, parameters, body
  kFilter,    // expr as in kSetBlock, body
  kWith,      // parameters, body
  kScope,     // body
  kBreak,
  kContinue,
};

struct Branch {
  const Expr* condition;
  Body body;
};

struct Statement {
  StatementKind kind;
  int32_t line;
  TypedText text;
  Target target;
  const Expr* expr = nullptr;
  const Expr* filter = nullptr;
  std::vector<Branch> branches;
  std::vector<std::pair<std::string, const Expr*>> parameters;  // with defaults, which may be null
  Body body;
  Body else_body;
};

struct Ast {
  std::deque<Expr> exprs;
  std::deque<Statement> statements;
  std::deque<TypedText> texts;  // of constants
  Body body;
};

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_AST_H_
