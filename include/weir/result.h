// SPDX-License-Identifier: Apache-2.0
//
// Error values. Weir throws nothing: what can fail because of a file, a request or the machine
// returns a Result. A message says where, what was found and what was wanted, in that order and
// without a full stop.
#ifndef WEIR_RESULT_H_
#define WEIR_RESULT_H_

#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <variant>

namespace weir {

enum class Code {
  kInvalidArgument,  // an option or a call is wrong
  kInvalidModel,     // a model's files are wrong or of an unknown kind
  kInvalidRequest,   // one request is wrong; others are not concerned
  kNotFound,         // a file or a name does not exist
  kIo,               // the operating system refused to read or write
  kOutOfMemory,      // a size was checked against what is free and does not fit
  kUnsupported,      // well formed, but not something that Weir does
  kUnavailable,      // the engine is shutting down or has failed
};

// The name of a code as it is written in messages and JSON, e.g. "invalid_model".
const char* CodeName(Code code);

struct Error {
  Code code;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

// A Result without a value: `return Ok();`
using Status = Result<std::monostate>;
inline Status Ok() { return std::monostate{}; }

}  // namespace weir

#endif  // WEIR_RESULT_H_
