// SPDX-License-Identifier: Apache-2.0
//
// The interpreter's expressions.
#include "text/jinja/builtins.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace weir::jinja {

Value Interpreter::EvalFiltered(const Expr& expr, const Value* input) {
  if (!rt_.Charge(1)) return {};
  if (++depth_ > kMaxEvalDepth) {
    rt_.Fail("nested deeper than {} levels", kMaxEvalDepth);
    --depth_;
    return {};
  }
  rt_.SetLine(expr.line);
  const Value value = EvalInside(expr, input);
  --depth_;
  return value;
}

Value Interpreter::EvalInside(const Expr& expr, const Value* input) {
  const auto operand = [&](size_t i) { return Eval(*expr.operands[i]); };
  switch (expr.kind) {
    case ExprKind::kConst:
      return expr.value;
    case ExprKind::kName:
      return EvalName(expr);
    case ExprKind::kList:
    case ExprKind::kTuple:
      return EvalList(expr);
    case ExprKind::kDict:
      return EvalDict(expr);
    case ExprKind::kAttr: {
      const Value object = operand(0);
      return rt_.failed() ? Value() : GetAttribute(rt_, object, expr.name);
    }
    case ExprKind::kItem: {
      const Value object = operand(0);
      const Value key = operand(1);
      return rt_.failed() ? Value() : GetItem(rt_, object, key);
    }
    case ExprKind::kSlice:
      return EvalSlice(expr);
    case ExprKind::kCall:
      return EvalCall(expr);
    case ExprKind::kFilter:
      return EvalFilter(expr, input);
    case ExprKind::kTest:
      return EvalTest(expr);
    case ExprKind::kNot:
      return Bool(!Truthy(operand(0)));
    case ExprKind::kNegate:
      return Negate(rt_, operand(0));
    case ExprKind::kPlus: {
      const Value value = operand(0);
      if (value.is_bool()) return Int(value.AsInt(), value.origin);
      return value.is_number() ? value : rt_.Fail("+ before a {} means nothing", TypeName(value));
    }
    case ExprKind::kAnd: {
      const Value left = operand(0);
      return Truthy(left) ? operand(1) : left;
    }
    case ExprKind::kOr: {
      const Value left = operand(0);
      return Truthy(left) ? left : operand(1);
    }
    case ExprKind::kBinary: {
      const Value left = operand(0);
      const Value right = operand(1);
      return rt_.failed() ? Value() : Arithmetic(rt_, expr.ops[0], left, right);
    }
    case ExprKind::kCompare:
      return EvalCompare(expr);
    case ExprKind::kConcat:
      return EvalConcat(expr);
    case ExprKind::kIf:
      if (Truthy(operand(1))) return operand(0);
      return expr.operands[2] == nullptr ? Undefined() : operand(2);
  }
  return {};
}

Value Interpreter::EvalName(const Expr& expr) {
  if (const Value* value = scope_->Find(expr.name)) return *value;
  const Builtin* function = FindFunction(expr.name);
  if (function == nullptr) return Undefined(&expr.name);
  Value value;
  value.kind = Kind::kFunction;
  value.function = function;
  return value;
}

Value Interpreter::EvalList(const Expr& expr) {
  List& list = rt_.MakeList(expr.kind == ExprKind::kTuple ? ListForm::kTuple : ListForm::kList);
  for (const Expr* item : expr.operands) list.items.push_back(Eval(*item));
  return ListValue(&list);
}

Value Interpreter::EvalDict(const Expr& expr) {
  Dict& dict = rt_.MakeDict();
  for (size_t i = 0; i < expr.operands.size(); i += 2) {
    const Value key = Eval(*expr.operands[i]);
    if (key.is_list() || key.is_dict()) return rt_.Fail("a {} cannot be a key", TypeName(key));
    dict.Set(key, Eval(*expr.operands[i + 1]));
  }
  return DictValue(&dict);
}

Value Interpreter::EvalSlice(const Expr& expr) {
  const Value object = Eval(*expr.operands[0]);
  Value bounds[3];
  const Value* given[3] = {};
  for (int i = 0; i < 3; ++i) {
    if (expr.operands[i + 1] == nullptr) continue;
    bounds[i] = Eval(*expr.operands[i + 1]);
    given[i] = &bounds[i];
  }
  return rt_.failed() ? Value() : GetSlice(rt_, object, given[0], given[1], given[2]);
}

Value Interpreter::EvalCompare(const Expr& expr) {
  Value left = Eval(*expr.operands[0]);
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    const Value right = Eval(*expr.operands[i + 1]);
    if (rt_.failed()) return {};
    if (!Compare(rt_, expr.ops[i], left, right)) return Bool(false);
    left = right;
  }
  return Bool(true);
}

