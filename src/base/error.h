// SPDX-License-Identifier: Apache-2.0
//
// Building an Error in one expression: Err(Code::kInvalidModel, path, ": hidden_size ", n, " ...").
#ifndef WEIR_BASE_ERROR_H_
#define WEIR_BASE_ERROR_H_

#include <fmt/format.h>
#include <string>
#include <utility>

#include <weir/result.h>

namespace weir {

// Joins the arguments without separators. Everything that libfmt can print may be passed.
template <class... Args>
tl::unexpected<Error> Err(Code code, const Args&... args) {
  std::string message;
  (fmt::format_to(std::back_inserter(message), "{}", args), ...);
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace weir

// Returns the error of a Result from the enclosing function, or goes on.
#define WEIR_RETURN_IF_ERROR(expr)                                  \
  do {                                                              \
    auto weir_status_ = (expr);                                     \
    if (!weir_status_) return tl::unexpected(weir_status_.error()); \
  } while (0)

#define WEIR_CONCAT_INNER_(a, b) a##b
#define WEIR_CONCAT_(a, b) WEIR_CONCAT_INNER_(a, b)
#define WEIR_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                \
  if (!tmp) return tl::unexpected(tmp.error());     \
  lhs = std::move(*tmp)

// WEIR_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
#define WEIR_ASSIGN_OR_RETURN(lhs, expr) \
  WEIR_ASSIGN_OR_RETURN_IMPL_(WEIR_CONCAT_(weir_result_, __LINE__), lhs, expr)

#endif  // WEIR_BASE_ERROR_H_
