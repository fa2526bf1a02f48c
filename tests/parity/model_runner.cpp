// SPDX-License-Identifier: Apache-2.0
#include "tests/parity/model_runner.h"

#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "loader/hf_config.h"
#include "loader/safetensors.h"
#include "tensor/buffer.h"

namespace weir::parity {
namespace {

constexpr int kNanByte = 0xFF;  // 0xFFFF is a NaN as bf16, 0xFFFFFFFF as float

// The arrays behind a ForwardBatch.
struct BatchArrays {
  std::vector<TokenId> tokens;
  std::vector<int32_t> positions;
  std::vector<int32_t> row_begin = {0};
  std::vector<int32_t> kv_len;
  std::vector<int32_t> pages;
  std::vector<int32_t> page_begin = {0};
  std::vector<int32_t> kv_slot;
  std::vector<int32_t> logit_rows;

  int32_t num_rows() const { return static_cast<int32_t>(tokens.size()); }

  // Appends a sequence that has `old_len` tokens in its pages already.
  void Add(std::span<const TokenId> piece, int32_t old_len, std::span<const int32_t> seq_pages,
           int32_t page_len) {
    for (size_t i = 0; i < piece.size(); ++i) {
      const int32_t position = old_len + static_cast<int32_t>(i);
      tokens.push_back(piece[i]);
      positions.push_back(position);
      kv_slot.push_back(seq_pages[position / page_len] * page_len + position % page_len);
    }
    const int32_t new_len = old_len + static_cast<int32_t>(piece.size());
    row_begin.push_back(num_rows());
    kv_len.push_back(new_len);
    const int32_t num_pages = (new_len + page_len - 1) / page_len;
    pages.insert(pages.end(), seq_pages.begin(), seq_pages.begin() + num_pages);
    page_begin.push_back(static_cast<int32_t>(pages.size()));
  }

  ForwardBatch View() const {
    return {.tokens = tokens,
            .positions = positions,
            .row_begin = row_begin,
            .kv_len = kv_len,
            .pages = pages,
            .page_begin = page_begin,
            .kv_slot = kv_slot,
            .logit_rows = logit_rows};
  }
};

// Page j of every sequence lies beside page j of the others, the later the lower.
std::vector<int32_t> PagesOf(int32_t seq, int32_t num_pages) {
  std::vector<int32_t> pages;
  for (int32_t page = num_pages - 1 - seq; page >= 0; page -= ModelRunner::kMaxSeqs) {
    pages.push_back(page);
  }
  return pages;
}

}  // namespace

ModelRunner::ModelRunner(std::unique_ptr<ThreadPool> pool, Model model, KvStore kv, AttnParts attn)
    : pool_(std::move(pool)), model_(std::move(model)), kv_(std::move(kv)), attn_(std::move(attn)) {
  Restart();
}

Result<std::unique_ptr<ModelRunner>> ModelRunner::Open(const std::string& folder,
                                                       const RunnerOptions& options) {
  // Not bound to CPUs: tests run side by side.
  auto pool = std::make_unique<ThreadPool>(
      ThreadPoolOptions{.num_threads = options.num_threads, .pin = false});
  WEIR_ASSIGN_OR_RETURN(const HfConfig hf, LoadHfConfig(folder));
  WEIR_ASSIGN_OR_RETURN(const ModelConfig config, MakeModelConfig(hf));
  WEIR_ASSIGN_OR_RETURN(const auto source, OpenSafetensorsFolder(folder));
  const KernelTable kernels = CompleteTable(*options.kernels, "test").table;
  WEIR_ASSIGN_OR_RETURN(Model model,
                        Model::Load(config, *source, kernels, *pool, {.max_position = kMaxTokens}));
  WEIR_ASSIGN_OR_RETURN(const KvDType dtype, ParseKvDType(options.attention.kv_cache_dtype));
  WEIR_ASSIGN_OR_RETURN(KvStore kv, KvStore::Allocate({.num_layers = config.num_layers,
                                                       .num_kv_heads = config.num_kv_heads,
                                                       .head_dim = config.head_dim,
                                                       .page_len = options.page_len,
                                                       .dtype = dtype},
                                                      kMaxSeqs * kMaxTokens / options.page_len));
  WEIR_ASSIGN_OR_RETURN(
      AttnParts attn,
      MakeAttnParts(
          options.attention, config, options.num_threads,
          {.max_rows = kMaxSeqs * kMaxTokens, .max_seqs = kMaxSeqs, .max_kv_len = kMaxTokens}));
  return std::unique_ptr<ModelRunner>(
      new ModelRunner(std::move(pool), std::move(model), std::move(kv), std::move(attn)));
}

void ModelRunner::Restart() {
  seq_len_ = {};
  const KvShape& shape = kv_.shape();
  const size_t bytes = size_t{1} * BytesPerElement(shape.dtype) * kv_.num_pages() *
                       shape.num_kv_heads * shape.page_len * shape.head_dim;
  for (int32_t i = 0; i < shape.num_layers; ++i) {
    std::memset(kv_.Layer(i).k, kNanByte, bytes);
    std::memset(kv_.Layer(i).v, kNanByte, bytes);
  }
}

std::vector<float> ModelRunner::Step(std::span<const Piece> pieces, LogitRows wanted) {
  BatchArrays arrays;
  for (const Piece& piece : pieces) {
    int32_t& len = seq_len_[piece.seq];
    WEIR_CHECK_LE(len + piece.tokens.size(), size_t{kMaxTokens});
    arrays.Add(piece.tokens, len, PagesOf(piece.seq, kv_.num_pages()), kv_.shape().page_len);
    len = arrays.kv_len.back();
    const int32_t first =
        wanted == LogitRows::kAll ? *(arrays.row_begin.end() - 2) : arrays.num_rows() - 1;
    for (int32_t row = first; row < arrays.num_rows(); ++row) arrays.logit_rows.push_back(row);
  }
  // Exactly what the model says it needs: one byte more would end the test.
  auto memory = Buffer::Allocate(ArenaBytes(model_.config(), arrays.num_rows(),
                                            static_cast<int32_t>(arrays.logit_rows.size())));
  WEIR_CHECK(memory.has_value());
  std::memset(memory->data(), kNanByte, memory->num_bytes());
  Arena arena(std::move(*memory));
  const AttnPlan plan = attn_.planner.Plan({.row_begin = arrays.row_begin,
                                            .kv_len = arrays.kv_len,
                                            .pages = arrays.pages,
                                            .page_begin = arrays.page_begin,
                                            .page_len = kv_.shape().page_len});
  const Tensor logits =
      model_.Forward(arrays.View(), plan, attn_.workspace, kv_, arena, {.pool = pool_.get()});
  const float* data = logits.as<float>();
  return {data, data + logits.shape.num_elements()};
}

}  // namespace weir::parity
