// SPDX-License-Identifier: Apache-2.0
#include "loader/hf_config.h"

#include "base/error.h"
#include "loader/json_fields.h"
#include "loader/rope_scaling.h"

namespace weir {
namespace {

constexpr size_t kMaxConfigBytes = size_t{1} << 20;

// Far above every known model and far below where a product of two sizes leaves int64.
constexpr int32_t kMaxVocab = 1 << 24;
constexpr int32_t kMaxHidden = 1 << 17;
constexpr int32_t kMaxIntermediate = 1 << 20;
constexpr int32_t kMaxLayers = 1 << 12;
constexpr int32_t kMaxHeads = 1 << 12;
constexpr int32_t kMaxHeadDim = 1 << 12;
constexpr int32_t kMaxProjection = 1 << 18;  // num_attention_heads * head_dim
constexpr int32_t kMaxPosition = 1 << 30;

Result<std::string> ReadArchitecture(const JsonFields& fields) {
  const Json* list = fields.Find("architectures");
  if (list == nullptr) return fields.Missing("architectures");
  if (!list->is_array() || list->empty() || !list->front().is_string()) {
    return fields.Wrong("architectures", "a list that starts with a string");
  }
  return list->front().get<std::string>();
}

// Weights that are quantised under the usual tensor names would load and mean nothing.
Status RefuseQuantized(const JsonFields& fields) {
  const Json* quantization = fields.Find("quantization_config");
  if (quantization == nullptr) return Ok();
  WEIR_ASSIGN_OR_RETURN(const JsonFields inner,
                        JsonFields::Open(*quantization, fields.where() + ": quantization_config"));
  WEIR_ASSIGN_OR_RETURN(const auto method, inner.String("quant_method"));
  return Err(Code::kUnsupported, fields.where(), ": quantization_config of method ",
             method ? Quoted(*method) : "unknown",
             " is not supported, wanted BF16, F16 or F32 weights");
}

Status ReadSizes(const JsonFields& fields, HfConfig& config) {
  WEIR_ASSIGN_OR_RETURN(config.vocab_size, fields.RequiredInt("vocab_size", 1, kMaxVocab));
  WEIR_ASSIGN_OR_RETURN(config.hidden_size, fields.RequiredInt("hidden_size", 1, kMaxHidden));
  WEIR_ASSIGN_OR_RETURN(config.intermediate_size,
                        fields.RequiredInt("intermediate_size", 1, kMaxIntermediate));
  WEIR_ASSIGN_OR_RETURN(config.num_hidden_layers,
                        fields.RequiredInt("num_hidden_layers", 1, kMaxLayers));
  WEIR_ASSIGN_OR_RETURN(config.max_position_embeddings,
                        fields.RequiredInt("max_position_embeddings", 1, kMaxPosition));
  return Ok();
}

Status ReadHeads(const JsonFields& fields, HfConfig& config) {
  WEIR_ASSIGN_OR_RETURN(const int32_t heads,
                        fields.RequiredInt("num_attention_heads", 1, kMaxHeads));
  WEIR_ASSIGN_OR_RETURN(const auto kv_heads, fields.Int("num_key_value_heads", 1, kMaxHeads));
  WEIR_ASSIGN_OR_RETURN(const auto head_dim, fields.Int("head_dim", 1, kMaxHeadDim));
  config.num_attention_heads = heads;
  config.num_key_value_heads = static_cast<int32_t>(kv_heads.value_or(heads));
  if (heads % config.num_key_value_heads != 0) {
    return Err(Code::kInvalidModel, fields.where(), ": num_attention_heads ", heads,
               " is not a multiple of num_key_value_heads ", config.num_key_value_heads);
  }
  if (!head_dim && config.hidden_size % heads != 0) {
    return Err(Code::kInvalidModel, fields.where(), ": hidden_size ", config.hidden_size,
               " is not a multiple of num_attention_heads ", heads, ", and head_dim is absent");
  }
  config.head_dim = static_cast<int32_t>(head_dim.value_or(config.hidden_size / heads));
  if (int64_t{heads} * config.head_dim > kMaxProjection) {
    return Err(Code::kInvalidModel, fields.where(), ": num_attention_heads ", heads,
               " times head_dim ", config.head_dim, " is above ", kMaxProjection);
  }
  return Ok();
}

// A number that may stand at the top and in rope_parameters; both must then agree.
Result<std::optional<double>> NumberOfEither(const JsonFields& top, const JsonFields* inner,
                                             const char* name, double min, double max) {
  WEIR_ASSIGN_OR_RETURN(const auto outside, top.Number(name, min, max));
  if (inner == nullptr) return outside;
  WEIR_ASSIGN_OR_RETURN(const auto inside, inner->Number(name, min, max));
  if (outside && inside && *outside != *inside) {
    return Err(Code::kInvalidModel, inner->where(), ": ", name, " is ", *inside, ", but ", *outside,
               " outside of it");
  }
  return inside ? inside : outside;
}

Status ReadRope(const JsonFields& fields, HfConfig& config) {
  const Json* scaling = fields.Find("rope_scaling");
  const Json* parameters = fields.Find("rope_parameters");
  if (scaling != nullptr && parameters != nullptr) {
    return Err(Code::kInvalidModel, fields.where(),
               ": both rope_scaling and rope_parameters are given, wanted one");
  }
  std::optional<JsonFields> inner;
  if (scaling != nullptr || parameters != nullptr) {
    const char* name = scaling != nullptr ? "rope_scaling" : "rope_parameters";
    WEIR_ASSIGN_OR_RETURN(const JsonFields opened,
                          JsonFields::Open(scaling != nullptr ? *scaling : *parameters,
                                           fields.where() + ": " + name));
    inner.emplace(opened);
    WEIR_ASSIGN_OR_RETURN(config.rope_scaling,
                          ReadRopeScaling(*inner, config.max_position_embeddings));
  }
  const JsonFields* inside = inner ? &*inner : nullptr;
  WEIR_ASSIGN_OR_RETURN(const auto theta, NumberOfEither(fields, inside, "rope_theta", 1.0, 1e12));
  WEIR_ASSIGN_OR_RETURN(const auto partial,
                        NumberOfEither(fields, inside, "partial_rotary_factor", 1e-3, 1.0));
  config.rope_theta = theta.value_or(10000.0);
  config.partial_rotary_factor = partial.value_or(1.0);
  return Ok();
}

Status ReadLayerTypes(const JsonFields& fields, HfConfig& config) {
  const Json* types = fields.Find("layer_types");
  if (types == nullptr) return Ok();
  if (!types->is_array() || types->size() != static_cast<size_t>(config.num_hidden_layers)) {
    return fields.Wrong("layer_types",
                        fmt::format("a list of {} strings", config.num_hidden_layers));
  }
  for (const Json& type : *types) {
    if (type == "sliding_attention") {
      config.use_sliding_window = true;
    } else if (type != "full_attention") {
      return Err(Code::kUnsupported, fields.where(), ": layer_types holds ", Shown(type),
                 ", wanted \"full_attention\"");
    }
  }
  return Ok();
}

Status ReadSlidingWindow(const JsonFields& fields, HfConfig& config) {
  WEIR_ASSIGN_OR_RETURN(const auto use, fields.Bool("use_sliding_window"));
  WEIR_ASSIGN_OR_RETURN(const auto window, fields.Int("sliding_window", 1, kMaxPosition));
  config.use_sliding_window = use.value_or(false);
  if (window) config.sliding_window = static_cast<int32_t>(*window);
  return ReadLayerTypes(fields, config);
}

Status ReadChoices(const JsonFields& fields, HfConfig& config) {
  WEIR_ASSIGN_OR_RETURN(config.rms_norm_eps, fields.RequiredNumber("rms_norm_eps", 0.0, 1.0));
  WEIR_ASSIGN_OR_RETURN(config.hidden_act, fields.RequiredString("hidden_act"));
  WEIR_ASSIGN_OR_RETURN(const auto tied, fields.Bool("tie_word_embeddings"));
  config.tie_word_embeddings = tied.value_or(false);
  WEIR_ASSIGN_OR_RETURN(config.attention_bias, fields.Bool("attention_bias"));
  WEIR_ASSIGN_OR_RETURN(config.mlp_bias, fields.Bool("mlp_bias"));
  WEIR_ASSIGN_OR_RETURN(const auto torch_dtype, fields.String("torch_dtype"));
  WEIR_ASSIGN_OR_RETURN(const auto dtype, fields.String("dtype"));
  config.torch_dtype = dtype.value_or(torch_dtype.value_or(""));
  return Ok();
}

Status ReadTokens(const JsonFields& fields, HfConfig& config) {
  WEIR_ASSIGN_OR_RETURN(config.eos_token_ids, fields.TokenIds("eos_token_id"));
  for (const int32_t id : config.eos_token_ids) {
    if (id >= config.vocab_size) {
      return Err(Code::kInvalidModel, fields.where(), ": eos_token_id ", id,
                 " is outside the vocabulary of ", config.vocab_size);
    }
  }
  WEIR_ASSIGN_OR_RETURN(const auto bos, fields.Int("bos_token_id", 0, config.vocab_size - 1));
  if (bos) config.bos_token_id = static_cast<int32_t>(*bos);
  return Ok();
}

}  // namespace

Result<HfConfig> ParseHfConfig(const Json& json, const std::string& path) {
  HfConfig config = {};
  config.path = path;
  WEIR_ASSIGN_OR_RETURN(const JsonFields top, JsonFields::Open(json, path));
  WEIR_ASSIGN_OR_RETURN(config.architecture, ReadArchitecture(top));
  // Another architecture may not have these fields at all, so its name belongs to every message.
  const JsonFields fields(json, path + " (" + Quoted(config.architecture) + ")");
  WEIR_ASSIGN_OR_RETURN(config.model_type, fields.RequiredString("model_type"));
  WEIR_RETURN_IF_ERROR(RefuseQuantized(fields));
  WEIR_RETURN_IF_ERROR(ReadSizes(fields, config));
  WEIR_RETURN_IF_ERROR(ReadHeads(fields, config));
  WEIR_RETURN_IF_ERROR(ReadRope(fields, config));
  WEIR_RETURN_IF_ERROR(ReadSlidingWindow(fields, config));
  WEIR_RETURN_IF_ERROR(ReadChoices(fields, config));
  WEIR_RETURN_IF_ERROR(ReadTokens(fields, config));
  return config;
}

Result<HfConfig> LoadHfConfig(const std::string& folder) {
  const std::string path = folder + "/config.json";
  WEIR_ASSIGN_OR_RETURN(const Json json, ParseJsonFile(path, kMaxConfigBytes));
  return ParseHfConfig(json, path);
}

}  // namespace weir
