// SPDX-License-Identifier: Apache-2.0
//
// A steady-state step allocates nothing: neither when pages fill up and are published, nor prepared
// or built from nothing.
#include <gtest/gtest.h>

#include "base/check.h"
#include "engine/engine_core.h"
#include "kernels/count_allocations.h"
#include "loader/model_source.h"

namespace weir {
namespace {

template <class T>
T Value(Result<T> result) {
  WEIR_CHECK(result.has_value());
  return std::move(*result);
}

void ExpectNoAllocations(bool captured, bool prefix_caching) {
  const ModelSource source = Value(OpenModel("synth:tiny"));
  const ModelConfig config = Value(MakeModelConfig(source.config));
  const KernelTable kernels = Value(ChooseKernels("", DetectCpuFeatures())).table;
  const Tokenizer tokenizer = Value(Tokenizer::FromJson(source.tokenizer_json, "tokenizer"));
  ThreadPool pool({.num_threads = 2, .pin = false});
  const Model model = Value(Model::Load(config, *source.weights, kernels, pool, {}));
  const KvShape shape = {.num_layers = config.num_layers,
                         .num_kv_heads = config.num_kv_heads,
                         .head_dim = config.head_dim,
                         .page_len = 16};
  EngineCore core(
      {.model = model,
       .pool = pool,
       .kv = Value(KvStore::Allocate(shape, 64)),
       .arena = Arena(Value(Buffer::Allocate(ArenaBytes(config, 32, 4)))),
       .scheduler = {.max_step_tokens = 32, .max_seqs = 4},
       .attn = Value(MakeAttnParts({}, config, pool.num_threads(),
                                   {.max_rows = 32, .max_seqs = 4, .max_kv_len = 512})),
       .prefix_caching = prefix_caching,
       .capture_sizes = captured ? std::vector<int32_t>{2, 4} : std::vector<int32_t>()});

  const SequenceContext context = {
      .tokenizer = tokenizer, .eos_ids = {}, .vocab_size = config.vocab_size, .max_model_len = 512};
  int64_t num_tokens = 0;
  for (int i = 0; i < 4; ++i) {
    Request request;
    request.prompt.assign(static_cast<size_t>(10 + 20 * i), 5 + i);
    request.sampling.max_tokens = 150;
    request.sampling.top_k = i == 1 ? 20 : 0;
    request.sampling.top_p = i == 2 ? 0.9f : 1.0f;
    request.sampling.temperature = i == 3 ? 0.0f : 1.0f;
    request.sampling.frequency_penalty = i == 2 ? 0.5f : 0.0f;
    request.on_delta = [&](const Delta& d) { num_tokens += static_cast<int64_t>(d.tokens.size()); };
    WEIR_CHECK(core.inbox().Add(MakeSequences(i, std::move(request), 7, 0, context)));
  }
  // The first steps size the reusable buffers: prefill is the largest batch there will be.
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(core.Step());
  const int64_t allocations = NumAllocations();
  const int64_t tokens = num_tokens;
  for (int i = 0; i < 60; ++i) core.Step();
  EXPECT_EQ(NumAllocations() - allocations, 0);
  EXPECT_EQ(num_tokens - tokens, 4 * 60);
  EXPECT_EQ(core.Stats().num_captured_steps > 0, captured);
  EXPECT_EQ(core.Stats().num_cached_pages > 0, prefix_caching);
}

TEST(EngineCore, ASteadyStateStepAllocatesNothing) {
  for (const bool captured : {false, true}) {
    for (const bool prefix_caching : {false, true}) {
      SCOPED_TRACE(testing::Message() << "captured " << captured << " caching " << prefix_caching);
      ExpectNoAllocations(captured, prefix_caching);
    }
  }
}

}  // namespace
}  // namespace weir
