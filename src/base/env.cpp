// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <cstdlib>
#include <string_view>

#include "base/check.h"

namespace weir {
namespace {

constexpr EnvVariable kVariables[] = {
    {"HOME", "where .cache is, for XDG_CACHE_HOME"},
    {"OPENAI_API_KEY", "the key that `weir bench serve` and `weir bench mixed` send"},
    {"WEIR_KERNELS", "forces a kernel table by name: cpu/avx512, cpu/avx2 or reference"},
    {"WEIR_LOG_LEVEL", "debug, info (default), warn or error"},
    {"WEIR_MODEL", "the model used when --model is not given"},
    {"WEIR_THREADS", "worker threads used when --threads is not given"},
    {"XDG_CACHE_HOME",
     "folder of weir/device.json, which `weir tune` writes, and of weir/weights; default: "
     "~/.cache"},
};

}  // namespace

std::span<const EnvVariable> EnvVariables() { return kVariables; }

std::string EnvString(const char* name) {
  bool listed = false;
  for (const EnvVariable& variable : kVariables) listed |= std::string_view(variable.name) == name;
  WEIR_CHECK(listed);
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace weir
