// SPDX-License-Identifier: Apache-2.0
//
// Filters of lists, dicts and of whatever can be gone through.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"
#include "text/jinja/text_ops.h"

namespace weir::jinja {
namespace {

// "a.b.0" of `object`; an int names an element.
Value AttributePath(Runtime& rt, const Value& object, const Value& path) {
  if (path.is_integral()) return GetItem(rt, object, path);
  if (!path.is_string()) return rt.Fail("attribute: found a {}, wanted a string", TypeName(path));
  Value value = object;
  const std::string& text = path.text->text;
  for (size_t begin = 0; begin <= text.size() && !rt.failed();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    const bool is_index = !part.empty() && part.size() < 10 &&
                          part.find_first_not_of("0123456789") == std::string_view::npos;
    const Value key = is_index ? Int(std::stoll(std::string(part))) : rt.MakeText(part);
    const Value next = GetItem(rt, value, key);
    value = next.is_undefined() && next.name == nullptr ? Undefined(rt.MakeName(part)) : next;
    begin = end + 1;
  }
  return value;
}

Value Default(const Call& call) {
  const bool replaced = call.self.is_undefined() || (call.TrueOr(1, false) && !Truthy(call.self));
  if (!replaced) return call.self;
  return call.Has(0) ? *call.arg[0] : call.rt.MakeText("");
}

Value Length(const Call& call) {
  switch (call.self.kind) {
    case Kind::kUndefined:
      return Int(0);
    case Kind::kString:
      call.rt.ChargeBytes(call.self.text->size());
      return Int(static_cast<int64_t>(NumChars(call.self.text->text)));
    case Kind::kDict:
      return Int(static_cast<int64_t>(call.self.dict->entries().size()));
    case Kind::kList:
      if (call.self.list->form == ListForm::kGenerator) break;
      return Int(static_cast<int64_t>(call.self.list->items.size()));
    default:
      break;
  }
  return call.rt.Fail("a {} has no length", TypeName(call.self));
}

Value ToList(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  List& list = call.rt.MakeList();
  if (call.rt.Charge(static_cast<int64_t>(items->items.size()))) list.items = items->items;
  return ListValue(&list);
}

Value First(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  return items == nullptr || items->items.empty() ? Undefined() : items->items.front();
}

Value Last(const Call& call) {
  if (call.self.is_list() && call.self.list->form == ListForm::kGenerator) {
    return call.rt.Fail("last: a generator has no end to begin from");
  }
  const List* items = Iterate(call.rt, call.self);
  return items == nullptr || items->items.empty() ? Undefined() : items->items.back();
}

Value Items(const Call& call) {
  if (call.self.is_undefined()) return ListValue(&call.rt.MakeList(ListForm::kGenerator));
  if (!call.self.is_dict())
    return call.rt.Fail("items: found a {}, wanted a dict", TypeName(call.self));
  return DictItems(call.rt, *call.self.dict, ListForm::kGenerator);
}

Value Reverse(const Call& call) {
  if (call.self.is_string()) {
    const Value step = Int(-1);
    return GetSlice(call.rt, call.self, nullptr, nullptr, &step);
  }
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr || !call.rt.Charge(static_cast<int64_t>(items->items.size()))) return {};
  List& reversed = call.rt.MakeList(ListForm::kGenerator);
  reversed.items.assign(items->items.rbegin(), items->items.rend());
  return ListValue(&reversed);
}

Value Join(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  const TypedText* separator = call.Has(0) ? ToText(call.rt, *call.arg[0]) : nullptr;
  if (items == nullptr) return {};
  const bool by_attribute = call.Has(1) && !call.arg[1]->is_none();
  TypedText joined;
  for (size_t i = 0; i < items->items.size(); ++i) {
    if (i > 0 && separator != nullptr) {
      if (!call.rt.MayGrow(joined.size(), separator->size())) return {};
      joined.Append(*separator);
    }
    const Value& item = items->items[i];
    AppendStr(call.rt, by_attribute ? AttributePath(call.rt, item, *call.arg[1]) : item, joined);
    if (!call.rt.Charge(1)) return {};
  }
  return call.rt.MakeText(std::move(joined));
}

const Value* FindKeyword(const Call& call, std::string_view name) {
  for (const Keyword& keyword : call.keywords) {
    if (keyword.name == name) return &keyword.value;
  }
  return nullptr;
}

// What is false, even if nothing can go through it, gives an empty list here and in select.
// map(attribute=..., default=...) or map("filter", arguments...).
Value Map(const Call& call) {
  if (!Truthy(call.self)) return ListValue(&call.rt.MakeList(ListForm::kGenerator));
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  List& mapped = call.rt.MakeList(ListForm::kGenerator);
  const Value* attribute = FindKeyword(call, "attribute");
  const Value* fallback = FindKeyword(call, "default");
  const Builtin* filter = nullptr;
  if (call.positional.empty()) {
    if (attribute == nullptr) return call.rt.Fail("map wants the name of a filter, or attribute=");
  } else {
    if (!call.positional[0].is_string()) return call.rt.Fail("map wants the name of a filter");
    filter = FindFilter(call.positional[0].text->text);
    if (filter == nullptr) return call.rt.Fail("no filter {}", call.positional[0].text->text);
  }
  for (const Value& item : items->items) {
    if (!call.rt.Charge(1)) return {};
    Value value = filter != nullptr ? RunBuiltin(call.rt, *filter, item, call.positional.subspan(1),
                                                 call.keywords)
                                    : AttributePath(call.rt, item, *attribute);
    if (filter == nullptr && value.is_undefined() && fallback != nullptr) value = *fallback;
    mapped.items.push_back(value);
  }
  return ListValue(&mapped);
}

// Keeps items for which a test holds, or which are true; with kByAttribute the test is of an
// attribute.
template <bool kByAttribute, bool kWanted>
Value Select(const Call& call) {
  if (!Truthy(call.self)) return ListValue(&call.rt.MakeList(ListForm::kGenerator));
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  auto arguments = call.positional;
  if (kByAttribute && arguments.empty()) return call.rt.Fail("selectattr wants an attribute");
  const Value path = kByAttribute ? arguments[0] : Value();
  if (kByAttribute) arguments = arguments.subspan(1);
  const Builtin* test = nullptr;
  if (!arguments.empty()) {
    if (!arguments[0].is_string()) return call.rt.Fail("select wants the name of a test");
    test = FindTest(arguments[0].text->text);
    if (test == nullptr) return call.rt.Fail("no test {}", arguments[0].text->text);
    arguments = arguments.subspan(1);
  }
  List& kept = call.rt.MakeList(ListForm::kGenerator);
  for (const Value& item : items->items) {
    if (!call.rt.Charge(1)) return {};
    const Value subject = kByAttribute ? AttributePath(call.rt, item, path) : item;
    const bool holds = test == nullptr
                           ? Truthy(subject)
                           : Truthy(RunBuiltin(call.rt, *test, subject, arguments, call.keywords));
    if (holds == kWanted) kept.items.push_back(item);
  }
  return ListValue(&kept);
}

// What an item is compared by: itself or an attribute, without case unless that counts.
Value SortKey(Runtime& rt, const Value& item, const Value* attribute, bool case_sensitive) {
  const bool by_attribute = attribute != nullptr && !attribute->is_none();
  if (by_attribute && attribute->is_string() &&
      attribute->text->text.find(',') != std::string::npos) {
    return rt.Fail("attribute: several at once are not supported");
  }
  const Value key = by_attribute ? AttributePath(rt, item, *attribute) : item;
  return key.is_string() && !case_sensitive ? ToCase(rt, *key.text, LetterCase::kLower) : key;
}

struct Keyed {
  Value key;
  Value item;
};

std::vector<Keyed> WithKeys(const Call& call, const List& items, const Value* attribute,
                            bool case_sensitive) {
  std::vector<Keyed> keyed;
  for (const Value& item : items.items) {
    if (!call.rt.Charge(1)) break;
    keyed.push_back({SortKey(call.rt, item, attribute, case_sensitive), item});
  }
  return keyed;
}

// A merge sort of our own: std::stable_sort must not see the inconsistent answers that a failed
// comparison gives.
void SortKeyed(Runtime& rt, std::vector<Keyed>& keyed, bool reverse) {
  std::vector<Keyed> merged(keyed.size());
  for (size_t width = 1; width < keyed.size() && !rt.failed(); width *= 2) {
    for (size_t begin = 0; begin < keyed.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, keyed.size());
      const size_t end = std::min(begin + 2 * width, keyed.size());
      size_t left = begin;
      size_t right = middle;
      for (size_t out = begin; out < end; ++out) {
        const bool take_right =
            right < end &&
            (left == middle || (reverse ? Less(rt, keyed[left].key, keyed[right].key)
                                        : Less(rt, keyed[right].key, keyed[left].key)));
        merged[out] = take_right ? keyed[right++] : keyed[left++];
      }
    }
    keyed.swap(merged);
  }
}

