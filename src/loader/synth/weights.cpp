// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/weights.h"

#include <functional>
#include <map>
#include <utility>

#include "base/check.h"
#include "loader/synth/values.h"

namespace weir {
namespace {

constexpr uint16_t kOneBits = 0x3F80;  // 1.0 as bf16

class SynthSource : public WeightSource {
 public:
  SynthSource(const SynthPreset& preset, uint64_t seed)
      : where_("synth:" + std::string(preset.name)), tensors_(SynthTensors(preset)) {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      by_name_.emplace(tensors_[i].name, Entry{i, SynthKey(seed, tensors_[i].name)});
    }
  }

  const TensorInfo* Find(std::string_view name) const override {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : &tensors_[at->second.index].info;
  }

  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    names.reserve(tensors_.size());
    for (const SynthTensor& tensor : tensors_) names.push_back(tensor.name);
    return names;
  }

  std::string Where(std::string_view) const override { return where_; }

  std::span<const std::byte> Rows(std::string_view name, int64_t begin, int64_t end,
                                  std::vector<std::byte>& scratch) const override {
    const auto at = by_name_.find(name);
    WEIR_CHECK(at != by_name_.end());
    const SynthTensor& tensor = tensors_[at->second.index];
    const Shape& shape = tensor.info.shape;
    WEIR_CHECK(0 <= begin && begin <= end && end <= shape[0]);
    const auto row_elements = static_cast<uint64_t>(shape.num_elements() / shape[0]);
    scratch.resize(static_cast<uint64_t>(end - begin) * row_elements * 2);
    if (tensor.is_norm) {
      for (size_t i = 0; i < scratch.size(); ++i) {
        scratch[i] = static_cast<std::byte>(kOneBits >> (8 * (i % 2)));
      }
    } else {
      SynthValues(at->second.key, static_cast<uint64_t>(begin) * row_elements, scratch);
    }
    return scratch;
  }

 private:
  struct Entry {
    size_t index;
    uint64_t key;
  };

  std::string where_;
  std::vector<SynthTensor> tensors_;
  std::map<std::string, Entry, std::less<>> by_name_;
};

}  // namespace

std::unique_ptr<WeightSource> MakeSynthWeights(const SynthPreset& preset, uint64_t seed) {
  return std::make_unique<SynthSource>(preset, seed);
}

}  // namespace weir
