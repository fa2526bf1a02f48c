// SPDX-License-Identifier: Apache-2.0
//
// What may stand behind "is".
#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/text_methods.h"

namespace weir::jinja {
namespace {

template <Kind kKind>
Value IsKind(const Call& call) {
  return Bool(call.self.kind == kKind);
}

Value IsDefined(const Call& call) { return Bool(!call.self.is_undefined()); }
Value IsNumber(const Call& call) { return Bool(call.self.is_number()); }
Value IsTrue(const Call& call) { return Bool(call.self.is_bool() && call.self.boolean); }
Value IsFalse(const Call& call) { return Bool(call.self.is_bool() && !call.self.boolean); }

Value IsCallable(const Call& call) {
  return Bool(call.self.kind == Kind::kMacro || call.self.kind == Kind::kFunction ||
              call.self.kind == Kind::kMethod);
}

Value IsIterable(const Call& call) {
  return Bool(call.self.is_undefined() || call.self.is_string() || call.self.is_list() ||
              call.self.is_dict());
}

// What has a length and indexes; to Python that includes dicts and undefined.
Value IsSequence(const Call& call) {
  return Bool(call.self.is_undefined() || call.self.is_string() || call.self.is_dict() ||
              (call.self.is_list() && call.self.list->form <= ListForm::kRange));
}

Value Modulo(const Call& call, int64_t divisor) {
  return Arithmetic(call.rt, Op::kMod, call.self, Int(divisor));
}
Value IsEven(const Call& call) { return Bool(Equal(call.rt, Modulo(call, 2), Int(0))); }
Value IsOdd(const Call& call) { return Bool(Equal(call.rt, Modulo(call, 2), Int(1))); }
Value IsDivisibleBy(const Call& call) {
  return Bool(Equal(call.rt, Arithmetic(call.rt, Op::kMod, call.self, *call.arg[0]), Int(0)));
}

template <Op kOp>
Value IsCompared(const Call& call) {
  return Bool(Compare(call.rt, kOp, call.self, *call.arg[0]));
}

// The same object; values that print alike may or may not be.
Value IsSame(const Call& call) {
  const Value& a = call.self;
  const Value& b = *call.arg[0];
  if (a.kind != b.kind) return Bool(false);
  if (a.is_none()) return Bool(true);
  if (a.is_bool() || a.kind == Kind::kInt || a.kind == Kind::kFloat || a.is_string()) {
    return Bool(Equal(call.rt, a, b));
  }
  return Bool(a.space == b.space);
}

template <LetterCase kCase>
Value IsCase(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  return text == nullptr ? Value() : Bool(IsInCase(call.rt, *text, kCase));
}

Value IsFilter(const Call& call) {
  return Bool(call.self.is_string() && FindFilter(call.self.text->text) != nullptr);
}
Value IsTest(const Call& call) {
  return Bool(call.self.is_string() && FindTest(call.self.text->text) != nullptr);
}

constexpr Builtin kTests[] = {
    {"!=", IsCompared<Op::kNotEqual>, {"other"}, 1},
    {"<", IsCompared<Op::kLess>, {"other"}, 1},
    {"<=", IsCompared<Op::kLessEqual>, {"other"}, 1},
    {"==", IsCompared<Op::kEqual>, {"other"}, 1},
    {">", IsCompared<Op::kGreater>, {"other"}, 1},
    {">=", IsCompared<Op::kGreaterEqual>, {"other"}, 1},
    {"boolean", IsKind<Kind::kBool>},
    {"callable", IsCallable},
    {"defined", IsDefined},
    {"divisibleby", IsDivisibleBy, {"num"}, 1},
    {"eq", IsCompared<Op::kEqual>, {"other"}, 1},
    {"equalto", IsCompared<Op::kEqual>, {"other"}, 1},
    {"even", IsEven},
    {"false", IsFalse},
    {"filter", IsFilter},
    {"float", IsKind<Kind::kFloat>},
    {"ge", IsCompared<Op::kGreaterEqual>, {"other"}, 1},
    {"greaterthan", IsCompared<Op::kGreater>, {"other"}, 1},
    {"gt", IsCompared<Op::kGreater>, {"other"}, 1},
    {"in", IsCompared<Op::kIn>, {"seq"}, 1},
    {"integer", IsKind<Kind::kInt>},
    {"iterable", IsIterable},
    {"le", IsCompared<Op::kLessEqual>, {"other"}, 1},
    {"lessthan", IsCompared<Op::kLess>, {"other"}, 1},
    {"lower", IsCase<LetterCase::kLower>},
    {"lt", IsCompared<Op::kLess>, {"other"}, 1},
    {"mapping", IsKind<Kind::kDict>},
    {"ne", IsCompared<Op::kNotEqual>, {"other"}, 1},
    {"none", IsKind<Kind::kNone>},
    {"number", IsNumber},
    {"odd", IsOdd},
    {"sameas", IsSame, {"other"}, 1},
    {"sequence", IsSequence},
    {"string", IsKind<Kind::kString>},
    {"test", IsTest},
    {"true", IsTrue},
    {"undefined", IsKind<Kind::kUndefined>},
    {"upper", IsCase<LetterCase::kUpper>},
};

}  // namespace

const Builtin* FindTest(std::string_view name) { return FindBuiltin(kTests, name); }

}  // namespace weir::jinja
