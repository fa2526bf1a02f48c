// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/python_text.h"

namespace weir::jinja {
namespace {

Value FailUndefined(Runtime& rt, const Value& value) {
  if (value.name == nullptr) return rt.Fail("an undefined value has nothing inside");
  return rt.Fail("{} is undefined and has nothing inside", *value.name);
}

// An attribute of `loop`; undefined when there is none of that name.
Value LoopAttribute(Runtime& rt, const Value& self, const std::string& name) {
  const Loop& loop = *self.loop;
  const auto& items = loop.items->items;
  const auto index = static_cast<int64_t>(loop.index);
  const auto length = static_cast<int64_t>(items.size());
  if (name == "index") return Int(index + 1);
  if (name == "index0") return Int(index);
  if (name == "revindex") return Int(length - index);
  if (name == "revindex0") return Int(length - index - 1);
  if (name == "first") return Bool(index == 0);
  if (name == "last") return Bool(index + 1 == length);
  if (name == "length") return Int(length);
  if (name == "depth") return Int(loop.depth);
  if (name == "depth0") return Int(loop.depth - 1);
  if (name == "previtem") return index > 0 ? items[index - 1] : Undefined(&name);
  if (name == "nextitem") return index + 1 < length ? items[index + 1] : Undefined(&name);
  if (const Builtin* method = FindMethod(self, name)) return rt.MakeMethod(self, *method);
  return Undefined(&name);
}

const Value* Element(const Value& object, std::string_view name) {
  return object.is_dict() ? object.dict->Find(name) : nullptr;
}

// A method, or what only has attributes; undefined when there is none of that name.
Value OwnAttribute(Runtime& rt, const Value& object, const std::string& name) {
  if (object.kind == Kind::kLoop) return LoopAttribute(rt, object, name);
  if (object.kind == Kind::kNamespace) {
    const Value* value = object.space->Find(name);
    return value != nullptr ? *value : Undefined(&name);
  }
  if (const Builtin* method = FindMethod(object, name)) return rt.MakeMethod(object, *method);
  return Undefined(&name);
}

Value CharAt(Runtime& rt, const TypedText& text, int64_t index) {
  if (!rt.ChargeBytes(text.size())) return {};
  if (index < 0) index += static_cast<int64_t>(NumChars(text.text));
  if (index < 0) return Undefined();
  const size_t begin = ByteOfChar(text.text, static_cast<size_t>(index));
  if (begin == text.size()) return Undefined();
  const size_t num_bytes = ByteOfChar(std::string_view(text.text).substr(begin), 1);
  return rt.MakeText(text.Slice(begin, begin + num_bytes));
}

Value ItemAt(const List& list, int64_t index) {
  const auto size = static_cast<int64_t>(list.items.size());
  if (list.form > ListForm::kRange) return Undefined();
  if (index < 0) index += size;
  return index >= 0 && index < size ? list.items[index] : Undefined();
}

// The bounds of a slice by Python's rules: from `begin`, by `step`, `count` times.
struct SliceRange {
  int64_t begin = 0;
  int64_t step = 1;
  int64_t count = 0;
};

bool SliceBound(Runtime& rt, const Value* value, int64_t& out) {
  if (value == nullptr || value->is_none()) return false;
  if (!value->is_integral()) {
    rt.Fail("slice: found a {}, wanted an int", TypeName(*value));
    return false;
  }
  out = value->AsInt();
  return true;
}

SliceRange RangeOf(Runtime& rt, int64_t size, const Value* begin, const Value* end,
                   const Value* step) {
  SliceRange range;
  SliceBound(rt, step, range.step);
  if (range.step == 0) rt.Fail("slice: a step of 0");
  if (rt.failed()) return {};
  const bool back = range.step < 0;
  const auto place = [&](int64_t bound) {
    if (bound < 0) bound = bound < -size ? -1 : bound + size;
    return std::clamp(bound, back ? int64_t{-1} : int64_t{0}, back ? size - 1 : size);
  };
  int64_t first = 0;
  int64_t last = 0;
  first = SliceBound(rt, begin, first) ? place(first) : (back ? size - 1 : 0);
  last = SliceBound(rt, end, last) ? place(last) : (back ? -1 : size);
  range.begin = first;
  // The distance is at most `size`; a step beyond it takes one element, whatever its size.
  const int64_t distance = back ? first - last : last - first;
  if (distance > 0) {
    const int64_t stride =
        std::min(back ? -std::max(range.step, -INT64_MAX) : range.step, distance);
    range.count = (distance + stride - 1) / stride;
    range.step = back ? -stride : stride;
  }
  return range;
}

Value TextSlice(Runtime& rt, const TypedText& text, const Value* begin, const Value* end,
                const Value* step) {
  if (!rt.ChargeBytes(text.size())) return {};
  const std::string_view bytes = text.text;
  const SliceRange range = RangeOf(rt, static_cast<int64_t>(NumChars(bytes)), begin, end, step);
  if (rt.failed() || range.count == 0) return rt.MakeText("");
  if (range.step == 1) {
    const size_t first = ByteOfChar(bytes, static_cast<size_t>(range.begin));
    const size_t num_bytes = ByteOfChar(bytes.substr(first), static_cast<size_t>(range.count));
    return rt.MakeText(text.Slice(first, first + num_bytes));
  }
  std::vector<size_t> starts;  // of each character, and the end
  if (!rt.Charge(static_cast<int64_t>(bytes.size()) / 8)) return {};
  for (size_t pos = 0; pos < bytes.size(); pos += ByteOfChar(bytes.substr(pos, 5), 1)) {
    starts.push_back(pos);
  }
  starts.push_back(bytes.size());
  TypedText slice;
  for (int64_t i = 0; i < range.count; ++i) {
    const int64_t at = range.begin + i * range.step;
    slice.Append(text, starts[at], starts[at + 1]);
  }
  return rt.MakeText(std::move(slice));
}

Value ListSlice(Runtime& rt, const List& list, const Value* begin, const Value* end,
                const Value* step) {
  const SliceRange range = RangeOf(rt, static_cast<int64_t>(list.items.size()), begin, end, step);
  List& slice = rt.MakeList(list.form);
  if (!rt.Charge(range.count)) return {};
  slice.items.reserve(static_cast<size_t>(range.count));
  for (int64_t i = 0; i < range.count; ++i) {
    slice.items.push_back(list.items[range.begin + i * range.step]);
  }
  return ListValue(&slice);
}

}  // namespace

Value GetAttribute(Runtime& rt, const Value& object, const std::string& name) {
  if (object.is_undefined()) return FailUndefined(rt, object);
  const Value own = OwnAttribute(rt, object, name);
  if (!own.is_undefined() || IsForbiddenMethod(object, name)) return own;
  const Value* element = Element(object, name);
  return element != nullptr ? *element : own;
}

Value GetItem(Runtime& rt, const Value& object, const Value& key) {
  if (object.is_undefined()) return FailUndefined(rt, object);
  if (object.is_dict()) {
    if (const Value* element = object.dict->Find(key)) return *element;
  } else if (key.is_integral() && object.is_string()) {
    return CharAt(rt, *object.text, key.AsInt());
  } else if (key.is_integral() && object.is_list()) {
    return ItemAt(*object.list, key.AsInt());
  }
  if (!key.is_string()) return Undefined();
  return OwnAttribute(rt, object, *rt.MakeName(key.text->text));
}

Value GetSlice(Runtime& rt, const Value& object, const Value* begin, const Value* end,
               const Value* step) {
  if (object.is_string()) return TextSlice(rt, *object.text, begin, end, step);
  if (object.is_list() && object.list->form <= ListForm::kRange) {
    return ListSlice(rt, *object.list, begin, end, step);
  }
  if (object.is_undefined()) return FailUndefined(rt, object);
  return rt.Fail("slice: a {} cannot be sliced", TypeName(object));
}

const List* Iterate(Runtime& rt, const Value& value) {
  if (value.is_list()) return value.list;
  if (!value.is_undefined() && !value.is_string() && !value.is_dict()) {
    rt.Fail("a {} holds nothing to go through", TypeName(value));
    return nullptr;
  }
  List& list = rt.MakeList();
  if (value.is_dict()) {
    rt.Charge(static_cast<int64_t>(value.dict->entries().size()));
    for (const auto& entry : value.dict->entries()) list.items.push_back(entry.first);
  } else if (value.is_string()) {
    const std::string_view bytes = value.text->text;
    for (size_t pos = 0; pos < bytes.size() && !rt.failed();) {
      const size_t num_bytes = ByteOfChar(bytes.substr(pos, 5), 1);
      list.items.push_back(rt.MakeText(value.text->Slice(pos, pos + num_bytes)));
      pos += num_bytes;
    }
  }
  return rt.failed() ? nullptr : &list;
}

}  // namespace weir::jinja
