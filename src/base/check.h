// SPDX-License-Identifier: Apache-2.0
//
// WEIR_CHECK states what only a bug in Weir can break; it prints both sides and aborts. Input of
// users and files never reaches one: that is what Result is for. WEIR_DCHECK is for hot loops and
// exists in debug builds only.
#ifndef WEIR_BASE_CHECK_H_
#define WEIR_BASE_CHECK_H_

#include <fmt/format.h>
#include <string>

namespace weir {

[[noreturn]] void CheckFailed(const char* file, int line, const std::string& what);

}  // namespace weir

#define WEIR_CHECK(condition)                                              \
  do {                                                                     \
    if (!(condition)) ::weir::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (0)

#define WEIR_CHECK_OP_(a, op, b)                                                     \
  do {                                                                               \
    const auto& weir_a_ = (a);                                                       \
    const auto& weir_b_ = (b);                                                       \
    if (!(weir_a_ op weir_b_))                                                       \
      ::weir::CheckFailed(                                                           \
          __FILE__, __LINE__,                                                        \
          ::fmt::format("{} {} {} ({} against {})", #a, #op, #b, weir_a_, weir_b_)); \
  } while (0)

#define WEIR_CHECK_EQ(a, b) WEIR_CHECK_OP_(a, ==, b)
#define WEIR_CHECK_LE(a, b) WEIR_CHECK_OP_(a, <=, b)
#define WEIR_CHECK_LT(a, b) WEIR_CHECK_OP_(a, <, b)
#define WEIR_CHECK_GE(a, b) WEIR_CHECK_OP_(a, >=, b)
#define WEIR_CHECK_GT(a, b) WEIR_CHECK_OP_(a, >, b)

#ifdef NDEBUG
#define WEIR_DCHECK(condition) static_cast<void>(0)
#else
#define WEIR_DCHECK(condition) WEIR_CHECK(condition)
#endif

#endif  // WEIR_BASE_CHECK_H_
