// SPDX-License-Identifier: Apache-2.0
//
// Global functions: Jinja's own that need no state, and the two that Hugging Face adds.
#include <ctime>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace weir::jinja {
namespace {

// As the sandbox of Hugging Face has it.
constexpr int64_t kMaxRange = 100'000;

Value Range(const Call& call) {
  const bool one = !call.Has(1);
  const int64_t begin = one ? 0 : call.IntOr(0, 0);
  const int64_t end = call.IntOr(one ? 0 : 1, 0);
  const int64_t step = call.IntOr(2, 1);
  if (step == 0) return call.rt.Fail("range: a step of 0");
  // In 128 bits, because the distance of two ints may not fit in 64.
  const auto distance = static_cast<__int128>(end) - begin;
  const auto whole = step > 0 ? distance + step - 1 : distance + step + 1;
  const auto count = whole / step;
  if (count > kMaxRange) return call.rt.Fail("range of more than {} elements", kMaxRange);
  List& list = call.rt.MakeList(ListForm::kRange);
  if (count <= 0 || !call.rt.Charge(static_cast<int64_t>(count))) return ListValue(&list);
  for (int64_t i = 0; i < count; ++i) list.items.push_back(Int(begin + i * step));
  return ListValue(&list);
}

// The arguments of dict() and namespace(): one dict, then names.
template <class Set>
void ForEachEntry(const Call& call, Set&& set) {
  if (call.positional.size() > 1 ||
      (call.positional.size() == 1 && !call.positional[0].is_dict())) {
    call.rt.Fail("found other arguments, wanted at most one dict, and names");
    return;
  }
  if (call.positional.size() == 1) {
    for (const auto& [key, value] : call.positional[0].dict->entries()) {
      if (call.rt.Charge(1)) set(key, value);
    }
  }
  for (const Keyword& keyword : call.keywords) {
    set(call.rt.MakeText(keyword.name), keyword.value);
  }
}

Value MakeDict(const Call& call) {
  Dict& dict = call.rt.MakeDict();
  ForEachEntry(call, [&](const Value& key, const Value& value) { dict.Set(key, value); });
  return DictValue(&dict);
}

Value MakeNamespace(const Call& call) {
  Namespace* space;
  const Value made = call.rt.MakeNamespace(space);
  ForEachEntry(call, [&](const Value& key, const Value& value) {
    if (key.is_string()) space->Set(key.text->text, value);
  });
  return made;
}

Value RaiseException(const Call& call) {
  constexpr size_t kMaxBytes = 500;
  const TypedText* message = ToText(call.rt, *call.arg[0]);
  if (message == nullptr) return {};
  const std::string_view text = message->text;
  return call.rt.Fail("the template refuses this conversation: {}",
                      text.substr(0, text.size() <= kMaxBytes ? text.size() : kMaxBytes));
}

Value StrftimeNow(const Call& call) {
  const TypedText* format = call.TextOrNull(0);
  if (format == nullptr) return call.rt.Fail("strftime_now wants a string");
  if (format->size() > 200) return call.rt.Fail("strftime_now: format of more than 200 bytes");
  if (format->empty()) return call.rt.MakeText("");
  const std::tm now = call.rt.Now();
  char text[2048];
  const size_t size = std::strftime(text, sizeof text, format->text.c_str(), &now);
  return call.rt.MakeText(std::string_view(text, size), format->origin());
}

constexpr Builtin kFunctions[] = {
    {"dict", MakeDict, {}, 0, /*variadic=*/true},
    {"namespace", MakeNamespace, {}, 0, /*variadic=*/true},
    {"raise_exception", RaiseException, {"message"}, 1},
    {"range", Range, {"start", "stop", "step"}, 1},
    {"strftime_now", StrftimeNow, {"format"}, 1},
};

}  // namespace

const Builtin* FindFunction(std::string_view name) { return FindBuiltin(kFunctions, name); }

}  // namespace weir::jinja
