// SPDX-License-Identifier: Apache-2.0
//
// How a synthetic model's tensors are laid out in safetensors files. Pure: nothing is written here.
#ifndef WEIR_LOADER_SYNTH_SHARDS_H_
#define WEIR_LOADER_SYNTH_SHARDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "loader/synth/preset.h"

namespace weir {

struct SynthShard {
  std::string file;  // "model.safetensors", or "model-00001-of-00002.safetensors"
  size_t begin;      // its tensors are [begin, end) of the model's list
  size_t end;
  uint64_t data_bytes;  // of those tensors
  std::string header;   // length and JSON, padded so that the data begin at a multiple of 8
};

// Fills shards in order. A tensor larger than max_shard_bytes stands alone; none is cut.
std::vector<SynthShard> CutShards(const std::vector<SynthTensor>& tensors,
                                  uint64_t max_shard_bytes);

// The text of model.safetensors.index.json.
std::string ShardIndexJson(const std::vector<SynthTensor>& tensors,
                           const std::vector<SynthShard>& shards);

}  // namespace weir

#endif  // WEIR_LOADER_SYNTH_SHARDS_H_
