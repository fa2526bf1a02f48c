// SPDX-License-Identifier: Apache-2.0
//
// One rendering: its memory, its budget and its error. The first failure wins; from then on every
// operation may return anything, evaluation stops at the next node, and nothing is shown of it.
#ifndef WEIR_TEXT_JINJA_RUNTIME_H_
#define WEIR_TEXT_JINJA_RUNTIME_H_

#include <array>
#include <cstdint>
#include <ctime>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "text/jinja/value.h"

namespace weir::jinja {

struct Budget {
  int64_t max_steps;  // operations, and one per kBytesPerStep copied or looked at
  size_t max_bytes;   // of any one text
};
inline constexpr size_t kBytesPerStep = 64;

// How deep values may nest where they are printed or compared.
inline constexpr int kMaxValueDepth = 100;

class Runtime {
 public:
  Runtime(const Budget& budget, std::optional<std::tm> now) : budget_(budget), now_(now) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // False, after a failure, when the budget is spent.
  bool Charge(int64_t steps) {
    if (failed_) return false;
    if (steps > budget_.max_steps - steps_) {
      FailBudget();
      return false;
    }
    steps_ += steps;
    return true;
  }
  bool ChargeBytes(size_t bytes) { return Charge(1 + static_cast<int64_t>(bytes / kBytesPerStep)); }
  // Whether a text of so many bytes may be made.
  bool MayMake(size_t bytes) { return MayGrow(0, bytes); }
  // Whether a text of `bytes` may grow by so many.
  bool MayGrow(size_t bytes, size_t more);

  // Returns undefined.
  template <class... Args>
  Value Fail(fmt::format_string<Args...> format, Args&&... args) {
    return FailText(fmt::format(format, std::forward<Args>(args)...));
  }
  bool failed() const { return failed_; }
  const std::string& error() const { return error_; }  // "line 3: ..."

  void SetLine(int32_t line) { line_ = line; }
  int32_t line() const { return line_; }
  int64_t steps() const { return steps_; }
  std::tm Now() const;

  Value MakeText(TypedText text);
  Value MakeText(std::string_view text, Origin origin = Origin::kTrusted);
  // The caller fills the list, and charges for what it adds.
  List& MakeList(ListForm form = ListForm::kList);
  Dict& MakeDict();
  Value MakeNamespace(Namespace*& space);
  Value MakeMethod(const Value& self, const Builtin& builtin);
  const std::string* MakeName(std::string_view name);

 private:
  Value FailText(std::string problem);
  void FailBudget();

  const Budget budget_;
  const std::optional<std::tm> now_;
  int64_t steps_ = 0;
  int32_t line_ = 1;
  bool failed_ = false;
  std::string error_;
  Heap heap_;
  std::deque<std::string> names_;
};

struct Keyword {
  std::string_view name;
  Value value;
};

// A builtin being called. What was not given is null.
struct Call {
  Runtime& rt;
  Value self;  // the input of a filter or a test, the object of a method
  std::array<const Value*, 4> arg;
  std::span<const Value> positional;
  std::span<const Keyword> keywords;

  bool Has(int i) const { return arg[i] != nullptr; }
  // What was given, unless it is absent or none; fails when it is of another kind.
  int64_t IntOr(int i, int64_t fallback) const;
  const TypedText* TextOrNull(int i) const;
  bool TrueOr(int i, bool fallback) const;
};

// A filter, a test, a method or a function of the language.
struct Builtin {
  std::string_view name;
  Value (*run)(const Call& call);
  std::array<std::string_view, 4> params = {};  // up to the first empty one
  int num_required = 0;
  bool variadic = false;  // takes whatever comes, in `positional` and `keywords`
};

// Checks the arguments against the builtin's parameters and runs it.
Value RunBuiltin(Runtime& rt, const Builtin& builtin, const Value& self,
                 std::span<const Value> positional, std::span<const Keyword> keywords);

// Requires: `table` is sorted by name.
const Builtin* FindBuiltin(std::span<const Builtin> table, std::string_view name);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_RUNTIME_H_
