// SPDX-License-Identifier: Apache-2.0
#include "cli/tuned_profile.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mapped_file.h"

namespace weir {
namespace {

constexpr size_t kMaxProfileBytes = size_t{1} << 16;

Result<DeviceProfile> ReadProfile(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxProfileBytes));
  return ParseDeviceProfile(text, path);
}

}  // namespace

std::string ProfilePathIn(const std::string& xdg_cache_home, const std::string& home) {
  const std::filesystem::path file = std::filesystem::path("weir") / "device.json";
  const std::filesystem::path caches(xdg_cache_home);
  if (caches.is_absolute()) return (caches / file).string();
  if (home.empty()) return "";
  return (std::filesystem::path(home) / ".cache" / file).string();
}

std::string DefaultProfilePath() {
  return ProfilePathIn(EnvString("XDG_CACHE_HOME"), EnvString("HOME"));
}

std::optional<DeviceProfile> FindTunedProfile(const std::string& path, int32_t num_threads) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return std::nullopt;
  Result<DeviceProfile> profile = ReadProfile(path);
  if (!profile) {
    WEIR_LOG(WARN, "tuned device profile not used", "why", profile.error().message);
    return std::nullopt;
  }
  if (profile->num_workers != num_threads) {
    WEIR_LOG(INFO, "tuned device profile not used", "file", path, "its_threads",
             profile->num_workers, "wanted", num_threads);
    return std::nullopt;
  }
  WEIR_LOG(INFO, "tuned device profile", "file", path);
  return std::move(*profile);
}

}  // namespace weir
