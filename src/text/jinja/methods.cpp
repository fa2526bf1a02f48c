// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/methods.h"

#include "text/jinja/operators.h"
#include "text/jinja/text_methods.h"

namespace weir::jinja {
namespace {

Value Get(const Call& call) {
  if (call.arg[0]->is_list() || call.arg[0]->is_dict()) {
    return call.rt.Fail("a {} cannot be a key", TypeName(*call.arg[0]));
  }
  if (const Value* found = call.self.dict->Find(*call.arg[0])) return *found;
  return call.Has(1) ? *call.arg[1] : None();
}

Value Items(const Call& call) { return DictItems(call.rt, *call.self.dict, ListForm::kView); }

Value Keys(const Call& call) {
  List& keys = call.rt.MakeList(ListForm::kView);
  call.rt.Charge(static_cast<int64_t>(call.self.dict->entries().size()));
  for (const auto& entry : call.self.dict->entries()) keys.items.push_back(entry.first);
  return ListValue(&keys);
}

Value Values(const Call& call) {
  List& values = call.rt.MakeList(ListForm::kView);
  call.rt.Charge(static_cast<int64_t>(call.self.dict->entries().size()));
  for (const auto& entry : call.self.dict->entries()) values.items.push_back(entry.second);
  return ListValue(&values);
}

// Nothing ever changes a value, so the copy is the value.
Value Copy(const Call& call) { return call.self; }

Value CountItems(const Call& call) {
  int64_t count = 0;
  for (const Value& item : call.self.list->items) count += Equal(call.rt, item, *call.arg[0]);
  return Int(count);
}

Value IndexOfItem(const Call& call) {
  const auto& items = call.self.list->items;
  for (size_t i = 0; i < items.size() && !call.rt.failed(); ++i) {
    if (Equal(call.rt, items[i], *call.arg[0])) return Int(static_cast<int64_t>(i));
  }
  return call.rt.Fail("index: the list does not hold the value");
}

Value Cycle(const Call& call) {
  if (call.positional.empty()) return call.rt.Fail("loop.cycle wants values");
  return call.positional[call.self.loop->index % call.positional.size()];
}

constexpr Builtin kDictMethods[] = {
    {"copy", Copy},     {"get", Get, {"key", "default"}, 1}, {"items", Items}, {"keys", Keys},
    {"values", Values},
};
constexpr Builtin kListMethods[] = {
    {"copy", Copy},
    {"count", CountItems, {"value"}, 1},
    {"index", IndexOfItem, {"value"}, 1},
};
constexpr Builtin kLoopMethods[] = {
    {"cycle", Cycle, {}, 0, /*variadic=*/true},
};

}  // namespace

Value DictItems(Runtime& rt, const Dict& dict, ListForm form) {
  List& items = rt.MakeList(form);
  for (const auto& [key, value] : dict.entries()) {
    if (rt.failed()) break;
    List& pair = rt.MakeList(ListForm::kTuple);
    pair.items = {key, value};
    items.items.push_back(ListValue(&pair));
  }
  return ListValue(&items);
}

const Builtin* FindMethod(const Value& object, std::string_view name) {
  switch (object.kind) {
    case Kind::kString:
      return FindBuiltin(TextMethods(), name);
    case Kind::kDict:
      return FindBuiltin(kDictMethods, name);
    case Kind::kList:
      return object.list->form <= ListForm::kTuple ? FindBuiltin(kListMethods, name) : nullptr;
    case Kind::kLoop:
      return FindBuiltin(kLoopMethods, name);
    default:
      return nullptr;
  }
}

bool IsForbiddenMethod(const Value& object, std::string_view name) {
  if (!object.is_dict()) return false;
  for (const std::string_view method :
       {"clear", "fromkeys", "pop", "popitem", "setdefault", "update"}) {
    if (name == method) return true;
  }
  return false;
}

}  // namespace weir::jinja
