// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/interpreter.h"

#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace weir::jinja {

void Scope::Set(const std::string& name, const Value& value) {
  for (auto& variable : variables_) {
    if (*variable.first == name) {
      variable.second = value;
      return;
    }
  }
  variables_.emplace_back(&name, value);
}

const Value* Scope::Find(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
    for (const auto& variable : scope->variables_) {
      if (*variable.first == name) return &variable.second;
    }
  }
  return nullptr;
}

TypedText Interpreter::Run() {
  TypedText out;
  out_ = &out;
  RunBody(ast_.body);
  return out;
}

Interpreter::Flow Interpreter::RunBody(const Body& body) {
  if (++depth_ > kMaxEvalDepth) rt_.Fail("nested deeper than {} levels", kMaxEvalDepth);
  Flow flow = Flow::kOn;
  for (const Statement* statement : body) {
    if (!rt_.Charge(1)) break;
    flow = RunStatement(*statement);
    if (flow != Flow::kOn) break;
  }
  --depth_;
  return flow;
}

Interpreter::Flow Interpreter::RunStatement(const Statement& statement) {
  rt_.SetLine(statement.line);
  switch (statement.kind) {
    case StatementKind::kText:
      if (rt_.MayGrow(out_->size(), statement.text.size())) out_->Append(statement.text);
      return Flow::kOn;
    case StatementKind::kPrint:
      Print(Eval(*statement.expr));
      return Flow::kOn;
    case StatementKind::kIf:
      return RunIf(statement);
    case StatementKind::kFor:
      return RunFor(statement);
    case StatementKind::kSet:
      Assign(statement.target, Eval(*statement.expr));
      return Flow::kOn;
    case StatementKind::kSetBlock:
      Assign(statement.target, Capture(statement));
      return Flow::kOn;
    case StatementKind::kMacro:
      scope_->Set(statement.target.name, DefineMacro(statement));
      return Flow::kOn;
    case StatementKind::kFilter:
      Print(Capture(statement));
      return Flow::kOn;
    case StatementKind::kWith:
      return RunWith(statement);
    case StatementKind::kScope:
      RunScoped(statement.body);
      return Flow::kOn;
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kOn;
}

void Interpreter::Print(const Value& value) {
  if (!rt_.failed()) AppendStr(rt_, value, *out_);
}

Interpreter::Flow Interpreter::RunIf(const Statement& statement) {
  for (const Branch& branch : statement.branches) {
    const bool holds = Truthy(Eval(*branch.condition));
    if (rt_.failed()) return Flow::kOn;
    if (holds) return RunBody(branch.body);
  }
  return RunBody(statement.else_body);
}

const List* Interpreter::FilteredItems(const Statement& statement, const List* items) {
  if (items == nullptr || statement.filter == nullptr) return items;
  List& kept = rt_.MakeList();
  Scope scope(scope_);
  Scope* const outer = std::exchange(scope_, &scope);
  for (const Value& item : items->items) {
    if (!rt_.Charge(1)) break;
    scope.Clear();
    Assign(statement.target, item);
    if (Truthy(Eval(*statement.filter))) kept.items.push_back(item);
  }
  scope_ = outer;
  return &kept;
}

Interpreter::Flow Interpreter::RunFor(const Statement& statement) {
  static const std::string kLoopName = "loop";
  const List* items = FilteredItems(statement, Iterate(rt_, Eval(*statement.expr)));
  if (items == nullptr || rt_.failed()) return Flow::kOn;
  Loop loop = {items, 0, ++loop_depth_};
  Value loop_value;
  loop_value.kind = Kind::kLoop;
  loop_value.loop = &loop;
  Scope scope(scope_);
  Scope* const outer = std::exchange(scope_, &scope);
  bool completed = false;  // any run; Jinja runs the else part also when each was cut short
  for (; loop.index < items->items.size() && rt_.Charge(1); ++loop.index) {
    scope.Clear();
    scope.Set(kLoopName, loop_value);
    Assign(statement.target, items->items[loop.index]);
    const Flow flow = RunBody(statement.body);
    if (flow == Flow::kBreak) break;
    completed = completed || flow == Flow::kOn;
  }
  scope_ = outer;
  --loop_depth_;
  return completed ? Flow::kOn : RunBody(statement.else_body);
}

// The values are computed outside of the new scope.
Interpreter::Flow Interpreter::RunWith(const Statement& statement) {
  Scope scope(scope_);
  for (const auto& [name, expr] : statement.parameters) scope.Set(name, Eval(*expr));
  Scope* const outer = std::exchange(scope_, &scope);
  const Flow flow = RunBody(statement.body);
  scope_ = outer;
  return flow;
}

void Interpreter::RunScoped(const Body& body) {
  Scope scope(scope_);
  Scope* const outer = std::exchange(scope_, &scope);
  RunBody(body);
  scope_ = outer;
}

Value Interpreter::Capture(const Statement& statement) {
  TypedText text;
  TypedText* const outer = std::exchange(out_, &text);
  RunScoped(statement.body);
  out_ = outer;
  const Value value = rt_.MakeText(std::move(text));
  return statement.expr == nullptr ? value : EvalFiltered(*statement.expr, &value);
}

Value Interpreter::DefineMacro(const Statement& statement) {
  Value macro;
  macro.kind = Kind::kMacro;
  macro.macro = &statement;
  return macro;
}

void Interpreter::Assign(const Target& target, const Value& value) {
  if (rt_.failed()) return;
  if (!target.parts.empty()) {
    const List* items = Iterate(rt_, value);
    if (items == nullptr) return;
    if (items->items.size() != target.parts.size()) {
      rt_.Fail("found {} values to unpack, wanted {}", items->items.size(), target.parts.size());
      return;
    }
    for (size_t i = 0; i < target.parts.size(); ++i) Assign(target.parts[i], items->items[i]);
    return;
  }
  if (target.attribute.empty()) {
    scope_->Set(target.name, value);
    return;
  }
  const Value* object = scope_->Find(target.name);
  if (object == nullptr || object->kind != Kind::kNamespace) {
    rt_.Fail("{} is {}, wanted a namespace to set an attribute of", target.name,
             object == nullptr ? "undefined" : TypeName(*object));
    return;
  }
  object->space->Set(target.attribute, value);
}

}  // namespace weir::jinja
