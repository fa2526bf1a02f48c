// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/jinja/operators.h"

namespace weir::jinja {
namespace {

// Compares values in each other, which may go too deep or on too long.
class Comparer {
 public:
  explicit Comparer(Runtime& rt) : rt_(rt) {}

  bool Equal(const Value& a, const Value& b) {
    if (!Enter()) return false;
    const bool equal = EqualInside(a, b);
    --depth_;
    return equal;
  }

  bool Less(const Value& a, const Value& b) {
    if (!Enter()) return false;
    const bool less = LessInside(a, b);
    --depth_;
    return less;
  }

 private:
  bool Enter() {
    if (!rt_.Charge(1)) return false;
    if (depth_ == kMaxValueDepth) {
      rt_.Fail("value nested deeper than {} levels", kMaxValueDepth);
      return false;
    }
    ++depth_;
    return true;
  }

  bool EqualInside(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) {
      return a.is_integral() && b.is_integral() ? a.AsInt() == b.AsInt()
                                                : a.AsDouble() == b.AsDouble();
    }
    if (a.kind != b.kind) return false;
    switch (a.kind) {
      case Kind::kUndefined:
      case Kind::kNone:
        return true;
      case Kind::kString:
        rt_.ChargeBytes(a.text->size());
        return a.text->text == b.text->text;
      case Kind::kList:
        return EqualLists(*a.list, *b.list);
      case Kind::kDict:
        return EqualDicts(*a.dict, *b.dict);
      case Kind::kMethod:
        return a.method->builtin == b.method->builtin && Equal(a.method->self, b.method->self);
      default:
        return a.space == b.space;  // the same thing
    }
  }

  bool EqualLists(const List& a, const List& b) {
    if (&a == &b) return true;
    if (a.form != b.form || a.items.size() != b.items.size()) return false;
    if (a.form == ListForm::kGenerator) return false;
    for (size_t i = 0; i < a.items.size(); ++i) {
      if (!Equal(a.items[i], b.items[i])) return false;
    }
    return true;
  }

  bool EqualDicts(const Dict& a, const Dict& b) {
    if (a.entries().size() != b.entries().size()) return false;
    for (const auto& [key, value] : a.entries()) {
      const Value* other = b.Find(key);
      if (other == nullptr || !Equal(value, *other)) return false;
    }
    return true;
  }

  bool LessInside(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) {
      return a.is_integral() && b.is_integral() ? a.AsInt() < b.AsInt()
                                                : a.AsDouble() < b.AsDouble();
    }
    if (a.is_string() && b.is_string()) {
      rt_.ChargeBytes(a.text->size());
      return a.text->text < b.text->text;  // the order of code points is that of UTF-8 bytes
    }
    if (a.is_list() && b.is_list() && a.list->form == b.list->form &&
        a.list->form <= ListForm::kTuple) {
      return LessLists(a.list->items, b.list->items);
    }
    rt_.Fail("a {} and a {} have no order", TypeName(a), TypeName(b));
    return false;
  }

  bool LessLists(const std::vector<Value>& a, const std::vector<Value>& b) {
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
      if (!Equal(a[i], b[i])) return Less(a[i], b[i]);
    }
    return a.size() < b.size();
  }

  Runtime& rt_;
  int depth_ = 0;
};

}  // namespace

bool Equal(Runtime& rt, const Value& a, const Value& b) { return Comparer(rt).Equal(a, b); }
bool Less(Runtime& rt, const Value& a, const Value& b) { return Comparer(rt).Less(a, b); }

bool Contains(Runtime& rt, const Value& container, const Value& item) {
  switch (container.kind) {
    case Kind::kUndefined:
      return false;
    case Kind::kString:
      if (!item.is_string()) {
        rt.Fail("in: a {} cannot be in a string", TypeName(item));
        return false;
      }
      rt.ChargeBytes(container.text->size());
      return container.text->text.find(item.text->text) != std::string::npos;
    case Kind::kDict:
      if (item.is_list() || item.is_dict()) {
        rt.Fail("in: a {} cannot be a key", TypeName(item));
        return false;
      }
      return container.dict->Find(item) != nullptr;
    case Kind::kList:
      for (const Value& element : container.list->items) {
        if (Equal(rt, element, item)) return true;
        if (rt.failed()) return false;
      }
      return false;
    default:
      rt.Fail("in: a {} holds nothing", TypeName(container));
      return false;
  }
}

bool Compare(Runtime& rt, Op op, const Value& a, const Value& b) {
  switch (op) {
    case Op::kEqual:
      return Equal(rt, a, b);
    case Op::kNotEqual:
      return !Equal(rt, a, b);
    case Op::kLess:
      return Less(rt, a, b);
    case Op::kGreater:
      return Less(rt, b, a);
    case Op::kLessEqual:
      return Less(rt, a, b) || Equal(rt, a, b);
    case Op::kGreaterEqual:
      return Less(rt, b, a) || Equal(rt, a, b);
    case Op::kIn:
      return Contains(rt, b, a);
    case Op::kNotIn:
      return !Contains(rt, b, a);
    default:
      break;
  }
  rt.Fail("not a comparison");
  return false;
}

}  // namespace weir::jinja
