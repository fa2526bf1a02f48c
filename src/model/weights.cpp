// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <set>
#include <span>

#include "base/error.h"
#include "model/weight_slots.h"

namespace weir {
namespace {

// Source bytes that one worker converts at a time.
constexpr int64_t kChunkBytes = int64_t{1} << 20;
// Source bytes between two calls of the progress function.
constexpr int64_t kProgressBytes = int64_t{64} << 20;

Status CheckTensor(const WeightSource& source, const std::string& name, const Shape& wanted) {
  const TensorInfo* info = source.Find(name);
  if (info == nullptr) {
    return Err(Code::kInvalidModel, source.Where(name), ": no tensor ", name, ", wanted one of ",
               ToString(wanted));
  }
  if (!(info->shape == wanted)) {
    return Err(Code::kInvalidModel, source.Where(name), ": ", name, " has shape ",
               ToString(info->shape), ", config.json implies ", ToString(wanted));
  }
  const DType dtype = info->dtype;
  if (dtype != DType::kBF16 && dtype != DType::kF16 && dtype != DType::kF32) {
    return Err(Code::kUnsupported, source.Where(name), ": ", name, " is ", DTypeName(dtype),
               ", Weir reads BF16, F16 and F32");
  }
  return Ok();
}

// Tensors that some exporters write although the forward never reads them.
bool MayBeIgnored(const std::string& name, const ModelConfig& config) {
  return name.ends_with("rotary_emb.inv_freq") || (config.tied_head && name == "lm_head.weight");
}

Status CheckAllTensors(const ModelConfig& config, const WeightSlots& slots,
                       const WeightSource& source) {
  std::set<std::string> wanted;
  for (const MatrixSlot& slot : slots.matrices) {
    WEIR_RETURN_IF_ERROR(CheckTensor(source, slot.name, {slot.rows, slot.cols}));
    wanted.insert(slot.name);
  }
  for (const VectorSlot& slot : slots.vectors) {
    WEIR_RETURN_IF_ERROR(CheckTensor(source, slot.name, {slot.size}));
    wanted.insert(slot.name);
  }
  for (const std::string& name : source.Names()) {
    if (wanted.contains(name) || MayBeIgnored(name, config)) continue;
    return Err(Code::kInvalidModel, source.Where(name), ": tensor ", name, " has no place in a ",
               config.architecture, " with ", config.num_layers, " layers");
  }
  return Ok();
}

float LoadScalar(const std::byte* at, DType dtype) {
  if (dtype == DType::kF32) {
    float value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return dtype == DType::kBF16 ? ToFloat(Bf16{bits}) : HalfToFloat(bits);
}

void LoadVector(const VectorSlot& slot, const WeightSource& source, std::byte* base) {
  const DType dtype = source.Find(slot.name)->dtype;
  std::vector<std::byte> scratch;
  const auto bytes = source.Rows(slot.name, 0, slot.size, scratch);
  auto* out = reinterpret_cast<float*>(base + slot.at);
  for (int32_t i = 0; i < slot.size; ++i) {
    out[i] = LoadScalar(bytes.data() + i * DTypeBytes(dtype), dtype);
  }
}

// Packs all tensors of one model, in order, each by all workers.
class Packer {
 public:
  Packer(const WeightSource& source, ThreadPool& pool, std::byte* base, int64_t total_bytes,
         const LoadProgress& progress)
      : source_(source),
        pool_(pool),
        base_(base),
        total_bytes_(total_bytes),
        progress_(progress),
        scratch_(pool.num_threads()) {}

  void Pack(const MatrixSlot& slot) {
    const DType dtype = source_.Find(slot.name)->dtype;
    const int64_t row_bytes = slot.cols * DTypeBytes(dtype);
    // Ranges of whole panels may be packed side by side (kernels/matmul.h).
    const int64_t rows = std::max<int64_t>(1, kChunkBytes / row_bytes / kPanelRows) * kPanelRows;
    const bool whole_panels = slot.first_row % kPanelRows == 0;
    const int64_t num_chunks = whole_panels ? (slot.rows + rows - 1) / rows : 1;
    const int64_t chunk_rows = whole_panels ? rows : slot.rows;
    const int64_t per_report = std::max<int64_t>(1, kProgressBytes / (chunk_rows * row_bytes));
    for (int64_t first = 0; first < num_chunks; first += per_report) {
      const int64_t count = std::min(per_report, num_chunks - first);
      pool_.ForItems(count, [&](int64_t item, int32_t worker) {
        const int64_t begin = (first + item) * chunk_rows;
        const int64_t end = std::min<int64_t>(begin + chunk_rows, slot.rows);
        PackRange(slot, dtype, begin, end, scratch_[worker]);
      });
      const int64_t done_rows = std::min<int64_t>((first + count) * chunk_rows, slot.rows);
      if (progress_) progress_(done_bytes_ + done_rows * slot.cols * 2, total_bytes_);
    }
    done_bytes_ += int64_t{slot.rows} * slot.cols * 2;
    source_.Forget(slot.name);
  }

 private:
  void PackRange(const MatrixSlot& slot, DType dtype, int64_t begin, int64_t end,
                 std::vector<std::byte>& scratch) {
    const auto bytes = source_.Rows(slot.name, begin, end, scratch);
    PackRows({.source = bytes.data(),
              .dtype = dtype,
              .k = slot.cols,
              .row_begin = 0,
              .row_end = static_cast<int32_t>(end - begin),
              .first_row = slot.first_row + static_cast<int32_t>(begin),
              .packed = reinterpret_cast<Bf16*>(base_ + slot.at)});
  }

  const WeightSource& source_;
  ThreadPool& pool_;
  std::byte* base_;
  int64_t total_bytes_;
  int64_t done_bytes_ = 0;
  const LoadProgress& progress_;
  std::vector<std::vector<std::byte>> scratch_;  // by worker
};

void PackAll(const WeightSlots& slots, const WeightSource& source, ThreadPool& pool,
             std::byte* base, const LoadProgress& progress) {
  int64_t total_bytes = 0;
  for (const MatrixSlot& slot : slots.matrices) total_bytes += int64_t{slot.rows} * slot.cols * 2;
  Packer packer(source, pool, base, total_bytes, progress);
  for (const MatrixSlot& slot : slots.matrices) packer.Pack(slot);
  for (const VectorSlot& slot : slots.vectors) LoadVector(slot, source, base);
}

// What the packed weights depend on: the form of packing, where each tensor goes, and the files.
// Empty when the source cannot be told from others.
std::string CacheKey(const WeightSlots& slots, const WeightSource& source,
                     std::string_view kernels) {
  const std::string identity = source.Identity();
  if (identity.empty()) return {};
  std::string layout;
  for (const MatrixSlot& slot : slots.matrices) {
    layout +=
        fmt::format("{} {} {} {} {}\n", slot.name, slot.rows, slot.cols, slot.at, slot.first_row);
  }
  for (const VectorSlot& slot : slots.vectors) {
    layout += fmt::format("{} {} {}\n", slot.name, slot.size, slot.at);
  }
  return fmt::format("pack {}\nkernels {}\nlayout {}\nfiles {}\n{}", kPackVersion, kernels,
                     WeightCacheHash(layout), WeightCacheHash(identity),
                     identity.substr(0, identity.find('\n')));
}

}  // namespace

int64_t WeightBytes(const ModelConfig& config) {
  Weights unused = {};
  return LayOutWeights(config, nullptr, unused).num_bytes;
}

Result<Weights> LoadWeights(const ModelConfig& config, const WeightSource& source, ThreadPool& pool,
                            const LoadProgress& progress, const WeightCacheOptions& cache,
                            std::string_view kernels) {
  Weights weights = {};
  const WeightSlots slots = LayOutWeights(config, nullptr, weights);
  WEIR_RETURN_IF_ERROR(CheckAllTensors(config, slots, source));
  weights.num_bytes = slots.num_bytes;
  const std::string key = cache.folder.empty() || slots.num_bytes < cache.min_bytes
                              ? std::string()
                              : CacheKey(slots, source, kernels);
  if (!key.empty()) {
    weights.mapped = WeightCache(cache).Find(key, slots.num_bytes);
    if (weights.mapped) {
      LayOutWeights(config, weights.mapped->bytes().data() + kWeightCacheHeaderBytes, weights);
      return weights;
    }
  }
  WEIR_ASSIGN_OR_RETURN(weights.memory, Buffer::Allocate(slots.num_bytes));
  LayOutWeights(config, weights.memory.data(), weights);
  PackAll(slots, source, pool, weights.memory.data(), progress);
  // The files may have been written to meanwhile.
  if (!key.empty() && CacheKey(slots, source, kernels) == key) {
    const std::span<const std::byte> bytes(weights.memory.data(),
                                           static_cast<size_t>(slots.num_bytes));
    weights.writer = std::make_unique<WeightCacheWriter>(cache, key, bytes);
  }
  return weights;
}

}  // namespace weir
