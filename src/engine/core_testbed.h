// SPDX-License-Identifier: Apache-2.0
//
// For tests: a small random model and an EngineCore on it, stepped by the test, so that what stands
// in which step does not depend on time.
#ifndef WEIR_ENGINE_CORE_TESTBED_H_
#define WEIR_ENGINE_CORE_TESTBED_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/engine_core.h"
#include "loader/model_source.h"

namespace weir {

struct CoreSetup {
  int32_t num_threads = 2;
  int32_t num_pages = 256;
  int32_t max_step_tokens = 64;
  int32_t max_seqs = 8;
  int32_t max_model_len = 2048;
  AttentionOptions attention = {};
  GraphMode graph_mode = GraphMode::kFullDecodeOnly;
  std::string trace_file = {};
};

class CoreTestbed {
 public:
  static constexpr int32_t kPageLen = 16;

  explicit CoreTestbed(const CoreSetup& setup)
      : setup_(setup),
        source_(Value(OpenModel("synth:tiny"))),
        config_(Value(MakeModelConfig(source_.config))),
        tokenizer_(Value(Tokenizer::FromJson(source_.tokenizer_json, "tokenizer"))),
        pool_({.num_threads = setup.num_threads, .pin = false}),
        model_(Value(Model::Load(config_, *source_.weights,
                                 Value(ChooseKernels("", DetectCpuFeatures())).table, pool_, {}))),
        core_(MakeParts()) {}

  EngineCore& core() { return core_; }
  int32_t vocab_size() const { return config_.vocab_size; }

  void Submit(RequestId id, Request request, uint64_t seed = 1) {
    const SequenceContext context = {.tokenizer = tokenizer_,
                                     .eos_ids = {},
                                     .vocab_size = config_.vocab_size,
                                     .max_model_len = setup_.max_model_len};
    WEIR_CHECK(core_.inbox().Add(MakeSequences(id, std::move(request), seed, 0, context)));
  }

 private:
  template <class T>
  static T Value(Result<T> result) {
    WEIR_CHECK(result.has_value());
    return std::move(*result);
  }

  EngineCoreParts MakeParts() {
    const KvShape shape = {.num_layers = config_.num_layers,
                           .num_kv_heads = config_.num_kv_heads,
                           .head_dim = config_.head_dim,
                           .page_len = kPageLen,
                           .dtype = Value(ParseKvDType(setup_.attention.kv_cache_dtype))};
    const int64_t arena_bytes = ArenaBytes(config_, setup_.max_step_tokens, setup_.max_seqs);
    const PlannerLimits limits = {.max_rows = setup_.max_step_tokens,
                                  .max_seqs = setup_.max_seqs,
                                  .max_kv_len = setup_.max_model_len};
    EngineCoreParts parts = {
        .model = model_,
        .pool = pool_,
        .kv = Value(KvStore::Allocate(shape, setup_.num_pages)),
        .arena = Arena(Value(Buffer::Allocate(arena_bytes))),
        .scheduler = {.max_step_tokens = setup_.max_step_tokens, .max_seqs = setup_.max_seqs},
        .attn = Value(MakeAttnParts(setup_.attention, config_, setup_.num_threads, limits))};
    parts.itl_budget_ms = 1e9;  // no step is cut short because the machine was slow
    parts.graph_mode = setup_.graph_mode;
    parts.capture_sizes = Value(CaptureSizes({}, setup_.max_seqs));
    if (!setup_.trace_file.empty()) parts.trace = Value(TraceWriter::Open(setup_.trace_file));
    return parts;
  }

  CoreSetup setup_;
  ModelSource source_;
  ModelConfig config_;
  Tokenizer tokenizer_;
  ThreadPool pool_;
  Model model_;
  EngineCore core_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_CORE_TESTBED_H_
