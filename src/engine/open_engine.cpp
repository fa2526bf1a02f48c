// SPDX-License-Identifier: Apache-2.0
//
// Engine::Open: from options to a running engine.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "engine/engine_options.h"
#include "engine/local_engine.h"
#include "loader/model_source.h"

namespace weir {
namespace {

std::vector<TokenId> EosIds(const ModelSource& source) {
  std::vector<TokenId> ids = source.generation.eos_token_ids;
  for (const TokenId id : source.config.eos_token_ids) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

// As vLLM takes them: what the file names replaces the default, all else stays.
SamplingParams DefaultSampling(const GenerationConfig& config) {
  SamplingParams params;
  if (config.temperature) params.temperature = static_cast<float>(*config.temperature);
  if (config.top_k) params.top_k = *config.top_k;
  if (config.top_p) params.top_p = static_cast<float>(*config.top_p);
  if (config.min_p) params.min_p = static_cast<float>(*config.min_p);
  if (config.repetition_penalty) {
    params.repetition_penalty = static_cast<float>(*config.repetition_penalty);
  }
  return params;
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

void LogKernels(const KernelChoice& kernels, const ThreadPool& pool) {
  WEIR_LOG(INFO, "kernels chosen", "table", kernels.table.name, "why", kernels.why, "threads",
           pool.num_threads());
  if (kernels.from_reference.empty()) return;
  WEIR_LOG(WARN, "slow kernels in use", "table", kernels.table.name, "from_reference",
           kernels.from_reference);
}

void LogLoaded(const EngineInfo& info, const AttnParts& attn) {
  WEIR_LOG(INFO, "model loaded", "name", info.model_name, "weights", HumanBytes(info.weight_bytes),
           "kv_cache", HumanBytes(info.kv_cache_bytes), "kv_tokens", info.kv_cache_tokens,
           "max_model_len", info.max_model_len);
  WEIR_LOG(INFO, "attention planned", "policy", info.attn_policy, "batch_invariant",
           attn.planner.policy().batch_invariant, "kv_cache_dtype", info.kv_cache_dtype, "profile",
           attn.profile.name, "workspace", HumanBytes(attn.workspace.num_bytes()));
}

// A template that cannot be read costs its model nothing but conversations.
Result<ChatTemplate> ChatTemplateOf(const ModelSource& source) {
  if (source.chat_template.empty()) {
    return Err(Code::kUnsupported, source.where, ": the model has no chat template");
  }
  auto chat_template = ChatTemplate::Parse(source.chat_template, source.where + ": chat_template",
                                           source.special_tokens);
  if (chat_template) return chat_template;
  WEIR_LOG(WARN, "chat template not read", "why", chat_template.error().message);
  return tl::unexpected(Error{Code::kUnsupported, chat_template.error().message});
}

// Everything that is loaded, in the order in which one needs the other.
struct Opened {
  ModelSource source;
  ModelConfig config;
  KernelChoice kernels;
  KvShape kv_shape;
  KvSizes kv_sizes;
  int64_t arena_bytes;
};

// What fits, before anything large is allocated.
Result<Opened> Open(const EngineOptions& options) {
  Opened opened;
  WEIR_ASSIGN_OR_RETURN(opened.source, OpenModel(options.model));
  WEIR_ASSIGN_OR_RETURN(opened.config, MakeModelConfig(opened.source.config));
  WEIR_ASSIGN_OR_RETURN(opened.kernels, ChooseKernels(options.kernels, DetectCpuFeatures()));
  WEIR_ASSIGN_OR_RETURN(const KvDType kv_dtype, ParseKvDType(options.attention.kv_cache_dtype));
  opened.kv_shape = KvShapeOf(opened.config, options.page_len, kv_dtype);
  opened.arena_bytes =
      ArenaBytes(opened.config, options.max_num_batched_tokens, options.max_num_seqs);
  const int64_t weight_bytes = WeightBytes(opened.config);
  const int64_t available = AvailableMemoryBytes();
  WEIR_RETURN_IF_ERROR(
      CheckWeightsFit(opened.source.where, weight_bytes, opened.arena_bytes, available));
  WEIR_ASSIGN_OR_RETURN(opened.kv_sizes,
                        ChooseKvSizes(options, opened.kv_shape, opened.config.max_position,
                                      available - weight_bytes - opened.arena_bytes));
  return opened;
}

EngineInfo InfoOf(const EngineOptions& options, const Opened& opened, const Model& model,
                  const ThreadPool& pool, const AttnPolicy& policy) {
  const int64_t num_pages = opened.kv_sizes.num_pages;
  return {.model_name = opened.source.name,
          .architecture = opened.config.architecture,
          .kernels = opened.kernels.table.name,
          .num_threads = pool.num_threads(),
          .vocab_size = opened.config.vocab_size,
          .max_model_len = opened.kv_sizes.max_model_len,
          .kv_cache_tokens = num_pages * options.page_len,
          .kv_cache_bytes = num_pages * KvBytesPerPage(opened.kv_shape),
          .weight_bytes = model.weight_bytes(),
          .attn_policy = policy.name,
          .kv_cache_dtype = options.attention.kv_cache_dtype,
          .page_len = options.page_len,
          .prefix_caching = options.scheduling.prefix_caching,
          .graph_mode = options.scheduling.graph_mode,
          .itl_budget_ms = 0,  // settled by the warm-up
          .default_sampling = DefaultSampling(opened.source.generation)};
}

Result<std::unique_ptr<TraceWriter>> OpenTrace(const std::string& path) {
  if (path.empty()) return nullptr;
  return TraceWriter::Open(path);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  WEIR_RETURN_IF_ERROR(ValidateOptions(options));
  const SchedulingOptions& scheduling = options.scheduling;
  WEIR_ASSIGN_OR_RETURN(const GraphMode graph_mode, ParseGraphMode(scheduling.graph_mode));
  WEIR_ASSIGN_OR_RETURN(auto capture_sizes,
                        CaptureSizes(scheduling.capture_sizes, options.max_num_seqs));
  WEIR_ASSIGN_OR_RETURN(const Opened opened, weir::Open(options));
  WEIR_ASSIGN_OR_RETURN(Tokenizer tokenizer,
                        Tokenizer::FromJson(opened.source.tokenizer_json, opened.source.where));
  WEIR_RETURN_IF_ERROR(CheckVocabulary(opened.source, tokenizer));
  WEIR_ASSIGN_OR_RETURN(auto trace, OpenTrace(scheduling.trace_file));
  auto pool = std::make_unique<ThreadPool>(ThreadPoolOptions{.num_threads = options.num_threads});
  LogKernels(opened.kernels, *pool);

  const int32_t max_len = opened.kv_sizes.max_model_len;
  WEIR_ASSIGN_OR_RETURN(
      Model model, Model::Load(opened.config, *opened.source.weights, opened.kernels.table, *pool,
                               {.max_position = max_len,
                                .progress = options.on_load_progress,
                                .weight_cache = {.folder = options.weight_cache_dir,
                                                 .verify = options.verify_weight_cache,
                                                 .max_bytes = options.weight_cache_bytes}}));
  WEIR_ASSIGN_OR_RETURN(KvStore kv, KvStore::Allocate(opened.kv_shape, opened.kv_sizes.num_pages));
  WEIR_ASSIGN_OR_RETURN(Buffer arena, Buffer::Allocate(opened.arena_bytes));
  WEIR_ASSIGN_OR_RETURN(AttnParts attn,
                        MakeAttnParts(options.attention, opened.config, pool->num_threads(),
                                      {.max_rows = options.max_num_batched_tokens,
                                       .max_seqs = options.max_num_seqs,
                                       .max_kv_len = max_len}));
  Loaded loaded = {.info = InfoOf(options, opened, model, *pool, attn.planner.policy()),
                   .tokenizer = std::move(tokenizer),
                   .eos_ids = EosIds(opened.source),
                   .chat_template = ChatTemplateOf(opened.source),
                   .pool = std::move(pool),
                   .model = std::make_unique<Model>(std::move(model))};
  loaded.info.has_chat_template = loaded.chat_template.has_value();
  LogLoaded(loaded.info, attn);
  EngineCoreParts core = {
      .model = *loaded.model,
      .pool = *loaded.pool,
      .kv = std::move(kv),
      .arena = Arena(std::move(arena)),
      .scheduler = {.max_step_tokens = options.max_num_batched_tokens,
                    .max_seqs = options.max_num_seqs,
                    .long_prefill_token_threshold = scheduling.long_prefill_token_threshold},
      .attn = std::move(attn),
      .prefix_caching = scheduling.prefix_caching,
      .prefix_secret = {SystemRandom(), SystemRandom()},
      .graph_mode = graph_mode,
      .capture_sizes = std::move(capture_sizes),
      .itl_budget_ms = scheduling.itl_budget_ms,
      .trace = std::move(trace)};
  return std::make_unique<LocalEngine>(std::move(loaded), std::move(core));
}

}  // namespace weir
