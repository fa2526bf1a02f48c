// SPDX-License-Identifier: Apache-2.0
//
// weir::Engine in this process: opens the model, owns everything, runs EngineCore on one thread.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <utility>

#include <weir/engine.h>

#include "base/error.h"
#include "base/log.h"
#include "engine/engine_core.h"
#include "engine/engine_options.h"
#include "loader/model_source.h"

namespace weir {
namespace {

// What an engine owns besides its core, constant while it runs.
struct Loaded {
  EngineInfo info;
  Tokenizer tokenizer;
  std::vector<TokenId> eos_ids;
  std::unique_ptr<ThreadPool> pool;  // behind pointers: the core refers to both
  std::unique_ptr<Model> model;
};

class LocalEngine final : public Engine {
 public:
  // `core` refers to the pool and the model of `loaded`.
  LocalEngine(Loaded loaded, EngineCoreParts core)
      : loaded_(std::move(loaded)), core_(std::move(core)), thread_([this] { core_.Run(); }) {}

  ~LocalEngine() override {
    core_.inbox().Stop();
    thread_.join();
  }

  Result<RequestId> Submit(Request request) override {
    WEIR_RETURN_IF_ERROR(CheckPrompt(request.prompt));
    WEIR_RETURN_IF_ERROR(ValidateSampling(request.sampling, loaded_.info.vocab_size));
    const RequestId id = next_id_.fetch_add(1, std::memory_order_relaxed);
    const uint64_t seed = request.sampling.seed ? *request.sampling.seed : RandomSeed();
    const SequenceContext context = {.tokenizer = loaded_.tokenizer,
                                     .eos_ids = loaded_.eos_ids,
                                     .vocab_size = loaded_.info.vocab_size,
                                     .max_model_len = loaded_.info.max_model_len};
    auto sequence = std::make_unique<Sequence>(id, std::move(request), seed, context);
    if (core_.inbox().Add(std::move(sequence))) return id;
    return Err(Code::kUnavailable, "engine: shutting down, no request is taken any more");
  }

  void Cancel(RequestId request) override { core_.inbox().Cancel(request); }

  std::vector<TokenId> Encode(std::string_view text) const override {
    return loaded_.tokenizer.Encode(text);
  }
  std::string Decode(const std::vector<TokenId>& tokens) const override {
    return loaded_.tokenizer.Decode(tokens, /*skip_special=*/false);
  }
  const EngineInfo& info() const override { return loaded_.info; }

 private:
  Status CheckPrompt(const std::vector<TokenId>& prompt) const {
    if (prompt.empty()) return Err(Code::kInvalidRequest, "prompt: empty, wanted a token or more");
    const auto length = static_cast<int64_t>(prompt.size());
    if (length >= loaded_.info.max_model_len) {
      return Err(Code::kInvalidRequest, "prompt: ", length, " tokens, wanted at most ",
                 loaded_.info.max_model_len - 1,
                 " so that one can be generated within max_model_len ", loaded_.info.max_model_len);
    }
    for (size_t i = 0; i < prompt.size(); ++i) {
      if (prompt[i] >= 0 && prompt[i] < loaded_.info.vocab_size) continue;
      return Err(Code::kInvalidRequest, "prompt: token ", i, " is ", prompt[i],
                 ", wanted an id from 0 to ", loaded_.info.vocab_size - 1);
    }
    return Ok();
  }

  static uint64_t RandomSeed() {
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
  }