Value Interpreter::EvalConcat(const Expr& expr) {
  TypedText joined;
  for (const Expr* operand : expr.operands) {
    const Value value = Eval(*operand);
    if (rt_.failed()) return {};
    AppendStr(rt_, value, joined);
  }
  return rt_.MakeText(std::move(joined));
}

std::vector<Value> Interpreter::EvalArguments(const Expr& expr, std::vector<Keyword>& keywords) {
  std::vector<Value> positional;
  for (size_t i = 1; i < expr.operands.size(); ++i) positional.push_back(Eval(*expr.operands[i]));
  for (const auto& [name, value] : expr.keywords) keywords.push_back({name, Eval(*value)});
  return positional;
}

Value Interpreter::EvalFilter(const Expr& expr, const Value* input) {
  const Value self = expr.operands[0] == nullptr ? *input : EvalFiltered(*expr.operands[0], input);
  std::vector<Keyword> keywords;
  const std::vector<Value> positional = EvalArguments(expr, keywords);
  if (rt_.failed()) return {};
  rt_.SetLine(expr.line);
  const Builtin* filter = FindFilter(expr.name);
  if (filter == nullptr) return rt_.Fail("no filter {}", expr.name);
  return RunBuiltin(rt_, *filter, self, positional, keywords);
}

Value Interpreter::EvalTest(const Expr& expr) {
  const Value self = Eval(*expr.operands[0]);
  std::vector<Keyword> keywords;
  const std::vector<Value> positional = EvalArguments(expr, keywords);
  if (rt_.failed()) return {};
  const Builtin* test = FindTest(expr.name);
  if (test == nullptr) return rt_.Fail("no test {}", expr.name);
  return RunBuiltin(rt_, *test, self, positional, keywords);
}

Value Interpreter::EvalCall(const Expr& expr) {
  const Value callee = Eval(*expr.operands[0]);
  std::vector<Keyword> keywords;
  const std::vector<Value> positional = EvalArguments(expr, keywords);
  if (rt_.failed()) return {};
  rt_.SetLine(expr.line);
  switch (callee.kind) {
    case Kind::kMacro:
      return CallMacro(*callee.macro, positional, keywords);
    case Kind::kFunction:
      return RunBuiltin(rt_, *callee.function, Value(), positional, keywords);
    case Kind::kMethod:
      return RunBuiltin(rt_, *callee.method->builtin, callee.method->self, positional, keywords);
    case Kind::kUndefined:
      return rt_.Fail("{} is undefined and cannot be called",
                      callee.name == nullptr ? "what stands before (" : *callee.name);
    default:
      return rt_.Fail("a {} cannot be called", TypeName(callee));
  }
}

// Defaults see the parameters before them.
void Interpreter::BindMacro(const Statement& macro, const std::vector<Value>& positional,
                            const std::vector<Keyword>& keywords, Scope& scope) {
  const auto& parameters = macro.parameters;
  const std::string& name = macro.target.name;
  if (positional.size() > parameters.size()) {
    rt_.Fail("{} got {} arguments, takes at most {}", name, positional.size(), parameters.size());
    return;
  }
  size_t num_used = 0;
  for (size_t i = 0; i < parameters.size() && !rt_.failed(); ++i) {
    const auto& [parameter, fallback] = parameters[i];
    const Value* given = i < positional.size() ? &positional[i] : nullptr;
    for (const Keyword& keyword : keywords) {
      if (keyword.name != parameter) continue;
      if (given != nullptr) rt_.Fail("{} got {} twice", name, parameter);
      given = &keyword.value;
      ++num_used;
    }
    if (given != nullptr) {
      scope.Set(parameter, *given);
    } else {
      scope.Set(parameter, fallback == nullptr ? Undefined(&parameter) : Eval(*fallback));
    }
  }
  if (num_used != keywords.size()) rt_.Fail("{} got an argument that it has no name for", name);
}

Value Interpreter::CallMacro(const Statement& macro, const std::vector<Value>& positional,
                             const std::vector<Keyword>& keywords) {
  Scope scope(&root_);
  TypedText text;
  Scope* const outer_scope = std::exchange(scope_, &scope);
  TypedText* const outer_out = std::exchange(out_, &text);
  BindMacro(macro, positional, keywords, scope);
  if (!rt_.failed()) RunBody(macro.body);
  scope_ = outer_scope;
  out_ = outer_out;
  return rt_.MakeText(std::move(text));
}

}  // namespace weir::jinja
