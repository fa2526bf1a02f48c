// SPDX-License-Identifier: Apache-2.0
//
// The only place that reads environment variables. Every variable is in one list, printed by
// `weir --help-env`.
#ifndef WEIR_BASE_ENV_H_
#define WEIR_BASE_ENV_H_

#include <span>
#include <string>

namespace weir {

struct EnvVariable {
  const char* name;
  const char* meaning;
};

std::span<const EnvVariable> EnvVariables();

// The variable's value, empty when it is not set. The name must be in EnvVariables().
std::string EnvString(const char* name);

}  // namespace weir

#endif  // WEIR_BASE_ENV_H_