  const Loaded loaded_;
  // Any thread.
  std::atomic<RequestId> next_id_{1};
  // Engine thread only, except its inbox.
  EngineCore core_;
  std::thread thread_;
};

std::vector<TokenId> EosIds(const ModelSource& source) {
  std::vector<TokenId> ids = source.generation.eos_token_ids;
  for (const TokenId id : source.config.eos_token_ids) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

Status CheckVocabulary(const ModelSource& source, const Tokenizer& tokenizer) {
  if (tokenizer.vocab_size() <= source.config.vocab_size) return Ok();
  return Err(Code::kInvalidModel, source.where, ": tokenizer.json has ids up to ",
             tokenizer.vocab_size() - 1, ", config.json has vocab_size ", source.config.vocab_size);
}

KvShape KvShapeOf(const ModelConfig& config, int32_t page_len, KvDType dtype) {
  return {.num_layers = config.num_layers,
          .num_kv_heads = config.num_kv_heads,
          .head_dim = config.head_dim,
          .page_len = page_len,
          .dtype = dtype};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  WEIR_RETURN_IF_ERROR(ValidateOptions(options));
  WEIR_ASSIGN_OR_RETURN(const ModelSource source, OpenModel(options.model));
  WEIR_ASSIGN_OR_RETURN(const ModelConfig config, MakeModelConfig(source.config));
  WEIR_ASSIGN_OR_RETURN(Tokenizer tokenizer,
                        Tokenizer::FromJson(source.tokenizer_json, source.where));
  WEIR_RETURN_IF_ERROR(CheckVocabulary(source, tokenizer));
  WEIR_ASSIGN_OR_RETURN(const KernelChoice kernels,
                        ChooseKernels(options.kernels, DetectCpuFeatures()));
  auto pool = std::make_unique<ThreadPool>(ThreadPoolOptions{.num_threads = options.num_threads});
  WEIR_LOG(INFO, "kernels chosen", "table", kernels.table.name, "why", kernels.why, "threads",
           pool->num_threads());
  if (!kernels.from_reference.empty()) {
    WEIR_LOG(WARN, "slow kernels in use", "table", kernels.table.name, "from_reference",
             kernels.from_reference);
  }

  const int32_t max_rows = options.max_num_batched_tokens;
  const int64_t arena_bytes = ArenaBytes(config, max_rows, options.max_num_seqs);
  const int64_t weight_bytes = WeightBytes(config);
  const int64_t available = AvailableMemoryBytes();
  WEIR_RETURN_IF_ERROR(CheckWeightsFit(source.where, weight_bytes, arena_bytes, available));
  WEIR_ASSIGN_OR_RETURN(const KvDType kv_dtype, ParseKvDType(options.attention.kv_cache_dtype));
  const KvShape kv_shape = KvShapeOf(config, options.page_len, kv_dtype);
  WEIR_ASSIGN_OR_RETURN(const KvSizes kv_sizes,
                        ChooseKvSizes(options, kv_shape, config.max_position,
                                      available - weight_bytes - arena_bytes));
  WEIR_ASSIGN_OR_RETURN(Model model, Model::Load(config, *source.weights, kernels.table, *pool,
                                                 {.max_position = kv_sizes.max_model_len,
                                                  .progress = options.on_load_progress}));
  WEIR_ASSIGN_OR_RETURN(KvStore kv, KvStore::Allocate(kv_shape, kv_sizes.num_pages));
  WEIR_ASSIGN_OR_RETURN(Buffer arena, Buffer::Allocate(arena_bytes));
  WEIR_ASSIGN_OR_RETURN(AttnParts attn,
                        MakeAttnParts(options.attention, config, pool->num_threads(),
                                      {.max_rows = max_rows,
                                       .max_seqs = options.max_num_seqs,
                                       .max_kv_len = kv_sizes.max_model_len}));

  EngineInfo info = {
      .model_name = source.name,
      .architecture = config.architecture,
      .kernels = kernels.table.name,
      .num_threads = pool->num_threads(),
      .vocab_size = config.vocab_size,
      .max_model_len = kv_sizes.max_model_len,
      .kv_cache_tokens = int64_t{kv_sizes.num_pages} * options.page_len,
      .kv_cache_bytes = int64_t{kv_sizes.num_pages} * KvBytesPerPage(kv_shape),
      .weight_bytes = model.weight_bytes(),
      .attn_policy = attn.planner.policy().name,
      .kv_cache_dtype = options.attention.kv_cache_dtype,
  };
  WEIR_LOG(INFO, "model loaded", "name", info.model_name, "weights", HumanBytes(info.weight_bytes),
           "kv_cache", HumanBytes(info.kv_cache_bytes), "kv_tokens", info.kv_cache_tokens,
           "max_model_len", info.max_model_len);
  WEIR_LOG(INFO, "attention planned", "policy", info.attn_policy, "batch_invariant",
           options.attention.batch_invariant, "kv_cache_dtype", info.kv_cache_dtype, "profile",
           attn.profile_name, "workspace", HumanBytes(attn.workspace.num_bytes()));
  Loaded loaded = {.info = std::move(info),
                   .tokenizer = std::move(tokenizer),
                   .eos_ids = EosIds(source),
                   .pool = std::move(pool),
                   .model = std::make_unique<Model>(std::move(model))};
  EngineCoreParts core = {.model = *loaded.model,
                          .pool = *loaded.pool,
                          .kv = std::move(kv),
                          .arena = Arena(std::move(arena)),
                          .scheduler = {.max_step_tokens = max_rows,
                                        .max_seqs = options.max_num_seqs,
                                        .page_len = options.page_len},
                          .attn = std::move(attn)};
  return std::make_unique<LocalEngine>(std::move(loaded), std::move(core));
}

}  // namespace weir
