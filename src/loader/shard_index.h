// SPDX-License-Identifier: Apache-2.0
//
// model.safetensors.index.json: which shard of a folder holds which tensor.
#ifndef WEIR_LOADER_SHARD_INDEX_H_
#define WEIR_LOADER_SHARD_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

namespace weir {

inline constexpr size_t kMaxShards = 4096;

struct ShardIndex {
  struct Entry {
    std::string tensor;
    int32_t shard;  // index into `files`
  };
  std::vector<std::string> files;  // plain file names inside the folder, ascending
  std::vector<Entry> entries;      // ascending by tensor; each tensor once
};

// `total_size` of the index is not used: real folders carry wrong ones, and every shard's own
// header says how long it must be.
Result<ShardIndex> ParseShardIndex(std::string_view text, const std::string& where);
Result<ShardIndex> LoadShardIndex(const std::string& path);

}  // namespace weir

#endif  // WEIR_LOADER_SHARD_INDEX_H_