Value SortedList(const Call& call, std::vector<Keyed> keyed, bool reverse) {
  SortKeyed(call.rt, keyed, reverse);
  List& sorted = call.rt.MakeList();
  for (const Keyed& entry : keyed) sorted.items.push_back(entry.item);
  return ListValue(&sorted);
}

Value Sort(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  return SortedList(call, WithKeys(call, *items, call.arg[2], call.TrueOr(1, false)),
                    call.TrueOr(0, false));
}

Value DictSort(const Call& call) {
  if (!call.self.is_dict()) return call.rt.Fail("dictsort: found a {}", TypeName(call.self));
  const TypedText* by = call.TextOrNull(1);
  if (by != nullptr && by->text != "key" && by->text != "value") {
    return call.rt.Fail("dictsort by {}, wanted key or value", by->text);
  }
  const Value pairs = DictItems(call.rt, *call.self.dict, ListForm::kList);
  const Value position = Int(by != nullptr && by->text == "value" ? 1 : 0);
  return SortedList(call, WithKeys(call, *pairs.list, &position, call.TrueOr(0, false)),
                    call.TrueOr(2, false));
}

Value Unique(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  List& unique = call.rt.MakeList(ListForm::kGenerator);
  std::vector<Value> keys;
  for (const Keyed& keyed : WithKeys(call, *items, call.arg[1], call.TrueOr(0, false))) {
    bool is_new = true;
    for (size_t i = 0; i < keys.size() && is_new; ++i) is_new = !Equal(call.rt, keys[i], keyed.key);
    if (call.rt.failed()) return {};
    if (!is_new) continue;
    keys.push_back(keyed.key);
    unique.items.push_back(keyed.item);
  }
  return ListValue(&unique);
}

