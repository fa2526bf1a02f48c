// SPDX-License-Identifier: Apache-2.0
//
// The one forward of all dense decoders: embed, then per layer attention and MLP around a residual
// stream in f32, then the head for the rows whose next token is wanted.
#include <algorithm>
#include <cmath>

#include "model/model.h"

namespace weir {
namespace {

// Activations of one step, taken once and used by every layer in turn.
struct Scratch {
  float* residual;  // [rows, hidden]
  Bf16* normed;     // [rows, hidden]
  float* qkv;       // [rows, qkv]
  Bf16* q;          // [rows, attn]
  Bf16* attn_out;   // [rows, attn]
  float* gate_up;   // [rows, 2 inter]
  Bf16* act;        // [rows, inter]
};

// The attention half and the MLP half of a layer are never alive at once, so they share memory.
Scratch TakeScratch(const ModelConfig& c, int64_t rows, Arena& arena) {
  Scratch s = {};
  s.residual = arena.Take<float>(rows * c.hidden_size);
  s.normed = arena.Take<Bf16>(rows * c.hidden_size);
  const int64_t mark = arena.used_bytes();
  s.qkv = arena.Take<float>(rows * c.qkv_size());
  s.q = arena.Take<Bf16>(rows * c.attn_size());
  s.attn_out = arena.Take<Bf16>(rows * c.attn_size());
  const int64_t attn_end = arena.used_bytes();
  arena.Rewind(mark);
  s.gate_up = arena.Take<float>(rows * 2 * c.intermediate_size);
  s.act = arena.Take<Bf16>(rows * c.intermediate_size);
  if (arena.used_bytes() < attn_end) arena.Take<std::byte>(attn_end - arena.used_bytes());
  return s;
}

struct AttnStep {
  const AttnPlan& plan;
  const AttnWorkspace& workspace;
};

// One step's pass through the layers.
class Pass {
 public:
  Pass(const ModelConfig& config, const KernelTable& kernels, const ForwardBatch& batch,
       const AttnStep& attn, const float* cos_sin, const Scratch& scratch, Stream stream)
      : config_(config),
        kernels_(kernels),
        batch_(batch),
        attn_(attn),
        cos_sin_(cos_sin),
        scratch_(scratch),
        stream_(stream) {}

  void Embed(const PackedMatrix& table) const {
    kernels_.embed({.tokens = batch_.tokens.data(),
                    .rows = batch_.num_rows(),
                    .table = table,
                    .out = scratch_.residual},
                   stream_);
  }

  void Attention(const LayerWeights& w, const KvPages& kv) const {
    Norm(w.attn_norm);
    Multiply(scratch_.normed, w.qkv, w.qkv_bias, scratch_.qkv, false);
    kernels_.qkv_prepare({.qkv = scratch_.qkv,
                          .rows = batch_.num_rows(),
                          .num_q_heads = config_.num_q_heads,
                          .q_norm = w.q_norm,
                          .k_norm = w.k_norm,
                          .eps = config_.rms_norm_eps,
                          .cos_sin = cos_sin_,
                          .rope_dim = config_.rope_dim,
                          .positions = batch_.positions.data(),
                          .kv_slot = batch_.kv_slot.data(),
                          .kv = kv,
                          .q_out = scratch_.q},
                         stream_);
    kernels_.paged_attention({.q = scratch_.q,
                              .out = scratch_.attn_out,
                              .kv = kv,
                              .num_q_heads = config_.num_q_heads,
                              .scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim)),
                              .features = {},
                              .row_begin = batch_.row_begin.data(),
                              .kv_len = batch_.kv_len.data(),
                              .pages = batch_.pages.data(),
                              .page_begin = batch_.page_begin.data(),
                              .work = attn_.plan.work,
                              .slots = attn_.workspace.slots(),
                              .counters = attn_.workspace.counters()},
                             stream_);
    Multiply(scratch_.attn_out, w.o, w.o_bias, scratch_.residual, true);
  }

