// SPDX-License-Identifier: Apache-2.0
//
// Runs a template's tree. Calls of its functions nest as the template's nodes and macros do, and
// that depth is bounded.
#ifndef WEIR_TEXT_JINJA_INTERPRETER_H_
#define WEIR_TEXT_JINJA_INTERPRETER_H_

#include <string>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/runtime.h"

namespace weir::jinja {

inline constexpr int kMaxEvalDepth = 1000;

// Names and what they stand for; an inner scope hides and leaves alone what is outside.
class Scope {
 public:
  explicit Scope(const Scope* parent) : parent_(parent) {}

  void Set(const std::string& name, const Value& value);
  void Clear() { variables_.clear(); }
  // Null when the name is in no scope from here outwards.
  const Value* Find(const std::string& name) const;

 private:
  const Scope* parent_;
  std::vector<std::pair<const std::string*, Value>> variables_;
};

class Interpreter {
 public:
  // `globals` holds the variables; functions of the language are found when it does not.
  Interpreter(Runtime& rt, const Ast& ast, const Scope& globals)
      : rt_(rt), ast_(ast), root_(&globals), scope_(&root_) {}

  // What the template prints; meaningless when the runtime has failed.
  TypedText Run();

 private:
  enum class Flow : uint8_t { kOn, kBreak, kContinue };

  Flow RunBody(const Body& body);
  Flow RunStatement(const Statement& statement);
  Flow RunIf(const Statement& statement);
  Flow RunFor(const Statement& statement);
  Flow RunWith(const Statement& statement);
  const List* FilteredItems(const Statement& statement, const List* items);
  void RunScoped(const Body& body);
  void RunSetBlock(const Statement& statement);
  void Print(const Value& value);
  void Assign(const Target& target, const Value& value);
  // What `body` prints in a scope of its own, through the statement's filters.
  Value Capture(const Statement& statement);
  Value DefineMacro(const Statement& statement);

  Value Eval(const Expr& expr) { return EvalFiltered(expr, nullptr); }
  // With `input` in the place of the innermost input of a chain of filters.
  Value EvalFiltered(const Expr& expr, const Value* input);
  Value EvalInside(const Expr& expr, const Value* input);
  Value EvalName(const Expr& expr);
  Value EvalList(const Expr& expr);
  Value EvalDict(const Expr& expr);
  Value EvalSlice(const Expr& expr);
  Value EvalCompare(const Expr& expr);
  Value EvalConcat(const Expr& expr);
  Value EvalCall(const Expr& expr);
  Value EvalFilter(const Expr& expr, const Value* input);
  Value EvalTest(const Expr& expr);
  Value CallMacro(const Statement& macro, const std::vector<Value>& positional,
                  const std::vector<Keyword>& keywords);
  void BindMacro(const Statement& macro, const std::vector<Value>& positional,
                 const std::vector<Keyword>& keywords, Scope& scope);
  std::vector<Value> EvalArguments(const Expr& expr, std::vector<Keyword>& keywords);

  Runtime& rt_;
  const Ast& ast_;
  Scope root_;
  Scope* scope_;
  TypedText* out_ = nullptr;
  int depth_ = 0;
  int32_t loop_depth_ = 0;
};

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_INTERPRETER_H_