template <bool kWantsMax>
Value Extreme(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  const auto keyed = WithKeys(call, *items, call.arg[1], call.TrueOr(0, false));
  if (keyed.empty()) return Undefined();
  size_t best = 0;
  for (size_t i = 1; i < keyed.size(); ++i) {
    const bool better = kWantsMax ? Less(call.rt, keyed[best].key, keyed[i].key)
                                  : Less(call.rt, keyed[i].key, keyed[best].key);
    if (better) best = i;
  }
  return keyed[best].item;
}

Value Sum(const Call& call) {
  const List* items = Iterate(call.rt, call.self);
  if (items == nullptr) return {};
  const bool by_attribute = call.Has(0) && !call.arg[0]->is_none();
  Value sum = call.Has(1) ? *call.arg[1] : Int(0);
  for (const Value& item : items->items) {
    if (!call.rt.Charge(1)) return {};
    const Value term = by_attribute ? AttributePath(call.rt, item, *call.arg[0]) : item;
    sum = Arithmetic(call.rt, Op::kAdd, sum, term);
  }
  return sum;
}

constexpr Builtin kListFilters[] = {
    {"count", Length},
    {"d", Default, {"default_value", "boolean"}},
    {"default", Default, {"default_value", "boolean"}},
    {"dictsort", DictSort, {"case_sensitive", "by", "reverse"}},
    {"first", First},
    {"items", Items},
    {"join", Join, {"d", "attribute"}},
    {"last", Last},
    {"length", Length},
    {"list", ToList},
    {"map", Map, {}, 0, /*variadic=*/true},
    {"max", Extreme<true>, {"case_sensitive", "attribute"}},
    {"min", Extreme<false>, {"case_sensitive", "attribute"}},
    {"reject", Select<false, false>, {}, 0, /*variadic=*/true},
    {"rejectattr", Select<true, false>, {}, 0, /*variadic=*/true},
    {"reverse", Reverse},
    {"select", Select<false, true>, {}, 0, /*variadic=*/true},
    {"selectattr", Select<true, true>, {}, 0, /*variadic=*/true},
    {"sort", Sort, {"reverse", "case_sensitive", "attribute"}},
    {"sum", Sum, {"attribute", "start"}},
    {"unique", Unique, {"case_sensitive", "attribute"}},
};

}  // namespace

std::span<const Builtin> ListFilters() { return kListFilters; }

const Builtin* FindFilter(std::string_view name) {
  for (const auto table : {TextFilters(), ListFilters(), NumberFilters()}) {
    if (const Builtin* filter = FindBuiltin(table, name)) return filter;
  }
  return nullptr;
}

}  // namespace weir::jinja