  void Mlp(const LayerWeights& w) const {
    Norm(w.mlp_norm);
    Multiply(scratch_.normed, w.gate_up, w.gate_up_bias, scratch_.gate_up, false);
    kernels_.silu_mul({.gate_up = scratch_.gate_up,
                       .rows = batch_.num_rows(),
                       .dim = config_.intermediate_size,
                       .out = scratch_.act},
                      stream_);
    Multiply(scratch_.act, w.down, w.down_bias, scratch_.residual, true);
  }

 private:
  void Norm(const float* weight) const {
    kernels_.rms_norm({.x = scratch_.residual,
                       .x_stride = config_.hidden_size,
                       .row_index = nullptr,
                       .rows = batch_.num_rows(),
                       .dim = config_.hidden_size,
                       .weight = weight,
                       .eps = config_.rms_norm_eps,
                       .out = scratch_.normed},
                      stream_);
  }

  void Multiply(const Bf16* x, const PackedMatrix& w, const float* bias, float* out,
                bool accumulate) const {
    kernels_.matmul({.x = x,
                     .x_stride = w.k,
                     .m = batch_.num_rows(),
                     .w = w,
                     .bias = bias,
                     .out = out,
                     .out_stride = w.n,
                     .accumulate = accumulate},
                    stream_);
  }

  const ModelConfig& config_;
  const KernelTable& kernels_;
  const ForwardBatch& batch_;
  const AttnStep& attn_;
  const float* cos_sin_;
  const Scratch& scratch_;
  Stream stream_;
};

int64_t RoundUp64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

Tensor Model::Forward(const ForwardBatch& batch, const AttnPlan& plan,
                      const AttnWorkspace& workspace, const KvStore& kv, Arena& arena,
                      Stream stream) const {
  const ModelConfig& c = config_;
  const Scratch scratch = TakeScratch(c, batch.num_rows(), arena);
  const AttnStep attn = {.plan = plan, .workspace = workspace};
  const Pass pass(c, kernels_, batch, attn, cos_sin_.as<float>(), scratch, stream);
  pass.Embed(weights_.embed);
  for (int32_t i = 0; i < c.num_layers; ++i) {
    pass.Attention(weights_.layers[i], kv.Layer(i));
    pass.Mlp(weights_.layers[i]);
  }

  const auto num_logits = static_cast<int32_t>(batch.logit_rows.size());
  Bf16* last = arena.Take<Bf16>(int64_t{num_logits} * c.hidden_size);
  float* logits = arena.Take<float>(int64_t{num_logits} * c.vocab_size);
  kernels_.rms_norm({.x = scratch.residual,
                     .x_stride = c.hidden_size,
                     .row_index = batch.logit_rows.data(),
                     .rows = num_logits,
                     .dim = c.hidden_size,
                     .weight = weights_.final_norm,
                     .eps = c.rms_norm_eps,
                     .out = last},
                    stream);
  kernels_.matmul({.x = last,
                   .x_stride = c.hidden_size,
                   .m = num_logits,
                   .w = weights_.lm_head,
                   .bias = nullptr,
                   .out = logits,
                   .out_stride = c.vocab_size,
                   .accumulate = false},
                  stream);
  return {.data = logits, .dtype = DType::kF32, .shape = {num_logits, c.vocab_size}};
}

int64_t ArenaBytes(const ModelConfig& c, int32_t max_rows, int32_t max_logit_rows) {
  const int64_t rows = max_rows;
  const int64_t attn = RoundUp64(rows * c.qkv_size() * 4) + 2 * RoundUp64(rows * c.attn_size() * 2);
  const int64_t mlp =
      RoundUp64(rows * 2 * c.intermediate_size * 4) + RoundUp64(rows * c.intermediate_size * 2);
  const int64_t head = RoundUp64(int64_t{max_logit_rows} * c.hidden_size * 2) +
                       RoundUp64(int64_t{max_logit_rows} * c.vocab_size * 4);
  return RoundUp64(rows * c.hidden_size * 4) + RoundUp64(rows * c.hidden_size * 2) +
         std::max(attn, mlp) + head;
}

}  // namespace weir
