// SPDX-License-Identifier: Apache-2.0
//
// This machine's measured profile: where `weir tune` leaves it and other commands look for it. A
// file that is broken or was made for another number of threads stops nobody: a log line says so
// and the built-in profile stands in.
#ifndef WEIR_CLI_TUNED_PROFILE_H_
#define WEIR_CLI_TUNED_PROFILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "attention/device_profile.h"

namespace weir {

inline constexpr const char* kTunedProfileName = "cpu, tuned";

// weir/device.json in the user's folder for caches: $XDG_CACHE_HOME, which must be absolute, else
// .cache in $HOME; empty where the environment tells neither.
std::string DefaultProfilePath();
std::string ProfilePathIn(const std::string& xdg_cache_home, const std::string& home);

// The profile in the file; none, without a word, where there is no such file or `path` is empty;
// none, with a log line, where it cannot be used with this many threads.
std::optional<DeviceProfile> FindTunedProfile(const std::string& path, int32_t num_threads);

}  // namespace weir

#endif  // WEIR_CLI_TUNED_PROFILE_H_
