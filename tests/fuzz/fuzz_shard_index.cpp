// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as model.safetensors.index.json. No accepted file name may lead out of the folder.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loader/shard_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto index = weir::ParseShardIndex(text, "fuzz");
  if (!index) {
    if (index.error().message.size() > 2000) std::abort();
    return 0;
  }
  for (const std::string& file : index->files) {
    if (file.empty() || file.find_first_of("/\\") != std::string::npos || file.front() == '.') {
      std::abort();
    }
    if (file.find('\0') != std::string::npos) std::abort();
  }
  const std::string* previous = nullptr;
  for (const auto& entry : index->entries) {
    if (entry.shard < 0 || static_cast<size_t>(entry.shard) >= index->files.size()) std::abort();
    if (previous != nullptr && !(*previous < entry.tensor)) std::abort();
    previous = &entry.tensor;
  }
  return 0;
}
