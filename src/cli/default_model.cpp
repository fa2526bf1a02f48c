// SPDX-License-Identifier: Apache-2.0
#include "cli/default_model.h"

#include <filesystem>
#include <system_error>

#include "base/env.h"
#include "base/error.h"

namespace weir {
namespace {

constexpr const char* kBundled = "weir-tiny";

}  // namespace

Result<std::string> DefaultModel() {
  if (std::string named = EnvString("WEIR_MODEL"); !named.empty()) return named;
  std::error_code error;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return Err(Code::kNotFound, "bundled model: cannot tell where this binary is (",
               error.message(), "), wanted --model or WEIR_MODEL");
  }
  std::string looked;
  for (const char* models : {"../share/weir/models", "../../models"}) {
    const auto folder = (binary.parent_path() / models / kBundled).lexically_normal();
    if (std::filesystem::exists(folder / "config.json", error)) return folder.string();
    looked += looked.empty() ? "" : " or ";
    looked += folder.string();
  }
  return Err(Code::kNotFound, "bundled model: not in ", looked, ", wanted --model or WEIR_MODEL");
}

}  // namespace weir
