// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/shards.h"

#include "base/json.h"

namespace weir {
namespace {

uint64_t TensorBytes(const SynthTensor& tensor) {
  return static_cast<uint64_t>(tensor.info.shape.num_elements() * DTypeBytes(tensor.info.dtype));
}

std::string Header(const std::vector<SynthTensor>& tensors, size_t begin, size_t end) {
  Json json = {{"__metadata__", {{"format", "pt"}}}};  // Hugging Face loads no file without it
  uint64_t offset = 0;
  for (size_t i = begin; i < end; ++i) {
    const TensorInfo& info = tensors[i].info;
    Json shape = Json::array();
    for (int axis = 0; axis < info.shape.rank(); ++axis) shape.push_back(info.shape[axis]);
    const uint64_t next = offset + TensorBytes(tensors[i]);
    json[tensors[i].name] = {{"dtype", DTypeName(info.dtype)},
                             {"shape", std::move(shape)},
                             {"data_offsets", {offset, next}}};
    offset = next;
  }
  std::string text = json.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string header;
  for (int i = 0; i < 8; ++i) header += static_cast<char>((text.size() >> (8 * i)) & 0xFF);
  return header + text;
}

}  // namespace

std::vector<SynthShard> CutShards(const std::vector<SynthTensor>& tensors,
                                  uint64_t max_shard_bytes) {
  std::vector<SynthShard> shards;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const uint64_t bytes = TensorBytes(tensors[i]);
    if (shards.empty() || shards.back().data_bytes + bytes > max_shard_bytes) {
      shards.push_back({.begin = i, .end = i, .data_bytes = 0});
    }
    shards.back().end = i + 1;
    shards.back().data_bytes += bytes;
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i].file = shards.size() == 1
                         ? "model.safetensors"
                         : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    shards[i].header = Header(tensors, shards[i].begin, shards[i].end);
  }
  return shards;
}

std::string ShardIndexJson(const std::vector<SynthTensor>& tensors,
                           const std::vector<SynthShard>& shards) {
  uint64_t total = 0;
  Json map = Json::object();
  for (const SynthShard& shard : shards) {
    total += shard.data_bytes;
    for (size_t i = shard.begin; i < shard.end; ++i) map[tensors[i].name] = shard.file;
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}};
  return index.dump(2) + "\n";
}

}  // namespace weir
