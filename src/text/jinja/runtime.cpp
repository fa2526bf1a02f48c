// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/runtime.h"

#include <algorithm>

namespace weir::jinja {
namespace {

// An object costs as much of the budget as this many operations, so that the budget bounds memory.
constexpr int64_t kObjectSteps = 3;

}  // namespace

bool Runtime::MayGrow(size_t bytes, size_t more) {
  if (more > budget_.max_bytes || bytes > budget_.max_bytes - more) {
    Fail("text of more than {} bytes", budget_.max_bytes);
    return false;
  }
  return ChargeBytes(more);
}

Value Runtime::FailText(std::string problem) {
  if (!failed_) error_ = fmt::format("line {}: {}", line_, problem);
  failed_ = true;
  return {};
}

void Runtime::FailBudget() { Fail("the template ran for more than {} steps", budget_.max_steps); }

std::tm Runtime::Now() const {
  if (now_) return *now_;
  const std::time_t seconds = std::time(nullptr);
  std::tm now = {};
  ::localtime_r(&seconds, &now);
  return now;
}

Value Runtime::MakeText(TypedText text) {
  if (!MayMake(text.size())) return {};
  Charge(kObjectSteps + static_cast<int64_t>(text.user.size()));
  return TextValue(&heap_.texts.emplace_back(std::move(text)));
}

Value Runtime::MakeText(std::string_view text, Origin origin) {
  return MakeText(TypedText(text, origin));
}

List& Runtime::MakeList(ListForm form) {
  Charge(kObjectSteps);
  return heap_.lists.emplace_back(List{{}, form});
}

Dict& Runtime::MakeDict() {
  Charge(kObjectSteps);
  return heap_.dicts.emplace_back();
}

Value Runtime::MakeNamespace(Namespace*& space) {
  Charge(kObjectSteps);
  space = &heap_.namespaces.emplace_back();
  Value value;
  value.kind = Kind::kNamespace;
  value.space = space;
  return value;
}

Value Runtime::MakeMethod(const Value& self, const Builtin& builtin) {
  Charge(kObjectSteps);
  Value value;
  value.kind = Kind::kMethod;
  value.method = &heap_.methods.emplace_back(Method{self, &builtin});
  return value;
}

const std::string* Runtime::MakeName(std::string_view name) {
  Charge(kObjectSteps);
  return &names_.emplace_back(name);
}

int64_t Call::IntOr(int i, int64_t fallback) const {
  if (!Has(i) || arg[i]->is_none()) return fallback;
  if (!arg[i]->is_integral()) {
    rt.Fail("argument {} is of type {}, wanted int", i + 1, TypeName(*arg[i]));
    return fallback;
  }
  return arg[i]->AsInt();
}

const TypedText* Call::TextOrNull(int i) const {
  if (!Has(i) || arg[i]->is_none()) return nullptr;
  if (!arg[i]->is_string()) {
    rt.Fail("argument {} is of type {}, wanted string", i + 1, TypeName(*arg[i]));
    return nullptr;
  }
  return arg[i]->text;
}

bool Call::TrueOr(int i, bool fallback) const { return Has(i) ? Truthy(*arg[i]) : fallback; }

Value RunBuiltin(Runtime& rt, const Builtin& builtin, const Value& self,
                 std::span<const Value> positional, std::span<const Keyword> keywords) {
  Call call = {rt, self, {}, positional, keywords};
  if (builtin.variadic) return builtin.run(call);
  const auto params_end =
      std::find(builtin.params.begin(), builtin.params.end(), std::string_view());
  const auto num_params = static_cast<size_t>(params_end - builtin.params.begin());
  if (positional.size() > num_params) {
    return rt.Fail("{} got {} arguments, takes at most {}", builtin.name, positional.size(),
                   num_params);
  }
  for (size_t i = 0; i < positional.size(); ++i) call.arg[i] = &positional[i];
  for (const Keyword& keyword : keywords) {
    const auto it = std::find(builtin.params.begin(), params_end, keyword.name);
    if (it == params_end) return rt.Fail("{} has no parameter {}", builtin.name, keyword.name);
    const Value*& place = call.arg[it - builtin.params.begin()];
    if (place != nullptr) return rt.Fail("{} got {} twice", builtin.name, keyword.name);
    place = &keyword.value;
  }
  for (int i = 0; i < builtin.num_required; ++i) {
    if (!call.Has(i)) return rt.Fail("{} wants {}", builtin.name, builtin.params[i]);
  }
  return builtin.run(call);
}

const Builtin* FindBuiltin(std::span<const Builtin> table, std::string_view name) {
  const auto it = std::lower_bound(
      table.begin(), table.end(), name,
      [](const Builtin& builtin, std::string_view wanted) { return builtin.name < wanted; });
  return it != table.end() && it->name == name ? &*it : nullptr;
}

}  // namespace weir::jinja
