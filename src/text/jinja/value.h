// SPDX-License-Identifier: Apache-2.0
//
// What a template computes with. A Value is small and copied freely; what it points to belongs to
// the template or to the Heap of one rendering and never changes, but for namespaces.
#ifndef WEIR_TEXT_JINJA_VALUE_H_
#define WEIR_TEXT_JINJA_VALUE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/typed_text.h"

namespace weir::jinja {

struct Builtin;
struct Statement;
struct Loop;
struct Value;
class Dict;
class Namespace;

enum class ListForm : uint8_t {
  kList,
  kTuple,
  kRange,      // as a list, but joins no list, and neither prints nor equals one
  kView,       // of a dict: has a length, but no indexes
  kGenerator,  // what map, selectattr and the like give: always true, no length, no indexes
};

struct List {
  std::vector<Value> items;
  ListForm form;
};

// A builtin with what it is called on.
struct Method;

enum class Kind : uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kDict,
  kNamespace,
  kMacro,
  kFunction,
  kMethod,
  kLoop,
};

struct Value {
  Kind kind = Kind::kUndefined;
  Origin origin = Origin::kTrusted;  // of a none, bool, int or float; text knows its own
  union {
    const std::string* name = nullptr;  // kUndefined: what was looked up; may be null
    bool boolean;
    int64_t integer;
    double real;
    const TypedText* text;
    const List* list;
    const Dict* dict;
    Namespace* space;
    const Statement* macro;
    const Builtin* function;
    const Method* method;
    const Loop* loop;
  };

  bool is_undefined() const { return kind == Kind::kUndefined; }
  bool is_none() const { return kind == Kind::kNone; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_dict() const { return kind == Kind::kDict; }
  bool is_list() const { return kind == Kind::kList; }  // of any form
  bool is_number() const { return kind == Kind::kInt || kind == Kind::kFloat || is_bool(); }
  bool is_bool() const { return kind == Kind::kBool; }
  // An int, or a bool, which is one in Python.
  bool is_integral() const { return kind == Kind::kInt || is_bool(); }

  // Requires: is_integral().
  int64_t AsInt() const { return is_bool() ? (boolean ? 1 : 0) : integer; }
  // Requires: is_number().
  double AsDouble() const { return kind == Kind::kFloat ? real : static_cast<double>(AsInt()); }
};

struct Method {
  Value self;
  const Builtin* builtin;
};

Value None();
Value Bool(bool value, Origin origin = Origin::kTrusted);
Value Int(int64_t value, Origin origin = Origin::kTrusted);
Value Float(double value, Origin origin = Origin::kTrusted);
Value TextValue(const TypedText* text);
Value ListValue(const List* list);
Value DictValue(const Dict* dict);
Value Undefined(const std::string* name = nullptr);

// Keeps the order of insertion, as Python does.
class Dict {
 public:
  // A key that is there already keeps its place and takes the new value.
  void Set(const Value& key, const Value& value);
  const Value* Find(const Value& key) const;
  const Value* Find(std::string_view key) const;

  const std::vector<std::pair<Value, Value>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<Value, Value>> entries_;
  std::map<std::string_view, size_t> by_text_;  // entries with string keys
};

class Namespace {
 public:
  void Set(const std::string& name, const Value& value) { values_[name] = value; }
  const Value* Find(const std::string& name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? nullptr : &it->second;
  }

 private:
  std::map<std::string, Value> values_;
};

// One run of a for statement, seen by its body as `loop`.
struct Loop {
  const List* items;
  size_t index;  // from 0
  int32_t depth;
};

// Owns what one rendering makes, all of it until the end, so that values need no counting and may
// refer to each other in circles.
struct Heap {
  std::deque<TypedText> texts;
  std::deque<List> lists;
  std::deque<Dict> dicts;
  std::deque<Namespace> namespaces;
  std::deque<Method> methods;
};

// What Python calls the type, for messages.
std::string_view TypeName(const Value& value);

bool Truthy(const Value& value);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_VALUE_H_
