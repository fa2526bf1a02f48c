// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/value.h"

namespace weir::jinja {
namespace {

// Python's rule for keys: 1, 1.0 and True are one key.
bool SameScalar(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.AsInt() == b.AsInt()
                                              : a.AsDouble() == b.AsDouble();
  }
  return a.is_none() && b.is_none();
}

}  // namespace

Value None() {
  Value value;
  value.kind = Kind::kNone;
  return value;
}

Value Bool(bool boolean, Origin origin) {
  Value value;
  value.kind = Kind::kBool;
  value.origin = origin;
  value.boolean = boolean;
  return value;
}

Value Int(int64_t integer, Origin origin) {
  Value value;
  value.kind = Kind::kInt;
  value.origin = origin;
  value.integer = integer;
  return value;
}

Value Float(double real, Origin origin) {
  Value value;
  value.kind = Kind::kFloat;
  value.origin = origin;
  value.real = real;
  return value;
}

Value TextValue(const TypedText* text) {
  Value value;
  value.kind = Kind::kString;
  value.text = text;
  return value;
}

Value ListValue(const List* list) {
  Value value;
  value.kind = Kind::kList;
  value.list = list;
  return value;
}

Value DictValue(const Dict* dict) {
  Value value;
  value.kind = Kind::kDict;
  value.dict = dict;
  return value;
}

Value Undefined(const std::string* name) {
  Value value;
  value.name = name;
  return value;
}

void Dict::Set(const Value& key, const Value& value) {
  if (key.is_string()) {
    const auto [it, is_new] = by_text_.try_emplace(key.text->text, entries_.size());
    if (!is_new) {
      entries_[it->second].second = value;
      return;
    }
  } else {
    for (auto& entry : entries_) {
      if (SameScalar(entry.first, key)) {
        entry.second = value;
        return;
      }
    }
  }
  entries_.emplace_back(key, value);
}

const Value* Dict::Find(const Value& key) const {
  if (key.is_string()) return Find(key.text->text);
  for (const auto& entry : entries_) {
    if (SameScalar(entry.first, key)) return &entry.second;
  }
  return nullptr;
}

const Value* Dict::Find(std::string_view key) const {
  const auto it = by_text_.find(key);
  return it == by_text_.end() ? nullptr : &entries_[it->second].second;
}

std::string_view TypeName(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return "undefined";
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "string";
    case Kind::kList:
      switch (value.list->form) {
        case ListForm::kList:
          return "list";
        case ListForm::kTuple:
          return "tuple";
        case ListForm::kRange:
          return "range";
        case ListForm::kView:
          return "view of a dict";
        case ListForm::kGenerator:
          return "generator";
      }
      return "list";
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "namespace";
    case Kind::kLoop:
      return "loop";
    case Kind::kMacro:
      return "macro";
    case Kind::kFunction:
    case Kind::kMethod:
      break;
  }
  return "function";
}

bool Truthy(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return value.boolean;
    case Kind::kInt:
      return value.integer != 0;
    case Kind::kFloat:
      return value.real != 0;
    case Kind::kString:
      return !value.text->empty();
    case Kind::kList:
      return value.list->form == ListForm::kGenerator || !value.list->items.empty();
    case Kind::kDict:
      return !value.dict->entries().empty();
    default:
      return true;
  }
}

}  // namespace weir::jinja
